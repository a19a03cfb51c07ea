//! Pods that are evicted by taints of their node. Each trial has a cluster of its own: a taint evicts whom it meets.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::super::client::{Api, MERGE};
use super::super::with_own_containers;
use super::{WAIT, container, pod};
use crate::support::{Outcome, ensure};

pub(super) fn taints() -> Vec<Trial> {
    vec![
        with_own_containers(
            "NoExecuteTaintManager Single Pod [Serial] removing taint cancels eviction [Disruptive]",
            is_cancelled,
        ),
        with_own_containers(
            "NoExecuteTaintManager Multiple Pods [Serial] evicts pods with minTolerationSeconds [Disruptive]",
            evicts_in_turn,
        ),
    ]
}

/// Runs a pod that tolerates each of these taints, for so many seconds or for ever; the node it is on.
async fn run(api: &Api, name: &str, tolerated: &[(&str, Option<u32>)]) -> Result<String, Failed> {
    let mut pod = pod(name, json!({"containers": [container("main", WAIT)]}));
    let toleration = |(key, seconds): &(&str, Option<u32>)| json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds});
    pod["spec"]["tolerations"] = tolerated.iter().map(toleration).collect();
    let pods = api.all("v1", "pods");
    pods.create(&pod).await?;
    let running = pods.until(name, "it runs", |pod| pod["status"]["phase"] == "Running").await?;
    Ok(running["spec"]["nodeName"].as_str().unwrap_or_default().to_owned())
}

/// Gives a node these taints, and takes those away that it had.
async fn taint(api: &Api, node: &str, keys: &[&str]) -> Outcome {
    let of = |key: &&str| json!({"key": key, "value": "tried", "effect": "NoExecute"});
    let taints: Vec<Value> = keys.iter().map(of).collect();
    let patch = json!({"spec": {"taints": taints}});
    api.cluster_wide("v1", "nodes").patch(node, MERGE, &patch).await.map(drop)
}

/// Its time would have been up before that of another pod, for a taint that stays.
async fn is_cancelled(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let node = run(&api, "kept", &[("removed", Some(3)), ("stays", None)]).await?;
    run(&api, "evicted", &[("removed", None), ("stays", Some(6))]).await?;
    run(&api, "first", &[("stays", None)]).await?;
    taint(&api, &node, &["removed", "stays"]).await?;
    pods.until_gone("first").await?;
    taint(&api, &node, &["stays"]).await?;
    pods.until_gone("evicted").await?;
    let kept = pods.get("kept").await;
    taint(&api, &node, &[]).await?;
    let kept = kept?;
    ensure(kept["metadata"]["deletionTimestamp"].is_null(), format!("it is evicted: {kept}"))
}

async fn evicts_in_turn(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let node = run(&api, "sooner", &[("tried", Some(2))]).await?;
    run(&api, "later", &[("tried", Some(6))]).await?;
    let mut watch = pods.watch_from_now("").await?;
    taint(&api, &node, &["tried"]).await?;
    watch.until("DELETED", "sooner").await?;
    let later = pods.get("later").await?;
    let later_is_kept = later["metadata"]["deletionTimestamp"].is_null();
    watch.until("DELETED", "later").await?;
    taint(&api, &node, &[]).await?;
    ensure(later_is_kept, format!("evicted too early: {later}"))
}
