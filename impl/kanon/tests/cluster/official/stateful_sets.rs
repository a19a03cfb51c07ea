//! StatefulSets: pods with names of their own, one after the other.
//!
//! A pod is made unhealthy by a condition that a readiness gate asks for, where the official tests take away
//! the page that a probe reads: simulated containers serve none.

mod tried;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use self::tried::{Tried, gated, stateful_set};
use super::client::{Api, MERGE, STRATEGIC};
use super::official;
use super::operations::contains;
use super::workloads::{NEW, OLD, until_ready};
use crate::support::{Outcome, ensure};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official(
            "StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Burst scaling should run to \
             completion even with unhealthy pods [Slow]",
            burst,
        ),
        official(
            "StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Scaling should happen in \
             predictable order and halt if any stateful pod is unhealthy [Slow]",
            ordered,
        ),
        official(
            "StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Should recreate evicted \
             statefulset",
            rejected,
        ),
        official(
            "StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should have a working scale \
             subresource",
            scale,
        ),
        official(
            "StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should list, patch and delete \
             a collection of StatefulSets",
            collection,
        ),
        official(
            "StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should perform canary updates \
             and phased rolling updates of template modifications",
            canary,
        ),
        official(
            "StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should perform rolling updates \
             and roll backs of template modifications",
            rollback,
        ),
        official(
            "StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should validate Statefulset \
             Status endpoints",
            status,
        ),
    ]
}

async fn burst(api: Api) -> Outcome {
    let tried = Tried::new(&api, &gated(1, "Parallel")).await?;
    tried.set_healthy(0, true).await?;
    tried.until_ready(1).await?;
    tried.set_healthy(0, false).await?;
    tried.until_ready(0).await?;
    tried.set_replicas(3).await?;
    tried.pods.until_count("?labelSelector=app%3Dtried", 3).await?;
    for ordinal in 0..3 {
        tried.set_healthy(ordinal, true).await?;
    }
    tried.until_ready(3).await?;
    for ordinal in 0..3 {
        tried.set_healthy(ordinal, false).await?;
    }
    tried.until_ready(0).await?;
    tried.set_replicas(0).await?;
    tried.pods.until_count("?labelSelector=app%3Dtried", 0).await?;
    let is_empty = |set: &Value| set["status"]["replicas"] == 0;
    tried.sets.until("tried", "it has no replicas", is_empty).await.map(drop)
}

async fn ordered(api: Api) -> Outcome {
    let query = "&labelSelector=app%3Dtried";
    let mut watch = api.all("v1", "pods").watch_from_now(query).await?;
    let tried = Tried::new(&api, &gated(1, "OrderedReady")).await?;
    tried.set_healthy(0, true).await?;
    tried.until_ready(1).await?;
    tried.set_healthy(0, false).await?;
    tried.until_ready(0).await?;

    tried.set_replicas(3).await?;
    ensure(tried.pods.list("").await?.len() == 1, "scaling up halts")?;
    for ordinal in 0..3 {
        tried.set_healthy(ordinal, true).await?;
    }
    tried.until_ready(3).await?;
    let added = ["tried-0", "tried-1", "tried-2"];
    ensure(order(&mut watch, "ADDED").await? == added, "they are added in order")?;

    for ordinal in 0..3 {
        tried.set_healthy(ordinal, false).await?;
    }
    tried.until_ready(0).await?;
    tried.set_replicas(0).await?;
    let left = tried.pods.list("").await?;
    let stay = left.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).count();
    ensure(stay == 3, "scaling down halts")?;
    // The last pod may go when it is the only unhealthy one.
    tried.set_healthy(0, true).await?;
    tried.tell_health("tried-1", true).await?;
    tried.pods.until_count("", 0).await?;
    let deleted = ["tried-2", "tried-1", "tried-0"];
    ensure(order(&mut watch, "DELETED").await? == deleted, "they are deleted in reverse order")
}

/// The pods of the next three events of a type.
async fn order(watch: &mut super::client::Watch, kind: &str) -> Result<Vec<String>, Failed> {
    let mut names = vec![];
    while names.len() < 3 {
        let event = watch.next().await?;
        if event["type"] == kind {
            names.push(event["object"]["metadata"]["name"].as_str().unwrap_or_default().to_owned());
        }
    }
    Ok(names)
}

/// The node has no room for what its pods ask for, until they ask for less.
async fn rejected(api: Api) -> Outcome {
    let nodes = api.cluster_wide("v1", "nodes").list("").await?;
    let node = nodes.first().map(|node| &node["metadata"]["name"]).ok_or("there is no node")?;
    let mut set = stateful_set(1);
    let containers =
        |cpu: &str| json!([{"name": "c", "image": OLD, "resources": {"requests": {"cpu": cpu}}}]);
    set["spec"]["template"]["spec"]["nodeName"] = node.clone();
    set["spec"]["template"]["spec"]["containers"] = containers("1M");
    let mut watch = api.all("v1", "pods").watch_from_now("").await?;
    let tried = Tried::new(&api, &set).await?;

    let rejected = watch.until("DELETED", "tried-0").await?;
    ensure(rejected["status"]["phase"] == "Failed", &rejected)?;
    let again = watch.until("ADDED", "tried-0").await?;
    ensure(again["metadata"]["uid"] != rejected["metadata"]["uid"], &again)?;
    let patch = json!({"spec": {"template": {"spec": {"containers": containers("1m")}}}});
    tried.sets.patch("tried", STRATEGIC, &patch).await?;
    let runs = |pod: &Value| pod["status"]["phase"] == "Running";
    tried.pods.until("tried-0", "it runs", runs).await.map(drop)
}

async fn scale(api: Api) -> Outcome {
    let tried = Tried::new(&api, &stateful_set(1)).await?;
    until_ready(&tried.sets, "tried", 1).await?;
    let scale = tried.sets.get("tried/scale").await?;
    ensure(scale["spec"]["replicas"] == 1 && scale["status"]["replicas"] == 1, &scale)?;
    let mut unconditional = scale;
    unconditional["metadata"]["resourceVersion"] = json!("");
    unconditional["spec"]["replicas"] = json!(2);
    let updated = tried.sets.update("tried/scale", &unconditional).await?;
    ensure(updated["spec"]["replicas"] == 2, &updated)?;
    ensure(tried.sets.get("tried").await?["spec"]["replicas"] == 2, "the set has two replicas")?;
    until_ready(&tried.sets, "tried", 2).await?;
    let patch = json!({"spec": {"replicas": 4}});
    tried.sets.patch("tried/scale", STRATEGIC, &patch).await?;
    ensure(tried.sets.get("tried").await?["spec"]["replicas"] == 4, "the set has four replicas")?;
    until_ready(&tried.sets, "tried", 4).await.map(drop)
}

async fn collection(api: Api) -> Outcome {
    let tried = Tried::new(&api, &stateful_set(1)).await?;
    until_ready(&tried.sets, "tried", 1).await?;
    let label = super::unique("patched");
    let patch = json!({"metadata": {"labels": {"tried": label}}, "spec": {"replicas": 2,
        "template": {"spec": {"containers": [{"name": "c", "image": NEW}]}}}});
    let patched = tried.sets.patch("tried", STRATEGIC, &patch).await?;
    ensure(contains(&patched, &patch), &patched)?;
    tried.until_updated().await?;
    let (query, everywhere) =
        (format!("?labelSelector=tried%3D{label}"), api.cluster_wide("apps/v1", "statefulsets"));
    ensure(everywhere.list(&query).await?.len() == 1, "it is listed")?;
    tried.sets.delete_collection(&query).await?;
    everywhere.until_count(&query, 0).await?;
    tried.pods.until_count("", 0).await.map(drop)
}

async fn canary(api: Api) -> Outcome {
    let mut set = stateful_set(3);
    set["spec"]["updateStrategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 3}});
    let tried = Tried::new(&api, &set).await?;
    let made = tried.until_updated().await?;
    let old = made["status"]["currentRevision"].clone();
    ensure(made["status"]["updateRevision"] == old, &made)?;

    let changed = tried.set_image(NEW).await?;
    let new = changed["status"]["updateRevision"].clone();
    ensure(changed["status"]["currentRevision"] == old && new != old, &changed)?;
    let revisions = [&old, &new];
    tried.until_split(3, revisions).await?;

    tried.set_partition(2).await?;
    tried.until_split(2, revisions).await?;
    for ordinal in [0, 2] {
        let name = format!("tried-{ordinal}");
        let uid = tried.pods.get(&name).await?["metadata"]["uid"].clone();
        tried.pods.delete(&name, &json!({"gracePeriodSeconds": 0})).await?;
        let is_another = |pod: &Value| pod["metadata"]["uid"] != uid;
        tried.pods.until(&name, "it is made again", is_another).await?;
    }
    tried.until_split(2, revisions).await?;

    for partition in [1, 0] {
        tried.set_partition(partition).await?;
        tried.until_split(partition, revisions).await?;
    }
    let done = tried.until_updated().await?;
    ensure(done["status"]["currentRevision"] == new, done)
}

async fn rollback(api: Api) -> Outcome {
    let tried = Tried::new(&api, &gated(3, "OrderedReady")).await?;
    for ordinal in 0..3 {
        tried.set_healthy(ordinal, true).await?;
    }
    let made = tried.until_updated().await?;
    let first = made["status"]["currentRevision"].clone();
    tried.until_split(3, [&first, &first]).await?;

    let second = replace(&tried, NEW, &first).await?;
    ensure(second != first, "there is a new revision")?;
    tried.until_split(0, [&first, &second]).await?;

    let third = replace(&tried, OLD, &second).await?;
    ensure(third == first, "the prior revision is taken again")?;
    tried.until_split(3, [&first, &second]).await
}

/// Brings another image in while one pod is unhealthy, and sees the pods go from the last to the first. The
/// revision that they have then.
async fn replace(tried: &Tried, image: &str, before: &Value) -> Result<Value, Failed> {
    tried.set_healthy(1, false).await?;
    let changed = tried.set_image(image).await?;
    let after = changed["status"]["updateRevision"].clone();
    ensure(changed["status"]["currentRevision"] == *before && after != *before, &changed)?;
    let mut watch = tried.pods.watch_from_now("&labelSelector=app%3Dtried").await?;
    tried.set_healthy(1, true).await?;
    for ordinal in (0..3).rev() {
        let is_new = |pod: &Value| pod["metadata"]["labels"]["controller-revision-hash"] == after;
        let what = format!("{ordinal} is made again");
        tried.pods.until(&format!("tried-{ordinal}"), &what, is_new).await?;
        tried.set_healthy(ordinal, true).await?;
    }
    let deleted = ["tried-2", "tried-1", "tried-0"];
    ensure(order(&mut watch, "DELETED").await? == deleted, "they go in reverse order")?;
    let done = tried.until_updated().await?;
    ensure(done["status"]["currentRevision"] == after, &done)?;
    Ok(after)
}

async fn status(api: Api) -> Outcome {
    let tried = Tried::new(&api, &stateful_set(1)).await?;
    until_ready(&tried.sets, "tried", 1).await?;
    let mut watch = tried.sets.watch_from_now("&fieldSelector=metadata.name%3Dtried").await?;
    let read = tried.sets.get("tried/status").await?;
    ensure(read["status"]["replicas"] == 1, &read)?;
    let updated = json!({"type": "StatusUpdate", "status": "True", "reason": "Tried",
        "message": "set by a trial"});
    let add = |set: &mut Value| set["status"]["conditions"] = json!([updated]);
    tried.sets.change("tried/status", add).await?;
    let seen = watch.until("MODIFIED", "tried").await?;
    ensure(contains(&seen["status"]["conditions"], &json!([updated])), &seen)?;
    let patched = json!({"type": "StatusPatched", "status": "True"});
    let patch = json!({"status": {"conditions": [patched]}});
    tried.sets.patch("tried/status", MERGE, &patch).await?;
    let seen = watch.until("MODIFIED", "tried").await?;
    ensure(contains(&seen["status"]["conditions"], &json!([patched])), seen)
}
