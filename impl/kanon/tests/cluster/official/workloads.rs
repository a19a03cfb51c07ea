//! Deployments, ReplicaSets and what owns pods.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::{Api, Collection, MERGE};
use super::official;
use super::operations::contains;
use crate::support::{Outcome, ensure};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official(
            "Deployment Deployment should have a working scale subresource",
            async |api: Api| scales(&api, "deployments").await,
        ),
        official(
            "ReplicaSet Replicaset should have a working scale subresource",
            async |api: Api| scales(&api, "replicasets").await,
        ),
        official("Deployment should validate Deployment Status endpoints", async |api: Api| {
            has_status(&api, "deployments").await
        }),
        official("ReplicaSet should validate Replicaset Status endpoints", async |api: Api| {
            has_status(&api, "replicasets").await
        }),
        official("ReplicaSet should list and delete a collection of ReplicaSets", collection),
        official(
            "ReplicaSet should adopt matching pods on creation and release no longer matching pods",
            adoption,
        ),
        official(
            "ReplicaSet should serve a basic image on each replica with a public image",
            basic,
        ),
        official("ReplicaSet Replace and Patch tests", replaced_and_patched),
        official(
            "Deployment RecreateDeployment should delete old pods and create new ones",
            recreate,
        ),
        official(
            "Deployment RollingUpdateDeployment should delete old pods and create new ones",
            rolling_update,
        ),
        official("Deployment deployment should delete old replica sets", history),
        official("Deployment deployment should support rollover", rollover),
        official("Deployment deployment should support proportional scaling", proportional),
        official("Deployment should run the lifecycle of a Deployment", lifecycle),
        official(
            "Garbage collector should delete RS created by deployment when not orphaning",
            async |api: Api| deletion_of_a_deployment(&api, "Background").await,
        ),
        official(
            "Garbage collector should orphan RS created by deployment when \
             deleteOptions.PropagationPolicy is Orphan",
            async |api: Api| deletion_of_a_deployment(&api, "Orphan").await,
        ),
        official("Garbage collector should not be blocked by dependency circle", circle),
    ]
}

/// A Deployment or a ReplicaSet.
pub(super) fn workload(name: &str, replicas: usize, image: &str) -> Value {
    let labels = json!({"app": name});
    json!({"metadata": {"name": name, "labels": {"app": name}}, "spec": {"replicas": replicas,
        "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "terminationGracePeriodSeconds": 1, "containers": [{"name": "c", "image": image}]}}}})
}

pub(super) const OLD: &str = "busybox:1.35";
pub(super) const NEW: &str = "busybox:1.36";

pub(super) async fn until_ready(
    objects: &Collection,
    name: &str,
    replicas: usize,
) -> Result<Value, Failed> {
    let is_ready = |object: &Value| {
        let (status, spec) = (&object["status"], &object["spec"]);
        let observed = status["observedGeneration"] == object["metadata"]["generation"];
        let count = |field: &str| status[field].as_u64().unwrap_or(0) as usize;
        observed
            && spec["replicas"] == replicas
            && count("replicas") == replicas
            && count("availableReplicas") == replicas
    };
    objects.until(name, &format!("{replicas} are available"), is_ready).await
}

async fn scales(api: &Api, plural: &str) -> Outcome {
    let objects = api.all("apps/v1", plural);
    objects.create(&workload("tried", 1, OLD)).await?;
    until_ready(&objects, "tried", 1).await?;
    let scale = objects.get("tried/scale").await?;
    ensure(scale["spec"]["replicas"] == 1 && scale["status"]["replicas"] == 1, &scale)?;
    let updated =
        objects.change("tried/scale", |scale| scale["spec"]["replicas"] = 2.into()).await?;
    ensure(updated["spec"]["replicas"] == 2, &updated)?;
    until_ready(&objects, "tried", 2).await?;
    let patched = objects.patch("tried/scale", MERGE, &json!({"spec": {"replicas": 4}})).await?;
    ensure(patched["spec"]["replicas"] == 4, &patched)?;
    until_ready(&objects, "tried", 4).await.map(drop)
}

async fn has_status(api: &Api, plural: &str) -> Outcome {
    let objects = api.all("apps/v1", plural);
    let condition =
        |kind: &str| json!({"type": kind, "status": "True", "reason": "Tried", "message": "tried"});
    let has = |object: &Value, kind: &str| {
        contains(&object["status"]["conditions"], &json!([condition(kind)]))
    };
    objects.create(&workload("tried", 1, OLD)).await?;
    until_ready(&objects, "tried", 1).await?;
    let read = objects.get("tried/status").await?;
    ensure(read["status"]["replicas"] == 1, &read)?;
    let add = |object: &mut Value| {
        let mut conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.push(condition("Updated"));
        object["status"]["conditions"] = conditions.into();
    };
    let mut watch = objects.watch_from_now("&fieldSelector=metadata.name%3Dtried").await?;
    objects.change("tried/status", add).await?;
    let seen = watch.until("MODIFIED", "tried").await?;
    ensure(has(&seen, "Updated"), &seen)?;
    let patch = json!({"status": {"conditions": [condition("Patched")]}});
    let patched = objects.patch("tried/status", MERGE, &patch).await?;
    ensure(has(&patched, "Patched"), patched)
}

async fn collection(api: Api) -> Outcome {
    let sets = api.all("apps/v1", "replicasets");
    sets.create(&workload("tried", 3, OLD)).await?;
    until_ready(&sets, "tried", 3).await?;
    let everywhere = api.cluster_wide("apps/v1", "replicasets");
    let found = everywhere.list("?labelSelector=app%3Dtried").await?;
    let of_trial =
        found.iter().filter(|set| set["metadata"]["namespace"] == *api.namespace).count();
    ensure(of_trial == 1, "it is listed")?;
    sets.delete_collection("?labelSelector=app%3Dtried").await?;
    sets.until_gone("tried").await?;
    api.all("v1", "pods").until_count("", 0).await.map(drop)
}

fn owner(object: &Value) -> &Value {
    &object["metadata"]["ownerReferences"][0]["name"]
}

async fn adoption(api: Api) -> Outcome {
    let (sets, pods) = (api.all("apps/v1", "replicasets"), api.all("v1", "pods"));
    let mut orphan = super::pods::pod("orphan");
    orphan["metadata"]["labels"] = json!({"app": "tried"});
    pods.create(&orphan).await?;
    sets.create(&workload("tried", 1, OLD)).await?;
    pods.until("orphan", "it is adopted", |pod| owner(pod) == "tried").await?;
    ensure(pods.list("").await?.len() == 1, "no pod was made beside it")?;
    pods.patch("orphan", MERGE, &json!({"metadata": {"labels": {"app": "other"}}})).await?;
    pods.until("orphan", "it is released", |pod| owner(pod).is_null()).await?;
    pods.until_count("?labelSelector=app%3Dtried", 1).await.map(drop)
}

async fn basic(api: Api) -> Outcome {
    let (sets, pods) = (api.all("apps/v1", "replicasets"), api.all("v1", "pods"));
    sets.create(&workload("tried", 2, OLD)).await?;
    until_ready(&sets, "tried", 2).await?;
    let found = pods.list("?labelSelector=app%3Dtried").await?;
    ensure(found.iter().all(|pod| pod["status"]["phase"] == "Running"), "each replica runs")?;
    ensure(found.len() == 2, format!("{} pods", found.len()))
}

async fn replaced_and_patched(api: Api) -> Outcome {
    let sets = api.all("apps/v1", "replicasets");
    sets.create(&workload("tried", 1, OLD)).await?;
    until_ready(&sets, "tried", 1).await?;
    sets.patch("tried/scale", MERGE, &json!({"spec": {"replicas": 2}})).await?;
    until_ready(&sets, "tried", 2).await?;
    let template = json!({"metadata": {"labels": {"patched": "true"}}, "spec": {"replicas": 3,
        "template": {"spec": {"containers": [{"name": "c", "image": NEW}]}}}});
    let patched = sets.patch("tried", super::client::STRATEGIC, &template).await?;
    ensure(contains(&patched, &template), patched)?;
    until_ready(&sets, "tried", 3).await.map(drop)
}

/// The pods of a label that are not being deleted, with their images.
async fn images(api: &Api, name: &str) -> Result<Vec<String>, Failed> {
    let found = api.all("v1", "pods").list(&format!("?labelSelector=app%3D{name}")).await?;
    let lives = found.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    Ok(lives
        .filter_map(|pod| Some(pod["spec"]["containers"][0]["image"].as_str()?.to_owned()))
        .collect())
}

async fn set_image(deployments: &Collection, name: &str, image: &str) -> Outcome {
    let patch =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}});
    deployments.patch(name, super::client::STRATEGIC, &patch).await.map(drop)
}

async fn until_updated(deployments: &Collection, name: &str, replicas: usize) -> Outcome {
    let is_updated = |deployment: &Value| {
        let status = &deployment["status"];
        status["observedGeneration"] == deployment["metadata"]["generation"]
            && ["updatedReplicas", "replicas", "availableReplicas"]
                .iter()
                .all(|field| status[field] == replicas)
    };
    deployments.until(name, "it is updated", is_updated).await.map(drop)
}

async fn recreate(api: Api) -> Outcome {
    let deployments = api.all("apps/v1", "deployments");
    let mut deployment = workload("tried", 1, OLD);
    deployment["spec"]["strategy"] = json!({"type": "Recreate"});
    deployments.create(&deployment).await?;
    until_updated(&deployments, "tried", 1).await?;
    let mut watch = api.all("v1", "pods").watch_from_now("&labelSelector=app%3Dtried").await?;
    set_image(&deployments, "tried", NEW).await?;
    until_updated(&deployments, "tried", 1).await?;
    // The new pod is not made before the old one is gone.
    let mut old_is_gone = false;
    loop {
        let event = watch.next().await?;
        let is_old = event["object"]["spec"]["containers"][0]["image"] == OLD;
        let phase = &event["object"]["status"]["phase"];
        let has_ended = phase == "Succeeded" || phase == "Failed";
        match event["type"].as_str() {
            Some("DELETED") if is_old => old_is_gone = true,
            Some("MODIFIED") if is_old && has_ended => old_is_gone = true,
            Some("ADDED") if !is_old => return ensure(old_is_gone, "the new pod came too early"),
            _ => {}
        }
    }
}

async fn rolling_update(api: Api) -> Outcome {
    let (deployments, sets) =
        (api.all("apps/v1", "deployments"), api.all("apps/v1", "replicasets"));
    // It takes over what a ReplicaSet has that is older than itself.
    let old = workload("tried", 1, OLD);
    sets.create(&old).await?;
    until_ready(&sets, "tried", 1).await?;
    deployments.create(&workload("tried", 1, NEW)).await?;
    until_updated(&deployments, "tried", 1).await?;
    ensure(images(&api, "tried").await? == [NEW], "only the new pod is left")?;
    sets.until("tried", "the old one is empty", |set| set["spec"]["replicas"] == 0).await?;
    let old = sets.get("tried").await?;
    ensure(owner(&old) == "tried", old)
}

async fn history(api: Api) -> Outcome {
    let (deployments, sets) =
        (api.all("apps/v1", "deployments"), api.all("apps/v1", "replicasets"));
    let mut deployment = workload("tried", 1, OLD);
    deployment["spec"]["revisionHistoryLimit"] = 0.into();
    deployments.create(&deployment).await?;
    until_updated(&deployments, "tried", 1).await?;
    set_image(&deployments, "tried", NEW).await?;
    until_updated(&deployments, "tried", 1).await?;
    sets.until_count("?labelSelector=app%3Dtried", 1).await.map(drop)
}

/// An update in the middle of an update that cannot end.
async fn rollover(api: Api) -> Outcome {
    let (deployments, sets) =
        (api.all("apps/v1", "deployments"), api.all("apps/v1", "replicasets"));
    let mut deployment = workload("tried", 1, OLD);
    deployment["spec"]["minReadySeconds"] = 1.into();
    deployment["spec"]["strategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}});
    deployments.create(&deployment).await?;
    until_updated(&deployments, "tried", 1).await?;
    let unready = json!({"spec": {"template": {"spec": {"readinessGates": [{"conditionType": "a.b/never"}]}}}});
    deployments.patch("tried", MERGE, &unready).await?;
    sets.until_count("?labelSelector=app%3Dtried", 2).await?;
    let ready = json!({"spec": {"template": {"spec": {"readinessGates": null,
        "containers": [{"name": "c", "image": NEW}]}}}});
    deployments.patch("tried", MERGE, &ready).await?;
    until_updated(&deployments, "tried", 1).await?;
    ensure(images(&api, "tried").await? == [NEW], "only the last pod is left")?;
    let sets = sets.until_count("?labelSelector=app%3Dtried", 3).await?;
    let empty = sets.iter().filter(|set| set["spec"]["replicas"] == 0).count();
    ensure(empty == 2, format!("{empty} of the old ones are empty"))
}

/// While two revisions are there, a scaling is shared between them.
async fn proportional(api: Api) -> Outcome {
    let (deployments, sets) =
        (api.all("apps/v1", "deployments"), api.all("apps/v1", "replicasets"));
    let mut deployment = workload("tried", 10, OLD);
    deployment["spec"]["strategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2, "maxSurge": 3}});
    deployments.create(&deployment).await?;
    until_updated(&deployments, "tried", 10).await?;
    let unready = json!({"spec": {"template": {"spec": {"readinessGates": [{"conditionType": "a.b/never"}]}}}});
    deployments.patch("tried", MERGE, &unready).await?;
    let sizes = async |expected: [u64; 2]| {
        crate::support::eventually(&format!("the ReplicaSets have {expected:?}"), || async {
            let found = sets.list("?labelSelector=app%3Dtried").await?;
            let mut sizes: Vec<u64> =
                found.iter().filter_map(|set| set["spec"]["replicas"].as_u64()).collect();
            sizes.sort_unstable();
            Ok((sizes == expected).then_some(()))
        })
        .await
    };
    sizes([5, 8]).await?;
    deployments.patch("tried/scale", MERGE, &json!({"spec": {"replicas": 30}})).await?;
    sizes([13, 20]).await
}

async fn lifecycle(api: Api) -> Outcome {
    let deployments = api.all("apps/v1", "deployments");
    let mut watch = deployments.watch_from_now("&labelSelector=app%3Dtried").await?;
    deployments.create(&workload("tried", 1, OLD)).await?;
    watch.until("ADDED", "tried").await?;
    until_updated(&deployments, "tried", 1).await?;
    let everywhere = api.cluster_wide("apps/v1", "deployments");
    let found = everywhere.list("?labelSelector=app%3Dtried").await?;
    let of_trial = found.iter().filter(|found| found["metadata"]["namespace"] == *api.namespace);
    ensure(of_trial.count() == 1, "it is listed")?;
    let patch = json!({"metadata": {"labels": {"patched": "true"}}, "spec": {"replicas": 2}});
    deployments.patch("tried", MERGE, &patch).await?;
    until_updated(&deployments, "tried", 2).await?;
    deployments
        .change("tried", |found| found["metadata"]["labels"]["updated"] = "true".into())
        .await?;
    let read = deployments.get("tried/status").await?;
    ensure(read["metadata"]["labels"]["updated"] == "true", &read)?;
    ensure(read["status"]["readyReplicas"] == 2, &read)?;
    deployments.delete_collection("?labelSelector=app%3Dtried").await?;
    watch.until("DELETED", "tried").await.map(drop)
}

async fn deletion_of_a_deployment(api: &Api, policy: &str) -> Outcome {
    let (deployments, sets) =
        (api.all("apps/v1", "deployments"), api.all("apps/v1", "replicasets"));
    deployments.create(&workload("tried", 2, OLD)).await?;
    until_updated(&deployments, "tried", 2).await?;
    deployments.delete("tried", &json!({"propagationPolicy": policy})).await?;
    deployments.until_gone("tried").await?;
    if policy != "Orphan" {
        sets.until_count("", 0).await?;
        return api.all("v1", "pods").until_count("", 0).await.map(drop);
    }
    let left = sets.until_count("", 1).await?;
    let name = left[0]["metadata"]["name"].as_str().unwrap_or_default();
    let left = sets.until(name, "it has no owner", |set| owner(set).is_null()).await?;
    ensure(left["status"]["replicas"] == 2, left)
}

/// Three pods, each of which is owned by another one.
async fn circle(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let names = ["one", "two", "three"];
    let mut uids = vec![];
    for name in names {
        uids.push(pods.create(&super::pods::pod(name)).await?["metadata"]["uid"].clone());
    }
    for (place, name) in names.iter().enumerate() {
        let owner = (place + 2) % 3;
        let reference = json!({"apiVersion": "v1", "kind": "Pod", "name": names[owner],
            "uid": uids[owner], "controller": true, "blockOwnerDeletion": true});
        pods.patch(name, MERGE, &json!({"metadata": {"ownerReferences": [reference]}})).await?;
    }
    pods.delete("one", &json!({"propagationPolicy": "Foreground"})).await?;
    pods.until_count("", 0).await.map(drop)
}
