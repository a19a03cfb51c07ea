//! DaemonSets: a pod on each node, and the ControllerRevisions that remember their templates.

use std::collections::{BTreeMap, BTreeSet};

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::{Api, Collection, MERGE, STRATEGIC};
use super::operations::contains;
use super::{official, unique};
use crate::support::{Outcome, ensure, eventually};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official("Daemon set [Serial] should run and stop simple daemon", simple),
        official("Daemon set [Serial] should run and stop complex daemon", complex),
        official("Daemon set [Serial] should retry creating failed daemon pods", failed),
        official(
            "Daemon set [Serial] should update pod when spec was updated and update strategy is \
             RollingUpdate",
            rolling_update,
        ),
        official("Daemon set [Serial] should rollback without unnecessary restarts", rollback),
        official(
            "Daemon set [Serial] should list and delete a collection of DaemonSets",
            collection,
        ),
        official("Daemon set [Serial] should verify changes to a daemon set status", status),
        official(
            "ControllerRevision [Serial] should manage the lifecycle of a ControllerRevision",
            revisions,
        ),
    ]
}

const OLD: &str = "busybox:1.35";
const NEW: &str = "busybox:1.36";

/// A DaemonSet `tried` on every node.
fn daemon_set(namespace: &str) -> Value {
    let labels = json!({"app": "tried", "trial": namespace});
    json!({"metadata": {"name": "tried", "labels": labels}, "spec": {
        "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "terminationGracePeriodSeconds": 1, "containers": [{"name": "c", "image": OLD}]}}}})
}

fn daemon_sets(api: &Api) -> Collection {
    api.all("apps/v1", "daemonsets")
}

fn pods(api: &Api) -> Collection {
    api.all("v1", "pods")
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

fn uid(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}

fn image(pod: &Value) -> &Value {
    &pod["spec"]["containers"][0]["image"]
}

fn is_ready(pod: &Value) -> bool {
    contains(&pod["status"]["conditions"], &json!([{"type": "Ready", "status": "True"}]))
}

/// The nodes of which nothing keeps pods away.
async fn nodes(api: &Api) -> Result<BTreeSet<String>, Failed> {
    let found = api.cluster_wide("v1", "nodes").list("").await?;
    let free = found.iter().filter(|node| is_ready(node) && node["spec"]["taints"].is_null());
    Ok(free.map(name).collect())
}

/// Waits until each of these nodes, and no other, has one pod, which is ready and of an image. The pods.
async fn until_on(
    api: &Api,
    expected: Option<&BTreeSet<String>>,
    image_expected: &str,
) -> Result<BTreeMap<String, Value>, Failed> {
    eventually("each node has its pod", || async {
        let wanted = match expected {
            Some(nodes) => nodes.clone(),
            None => nodes(api).await?,
        };
        let found = pods(api).list("").await?;
        let count = found.len();
        let good = found.into_iter().filter(|pod| is_ready(pod) && image(pod) == image_expected);
        let by_node: BTreeMap<String, Value> = good
            .map(|pod| (pod["spec"]["nodeName"].as_str().unwrap_or_default().to_owned(), pod))
            .collect();
        let is_so = count == wanted.len() && by_node.keys().eq(wanted.iter());
        Ok(is_so.then_some(by_node))
    })
    .await
}

/// Creates the DaemonSet and waits until it runs. Its pods by node.
async fn started(api: &Api) -> Result<BTreeMap<String, Value>, Failed> {
    daemon_sets(api).create(&daemon_set(&api.namespace)).await?;
    let found = until_on(api, None, OLD).await?;
    let is_settled = |found: &Value| {
        let status = &found["status"];
        status["observedGeneration"] == found["metadata"]["generation"]
            && status["desiredNumberScheduled"] == status["numberAvailable"]
            && status["desiredNumberScheduled"] == status["updatedNumberScheduled"]
    };
    daemon_sets(api).until("tried", "its status says so", is_settled).await?;
    Ok(found)
}

async fn simple(api: Api) -> Outcome {
    let first = started(&api).await?;
    let Some(victim) = first.values().next() else { return Err("there is no node".into()) };
    pods(&api).delete(&name(victim), &Value::Null).await?;
    eventually("the pod is another", || async {
        let found = pods(&api).list("").await?;
        Ok(found.iter().all(|pod| uid(pod) != uid(victim)).then_some(()))
    })
    .await?;
    until_on(&api, None, OLD).await?;
    daemon_sets(&api).delete("tried", &Value::Null).await?;
    pods(&api).until_count("", 0).await.map(drop)
}

/// A node gets a label, another value of it, and none.
async fn complex(api: Api) -> Outcome {
    let key = unique("colour");
    let mut selective = daemon_set(&api.namespace);
    selective["spec"]["template"]["spec"]["nodeSelector"] = json!({key.as_str(): "blue"});
    daemon_sets(&api).create(&selective).await?;
    let is_nowhere = |found: &Value| {
        found["status"]["observedGeneration"] == 1 && found["status"]["desiredNumberScheduled"] == 0
    };
    daemon_sets(&api).until("tried", "it is nowhere", is_nowhere).await?;
    ensure(pods(&api).list("").await?.is_empty(), "no node is blue")?;
    let Some(node) = nodes(&api).await?.pop_first() else { return Err("there is no node".into()) };
    let cluster_nodes = api.cluster_wide("v1", "nodes");
    let label = |value: Value| json!({"metadata": {"labels": {key.as_str(): value}}});
    let only = BTreeSet::from([node.clone()]);
    cluster_nodes.patch(&node, MERGE, &label("blue".into())).await?;
    until_on(&api, Some(&only), OLD).await?;
    cluster_nodes.patch(&node, MERGE, &label("green".into())).await?;
    pods(&api).until_count("", 0).await?;
    let green = json!({"spec": {"template": {"spec": {"nodeSelector": {key.as_str(): "green"}}},
        "updateStrategy": {"type": "RollingUpdate"}}});
    daemon_sets(&api).patch("tried", MERGE, &green).await?;
    until_on(&api, Some(&only), OLD).await?;
    cluster_nodes.patch(&node, MERGE, &label(Value::Null)).await?;
    pods(&api).until_count("", 0).await.map(drop)
}

async fn failed(api: Api) -> Outcome {
    let first = started(&api).await?;
    let Some(victim) = first.values().next() else { return Err("there is no node".into()) };
    let phase = json!({"status": {"phase": "Failed"}});
    pods(&api).patch(&format!("{}/status", name(victim)), MERGE, &phase).await?;
    pods(&api).until_gone(&name(victim)).await?;
    until_on(&api, None, OLD).await.map(drop)
}

async fn revisions_of(api: &Api) -> Result<Vec<Value>, Failed> {
    let selector = format!("?labelSelector=trial%3D{}", api.namespace);
    api.all("apps/v1", "controllerrevisions").list(&selector).await
}

async fn until_revisions(api: &Api, count: usize) -> Result<Vec<Value>, Failed> {
    eventually(&format!("there are {count} revisions"), || async {
        let found = revisions_of(api).await?;
        Ok((found.len() == count).then_some(found))
    })
    .await
}

/// Whether pods have the hash of one of the revisions, which has a number.
fn are_of(pods: &BTreeMap<String, Value>, revisions: &[Value], number: i64) -> bool {
    const HASH: &str = "controller-revision-hash";
    let revision = revisions.iter().find(|revision| revision["revision"] == number);
    revision.is_some_and(|revision| {
        let hash = &revision["metadata"]["labels"][HASH];
        pods.values().all(|pod| &pod["metadata"]["labels"][HASH] == hash)
    })
}

fn new_image(image: &str) -> Value {
    let containers = json!([{"name": "c", "image": image}]);
    json!({"spec": {"template": {"spec": {"containers": containers}}}})
}

async fn rolling_update(api: Api) -> Outcome {
    let first = started(&api).await?;
    ensure(are_of(&first, &until_revisions(&api, 1).await?, 1), "the first are of revision 1")?;
    daemon_sets(&api).patch("tried", STRATEGIC, &new_image(NEW)).await?;
    let second = until_on(&api, None, NEW).await?;
    ensure(are_of(&second, &until_revisions(&api, 2).await?, 2), "the second are of revision 2")
}

/// A template that fits nowhere holds the update up, after one pod.
async fn rollback(api: Api) -> Outcome {
    let first = started(&api).await?;
    let mut huge = new_image(NEW);
    huge["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "100000"}});
    daemon_sets(&api).patch("tried", STRATEGIC, &huge).await?;
    let kept = eventually("one pod has been replaced", || async {
        let found = pods(&api).list("").await?;
        let (new, old): (Vec<_>, Vec<_>) = found.into_iter().partition(|pod| image(pod) == NEW);
        let is_held_up = new.len() == 1 && old.len() + 1 == first.len();
        Ok(is_held_up.then(|| old.iter().map(uid).collect::<BTreeSet<String>>()))
    })
    .await?;
    ensure(!kept.is_empty(), "another node keeps its pod")?;
    let mut back = new_image(OLD);
    back["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": null});
    daemon_sets(&api).patch("tried", STRATEGIC, &back).await?;
    let last = until_on(&api, None, OLD).await?;
    let uids: BTreeSet<String> = last.values().map(uid).collect();
    ensure(kept.is_subset(&uids), "those that ran are not restarted")?;
    ensure(are_of(&last, &until_revisions(&api, 2).await?, 3), "the first revision is the newest")
}

async fn collection(api: Api) -> Outcome {
    started(&api).await?;
    let selector = format!("?labelSelector=trial%3D{}", api.namespace);
    let everywhere = api.cluster_wide("apps/v1", "daemonsets");
    ensure(everywhere.list(&selector).await?.len() == 1, "it is listed")?;
    daemon_sets(&api).delete_collection(&selector).await?;
    daemon_sets(&api).until_gone("tried").await?;
    ensure(everywhere.list(&selector).await?.is_empty(), "it is not listed")
}

async fn status(api: Api) -> Outcome {
    started(&api).await?;
    let objects = daemon_sets(&api);
    let condition = |kind: &str| json!({"type": kind, "status": "True", "reason": "Tried"});
    let has = |object: &Value, kind: &str| {
        contains(&object["status"]["conditions"], &json!([condition(kind)]))
    };
    let read = objects.get("tried/status").await?;
    ensure(read["status"]["numberReady"] == read["status"]["desiredNumberScheduled"], &read)?;
    let mut watch = objects.watch_from_now("&fieldSelector=metadata.name%3Dtried").await?;
    let add = |object: &mut Value| {
        object["status"]["conditions"] = json!([condition("Updated")]);
    };
    objects.change("tried/status", add).await?;
    let seen = watch.until("MODIFIED", "tried").await?;
    ensure(has(&seen, "Updated"), &seen)?;
    let patch = json!({"status": {"conditions": [condition("Patched")]}});
    objects.patch("tried/status", MERGE, &patch).await?;
    objects.until("tried", "it is patched", |found| has(found, "Patched")).await.map(drop)
}

async fn revisions(api: Api) -> Outcome {
    started(&api).await?;
    let owner = daemon_sets(&api).get("tried").await?;
    let revisions = api.all("apps/v1", "controllerrevisions");
    let selector = format!("?labelSelector=trial%3D{}", api.namespace);
    let everywhere = api.cluster_wide("apps/v1", "controllerrevisions").list(&selector).await?;
    ensure(everywhere.len() == 1, "one is listed")?;
    let first = name(&everywhere[0]);
    ensure(
        everywhere[0]["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"],
        &owner,
    )?;
    let label = |value: &str| json!({"metadata": {"labels": {"tried-as": value}}});
    let patched = revisions.patch(&first, STRATEGIC, &label("patched")).await?;
    ensure(patched["metadata"]["labels"]["tried-as"] == "patched", &patched)?;
    let mut second = patched.clone();
    second["metadata"] = json!({"name": "tried-second", "labels": patched["metadata"]["labels"],
        "ownerReferences": patched["metadata"]["ownerReferences"]});
    second["metadata"]["labels"]["controller-revision-hash"] = "second".into();
    second["revision"] = 2.into();
    revisions.create(&second).await?;
    until_revisions(&api, 2).await?;
    revisions.delete(&first, &Value::Null).await?;
    let left = until_revisions(&api, 1).await?;
    ensure(name(&left[0]) == "tried-second", &left[0])?;
    let updated = revisions
        .change("tried-second", |found| found["metadata"]["labels"]["tried-as"] = "updated".into())
        .await?;
    ensure(updated["metadata"]["labels"]["tried-as"] == "updated", &updated)?;
    let patch = json!({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 2}}}});
    daemon_sets(&api).patch("tried", STRATEGIC, &patch).await?;
    until_revisions(&api, 2).await?;
    revisions.delete_collection("?labelSelector=tried-as%3Dupdated").await?;
    let last = until_revisions(&api, 1).await?;
    ensure(last[0]["revision"] == 3, &last[0])
}
