//! Volumes that outlive their pods: folders of nodes, made for claims and removed with them.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use kube::api::{DeleteParams, ListParams, LogParams, PostParams};
use kube::{Api, Client};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::containers::{create, embedded, with_containers};
use crate::support::{Cluster, Outcome, ensure, eventually, trial};

/// The claim of the first pod.
const CLAIM: &str = "data-keeper-0";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials =
        with_containers(vec![trial("a_file_outlives_its_pod_and_goes_with_its_claim", outlives)]);
    trials.extend([
        trial("claims_of_a_simulated_cluster_get_volumes_and_lose_them", simulated),
        trial("a_pods_own_volume_comes_and_goes_with_it", ephemeral),
        trial("a_claim_gets_the_volume_that_fits_it_best_and_its_pod_waits_for_it", fits),
    ]);
    trials
}

/// The objects of one namespace, and the volumes.
struct Objects {
    sets: Api<StatefulSet>,
    pods: Api<Pod>,
    claims: Api<PersistentVolumeClaim>,
    volumes: Api<PersistentVolume>,
}

impl Objects {
    fn of(client: &Client) -> Self {
        Self {
            sets: Api::namespaced(client.clone(), "default"),
            pods: Api::namespaced(client.clone(), "default"),
            claims: Api::namespaced(client.clone(), "default"),
            volumes: Api::all(client.clone()),
        }
    }

    /// Creates the set as soon as that is possible.
    async fn create(&self, script: &str) -> Outcome {
        let set = keeper(script);
        eventually("the set is accepted", || async {
            Ok(Some(self.sets.create(&PostParams::default(), &set).await?))
        })
        .await
        .map(drop)
    }

    /// The uid of the set's pod, once it is ready and not this one.
    async fn ready(&self, not: &str) -> Result<String, Failed> {
        eventually("the pod is ready", || async {
            let pod = self.pods.get("keeper-0").await?;
            let uid = pod.metadata.uid.unwrap_or_default();
            let conditions = pod.status.and_then(|status| status.conditions).unwrap_or_default();
            let is_ready =
                conditions.iter().any(|one| one.type_ == "Ready" && one.status == "True");
            Ok((is_ready && uid != not).then_some(uid))
        })
        .await
    }

    /// The volume of the claim.
    async fn volume(&self) -> Result<PersistentVolume, Failed> {
        let claim = self.claims.get(CLAIM).await?;
        let phase = claim.status.and_then(|status| status.phase);
        ensure(phase.as_deref() == Some("Bound"), format!("the claim is {phase:?}"))?;
        let name = claim.spec.and_then(|spec| spec.volume_name).unwrap_or_default();
        Ok(self.volumes.get(&name).await?)
    }

    /// Deletes the set and its claim, and waits until the volume is gone.
    async fn delete(&self) -> Outcome {
        self.sets.delete("keeper", &DeleteParams::foreground()).await?;
        self.claims.delete(CLAIM, &DeleteParams::default()).await?;
        eventually("the volume is gone", || async {
            Ok(self.volumes.list(&ListParams::default()).await?.items.is_empty().then_some(()))
        })
        .await
    }
}

/// A StatefulSet of one pod, which keeps its data in a volume.
fn keeper(script: &str) -> StatefulSet {
    let container = json!({"name": "c", "image": "busybox:1.35", "command": ["sh", "-c", script],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}]});
    let claim = json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Mi"}}}});
    let template = json!({"metadata": {"labels": {"app": "keeper"}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]}});
    serde_json::from_value(json!({
        "metadata": {"name": "keeper"},
        "spec": {"serviceName": "keeper", "selector": {"matchLabels": {"app": "keeper"}},
            "template": template, "volumeClaimTemplates": [claim]},
    }))
    .expect("it is a StatefulSet")
}

fn path(volume: &PersistentVolume) -> String {
    let local = volume.spec.as_ref().and_then(|spec| spec.local.as_ref());
    local.map(|local| local.path.clone()).unwrap_or_default()
}

async fn outlives() -> Outcome {
    let cluster = embedded(&[])?;
    let objects = Objects::of(&cluster.client().await?);
    objects.create("date >> /data/starts; wc -l < /data/starts; exec sleep 3600").await?;
    let first = objects.ready("").await?;
    let volume = objects.volume().await?;
    let folder = std::path::PathBuf::from(path(&volume));
    ensure(folder.join("starts").exists(), format!("there is no file in {}", folder.display()))?;

    objects.pods.delete("keeper-0", &DeleteParams::default()).await?;
    objects.ready(&first).await?;
    eventually("the second pod has found the file of the first", || async {
        let log = objects.pods.logs("keeper-0", &LogParams::default()).await?;
        Ok((log.trim() == "2").then_some(()))
    })
    .await?;

    objects.delete().await?;
    ensure(!folder.exists(), format!("{} is still there", folder.display()))
}

async fn simulated() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "2"])?;
    let objects = Objects::of(&cluster.client().await?);
    objects.create("sleep 3600").await?;
    objects.ready("").await?;

    let volume = objects.volume().await?;
    let pod = objects.pods.get("keeper-0").await?;
    let spec = serde_json::to_value(&volume.spec)?;
    let requirement =
        &spec["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0];
    let node = pod.spec.and_then(|spec| spec.node_name);
    ensure(requirement["values"] == json!([node]), format!("{node:?} is not in {requirement}"))?;
    ensure(
        spec["storageClassName"] == "local-path" && spec["capacity"] == json!({"storage": "1Mi"}),
        format!("the volume is {spec}"),
    )?;
    let phase = volume.status.and_then(|status| status.phase);
    ensure(phase.as_deref() == Some("Bound"), format!("the volume is {phase:?}"))?;

    objects.delete().await
}

/// A pod with one volume.
fn pod(volume: &Value) -> Pod {
    let mount = json!([{"name": "v", "mountPath": "/v"}]);
    let container = json!({"name": "c", "image": "busybox:1.35", "volumeMounts": mount});
    let mut volume = volume.clone();
    volume["name"] = "v".into();
    let spec =
        json!({"containers": [container], "volumes": [volume], "terminationGracePeriodSeconds": 0});
    serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": spec})).expect("it is a Pod")
}

/// Waits until the pod `p` runs.
async fn runs(objects: &Objects) -> Outcome {
    eventually("the pod runs", || async {
        let phase = objects.pods.get("p").await?.status.and_then(|status| status.phase);
        Ok((phase.as_deref() == Some("Running")).then_some(()))
    })
    .await
}

async fn ephemeral() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let objects = Objects::of(&cluster.client().await?);
    let spec =
        json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}});
    let own = json!({"ephemeral": {"volumeClaimTemplate": {"spec": spec}}});
    create(&cluster, &pod(&own)).await?;
    runs(&objects).await?;

    let claim = objects.claims.get("p-v").await?;
    let owners = claim.metadata.owner_references.unwrap_or_default();
    ensure(owners.len() == 1 && owners[0].name == "p", format!("it is owned by {owners:?}"))?;

    objects.pods.delete("p", &DeleteParams::default()).await?;
    eventually("the claim and its volume are gone", || async {
        let claims = objects.claims.list(&ListParams::default()).await?.items;
        let volumes = objects.volumes.list(&ListParams::default()).await?.items;
        Ok((claims.is_empty() && volumes.is_empty()).then_some(()))
    })
    .await
}

async fn fits() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let objects = Objects::of(&cluster.client().await?);
    let made = PostParams::default();
    for (name, size) in [("big", "9Gi"), ("fits", "3Gi"), ("small", "1Gi")] {
        let spec = json!({"accessModes": ["ReadWriteOnce"], "capacity": {"storage": size},
            "hostPath": {"path": "/tmp"}, "storageClassName": "slow"});
        let volume = serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec}))?;
        objects.volumes.create(&made, &volume).await?;
    }
    create(&cluster, &pod(&json!({"persistentVolumeClaim": {"claimName": "data"}}))).await?;
    // Upstream's words: the plugin of devices, which had no say yet, misses what it would have noted.
    let why = "0/1 nodes are available: persistentvolumeclaim \"data\" not found. not found";
    eventually("the pod waits for its claim", || async {
        let conditions = objects.pods.get("p").await?.status.and_then(|status| status.conditions);
        let mut conditions = conditions.unwrap_or_default().into_iter();
        Ok(conditions.any(|one| one.message.as_deref() == Some(why)).then_some(()))
    })
    .await?;

    let spec = json!({"accessModes": ["ReadWriteOnce"], "storageClassName": "slow",
        "resources": {"requests": {"storage": "2Gi"}}});
    let claim = serde_json::from_value(json!({"metadata": {"name": "data"}, "spec": spec}))?;
    objects.claims.create(&made, &claim).await?;
    runs(&objects).await?;

    let bound = objects.claims.get("data").await?.spec.and_then(|spec| spec.volume_name);
    ensure(bound.as_deref() == Some("fits"), format!("it is bound to {bound:?}"))
}
