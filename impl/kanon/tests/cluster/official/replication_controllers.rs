//! ReplicationControllers, and what becomes of their pods when they go.

use http::Method;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::{Api, Collection, MERGE, STRATEGIC};
use super::operations::contains;
use super::proxies::SERVER;
use super::{official, with_containers};
use crate::support::{Outcome, ensure, eventually};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official("ReplicationController should adopt matching pods on creation", adoption),
        official("ReplicationController should release no longer matching pods", release),
        official(
            "ReplicationController should get and update a ReplicationController scale",
            scale,
        ),
        official(
            "ReplicationController should surface a failure condition on a common issue like exceeded quota",
            failure,
        ),
        official(
            "ReplicationController should test the lifecycle of a ReplicationController",
            lifecycle,
        ),
        with_containers(
            "ReplicationController should serve a basic image on each replica with a public image",
            served,
        ),
        official(
            "Garbage collector should delete pods created by rc when not orphaning",
            background,
        ),
        official(
            "Garbage collector should keep the rc around until all its pods are deleted if the \
             deleteOptions says so [Serial]",
            foreground,
        ),
        official(
            "Garbage collector should orphan pods created by rc if delete options say so [Serial]",
            orphans,
        ),
        official(
            "Garbage collector should not delete dependents that have both valid owner and owner that's \
             waiting for dependents to be deleted [Serial]",
            two_owners,
        ),
    ]
}

/// A ReplicationController whose pods have the label `app`, which is its name.
pub(super) fn replication_controller(name: &str, replicas: usize) -> Value {
    let labels = json!({"app": name});
    let container = json!({"name": "c", "image": "busybox:1.35"});
    json!({"apiVersion": "v1", "kind": "ReplicationController",
        "metadata": {"name": name, "labels": labels},
        "spec": {"replicas": replicas, "selector": labels, "template": {"metadata": {"labels": labels},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]}}}})
}

fn controllers(api: &Api) -> Collection {
    api.all("v1", "replicationcontrollers")
}

fn pods(api: &Api) -> Collection {
    api.all("v1", "pods")
}

/// Makes one and waits until all of its pods are ready.
async fn make(api: &Api, name: &str, replicas: usize) -> Result<Value, Failed> {
    controllers(api).create(&replication_controller(name, replicas)).await?;
    until_ready(api, name, replicas).await
}

async fn until_ready(api: &Api, name: &str, replicas: usize) -> Result<Value, Failed> {
    let is_ready = |found: &Value| {
        let status = &found["status"];
        status["observedGeneration"] == found["metadata"]["generation"]
            && ["replicas", "readyReplicas", "availableReplicas"]
                .iter()
                .all(|field| status[field].as_u64().unwrap_or(0) == replicas as u64)
    };
    controllers(api).until(name, &format!("{replicas} are ready"), is_ready).await
}

fn owners(object: &Value) -> &Value {
    &object["metadata"]["ownerReferences"]
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

async fn adoption(api: Api) -> Outcome {
    let mut orphan = super::pods::pod("orphan");
    orphan["metadata"]["labels"] = json!({"app": "tried"});
    pods(&api).create(&orphan).await?;
    make(&api, "tried", 1).await?;
    let adopted = pods(&api)
        .until("orphan", "it is adopted", |pod| owners(pod)[0]["name"] == "tried")
        .await?;
    ensure(owners(&adopted)[0]["controller"] == true, adopted)?;
    pods(&api).until_count("", 1).await.map(drop)
}

async fn release(api: Api) -> Outcome {
    make(&api, "tried", 1).await?;
    let found = pods(&api).until_count("?labelSelector=app%3Dtried", 1).await?;
    let label = json!({"metadata": {"labels": {"app": "other"}}});
    pods(&api).patch(name(&found[0]), MERGE, &label).await?;
    pods(&api).until(name(&found[0]), "it is released", |pod| owners(pod).is_null()).await?;
    pods(&api).until_count("?labelSelector=app%3Dtried", 1).await.map(drop)
}

async fn scale(api: Api) -> Outcome {
    make(&api, "tried", 1).await?;
    let scale = controllers(&api).get("tried/scale").await?;
    ensure(scale["spec"]["replicas"] == 1 && scale["status"]["replicas"] == 1, &scale)?;
    let two = |scale: &mut Value| scale["spec"]["replicas"] = 2.into();
    let updated = controllers(&api).change("tried/scale", two).await?;
    ensure(updated["spec"]["replicas"] == 2, updated)?;
    until_ready(&api, "tried", 2).await.map(drop)
}

async fn failure(api: Api) -> Outcome {
    let quotas = api.all("v1", "resourcequotas");
    let quota = json!({"metadata": {"name": "two"}, "spec": {"hard": {"pods": "2"}}});
    quotas.create(&quota).await?;
    quotas.until("two", "it counts", |quota| quota["status"]["hard"]["pods"] == "2").await?;
    let failures = |found: &Value| {
        let conditions = found["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().filter(|condition| condition["type"] == "ReplicaFailure").count()
    };
    let controllers = controllers(&api);
    controllers.create(&replication_controller("tried", 3)).await?;
    let failed =
        controllers.until("tried", "it says that it failed", |it| failures(it) == 1).await?;
    let condition = &failed["status"]["conditions"][0];
    let message = condition["message"].as_str().unwrap_or_default();
    ensure(condition["reason"] == "FailedCreate" && message.contains("exceeded quota"), &failed)?;
    controllers.change("tried", |it| it["spec"]["replicas"] = 2.into()).await?;
    controllers.until("tried", "the failure is over", |it| failures(it) == 0).await.map(drop)
}

async fn lifecycle(api: Api) -> Outcome {
    let controllers = controllers(&api);
    let mut watch = controllers.watch_from_now("&labelSelector=a-trial%3Dtrue").await?;
    let mut made = replication_controller("tried", 1);
    made["metadata"]["labels"]["a-trial"] = "true".into();
    controllers.create(&made).await?;
    watch.expect("ADDED", "tried").await?;
    until_ready(&api, "tried", 1).await?;
    let label = json!({"metadata": {"labels": {"patched": "true"}}});
    let patched = controllers.patch("tried", STRATEGIC, &label).await?;
    ensure(contains(&patched, &label), patched)?;
    let status = json!({"status": {"readyReplicas": 0, "availableReplicas": 0}});
    let patched = controllers.patch("tried/status", MERGE, &status).await?;
    ensure(patched["status"]["readyReplicas"].as_u64().unwrap_or(0) == 0, patched)?;
    // The controller says again what it sees.
    until_ready(&api, "tried", 1).await?;
    let image = json!({"spec": {"replicas": 2, "template": {"spec": {"containers":
        [{"name": "c", "image": "busybox:1.36"}]}}}});
    let patched = controllers.patch("tried", STRATEGIC, &image).await?;
    ensure(contains(&patched, &image), patched)?;
    until_ready(&api, "tried", 2).await?;
    let read = controllers.get("tried/status").await?;
    ensure(read["status"]["replicas"] == 2, read)?;
    let everywhere = api.cluster_wide("v1", "replicationcontrollers");
    let found = everywhere.list("?labelSelector=a-trial%3Dtrue").await?;
    let is_ours = |it: &&Value| it["metadata"]["namespace"] == *api.namespace;
    ensure(found.iter().filter(is_ours).count() == 1, "it is listed")?;
    let again = |it: &mut Value| it["metadata"]["labels"]["updated"] = "true".into();
    let updated = controllers.change("tried", again).await?;
    ensure(updated["metadata"]["labels"]["updated"] == "true", updated)?;
    controllers.delete_collection("?labelSelector=a-trial%3Dtrue").await?;
    watch.until("DELETED", "tried").await.map(drop)
}

async fn served(api: Api) -> Outcome {
    let mut serving = replication_controller("tried", 2);
    let container = &mut serving["spec"]["template"]["spec"]["containers"][0];
    container["command"] = json!(["sh", "-c", SERVER]);
    container["ports"] = json!([{"containerPort": 8080}]);
    controllers(&api).create(&serving).await?;
    until_ready(&api, "tried", 2).await?;
    for pod in pods(&api).list("?labelSelector=app%3Dtried").await? {
        let path = format!("/api/v1/namespaces/{}/pods/{}:8080/proxy/", api.namespace, name(&pod));
        eventually("the pod answers", || async {
            let (code, _) = api.send(Method::GET, &path, &[], None).await?;
            Ok((code == 200).then_some(()))
        })
        .await?;
    }
    Ok(())
}

async fn delete(api: &Api, name: &str, policy: &str) -> Outcome {
    controllers(api).delete(name, &json!({"propagationPolicy": policy})).await.map(drop)
}

async fn background(api: Api) -> Outcome {
    make(&api, "tried", 2).await?;
    delete(&api, "tried", "Background").await?;
    controllers(&api).until_gone("tried").await?;
    pods(&api).until_count("", 0).await.map(drop)
}

async fn foreground(api: Api) -> Outcome {
    make(&api, "tried", 10).await?;
    let mut watch = controllers(&api).watch_from_now("").await?;
    delete(&api, "tried", "Foreground").await?;
    watch.until("DELETED", "tried").await?;
    ensure(pods(&api).list("").await?.is_empty(), "it went after its pods")
}

async fn orphans(api: Api) -> Outcome {
    make(&api, "tried", 10).await?;
    delete(&api, "tried", "Orphan").await?;
    controllers(&api).until_gone("tried").await?;
    let left = pods(&api).list("").await?;
    ensure(left.len() == 10, format!("{} pods are left", left.len()))?;
    ensure(left.iter().all(|pod| owners(pod).is_null()), "they have no owner")?;
    let lives = |pod: &Value| pod["metadata"]["deletionTimestamp"].is_null();
    ensure(left.iter().all(lives), "they are not being deleted")
}

async fn two_owners(api: Api) -> Outcome {
    make(&api, "goes", 10).await?;
    let stays = make(&api, "stays", 0).await?;
    let second = json!({"apiVersion": "v1", "kind": "ReplicationController", "name": "stays",
        "uid": stays["metadata"]["uid"]});
    let made = pods(&api).list("?labelSelector=app%3Dgoes").await?;
    let shared: Vec<&str> = made[..5].iter().map(name).collect();
    for pod in &shared {
        let owners = json!({"metadata": {"ownerReferences": [second]}});
        pods(&api).patch(pod, STRATEGIC, &owners).await?;
    }
    delete(&api, "goes", "Foreground").await?;
    controllers(&api).until_gone("goes").await?;
    let left = pods(&api).list("").await?;
    let mut names: Vec<&str> = left.iter().map(name).collect();
    names.sort_unstable();
    let mut expected = shared.clone();
    expected.sort_unstable();
    ensure(names == expected, format!("{names:?} are left"))?;
    let keeps = |pod: &Value| {
        pod["metadata"]["deletionTimestamp"].is_null()
            && owners(pod).as_array().is_some_and(|owners| owners.len() == 1)
            && owners(pod)[0]["name"] == "stays"
    };
    ensure(left.iter().all(keeps), "they have the other owner only")
}
