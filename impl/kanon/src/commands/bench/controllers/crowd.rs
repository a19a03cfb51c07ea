//! A cluster with many pods that nothing happens to.
//!
//! Its nodes are objects without a kubelet, and their pods run because their status says so: what is
//! measured is the control plane.

use std::collections::{BTreeMap, BTreeSet};

use conformance::suite::{Session, Target};
use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::PODS_PER_NODE;
use crate::commands::bench::requests::{Watch, body, expect};
use crate::failure::{Failure, While};

/// No node of its own, and nodes without a heartbeat count as there.
pub(super) const FLAGS: &[&str] = &["--nodes", "0", "--node-monitor-grace-period", "1000000"];

/// How many pods each ReplicaSet has.
const PODS_PER_SET: usize = 500;
/// How many connections report pods.
const REPORTERS: usize = 16;

const PODS: &str = "/api/v1/namespaces/default/pods";
const SETS: &str = "/apis/apps/v1/namespaces/default/replicasets";

/// Makes nodes, and pods on them, all Running; returns when every ReplicaSet says that it is ready.
pub(super) async fn fill(target: &Target, pods: usize) -> Result<(), Failure> {
    let mut session = open(target).await?;
    let mut pod_events = Watch::open(open(target).await?, &format!("{PODS}?")).await?;
    let mut set_events = Watch::open(open(target).await?, &format!("{SETS}?")).await?;
    for number in 0..pods.div_ceil(PODS_PER_NODE) {
        expect(&mut session, Method::POST, "/api/v1/nodes", body(&node(number)), 201).await?;
    }
    for number in 0..pods.div_ceil(PODS_PER_SET) {
        let replicas = PODS_PER_SET.min(pods - number * PODS_PER_SET);
        expect(&mut session, Method::POST, SETS, body(&set(number, replicas)), 201).await?;
    }
    let bound = all_bound(&mut pod_events, pods).await?;
    report(target, bound).await?;
    until_ready(&mut set_events, pods).await
}

async fn open(target: &Target) -> Result<Session, Failure> {
    Session::open(target).await.map_err(Failure::cannot)
}

fn node(number: usize) -> Value {
    let name = format!("crowd-{number}");
    let room = json!({"cpu": "64", "memory": "256Gi", "pods": PODS_PER_NODE.to_string()});
    json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"capacity": room, "allocatable": room,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}})
}

fn set(number: usize, replicas: usize) -> Value {
    let labels = json!({"set": format!("set-{number}")});
    json!({"metadata": {"name": format!("set-{number}")},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "busybox:1.35"}]}}}})
}

/// The names of so many pods, once each has a node.
async fn all_bound(watch: &mut Watch, pods: usize) -> Result<BTreeSet<String>, Failure> {
    let mut bound = BTreeSet::new();
    while bound.len() < pods {
        for line in watch.lines().await? {
            let event: Value = serde_json::from_slice(&line).while_doing("an event")?;
            let pod = &event["object"];
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            if pod["spec"]["nodeName"].is_string() {
                bound.insert(name.to_owned());
            }
        }
    }
    Ok(bound)
}

/// Says of each pod that it runs.
async fn report(target: &Target, pods: BTreeSet<String>) -> Result<(), Failure> {
    let names: Vec<String> = pods.into_iter().collect();
    let mut reporters = JoinSet::new();
    for share in names.chunks(names.len().div_ceil(REPORTERS).max(1)) {
        let (share, mut session) = (share.to_vec(), open(target).await?);
        reporters.spawn(async move {
            for name in share {
                let path = format!("{PODS}/{name}/status");
                let patch = Some(("application/merge-patch+json", running().to_string().into()));
                expect(&mut session, Method::PATCH, &path, patch, 200).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(reported) = reporters.join_next().await {
        reported.while_doing("a connection")??;
    }
    Ok(())
}

fn running() -> Value {
    let since = "2026-01-01T00:00:00Z";
    let condition =
        |name: &str| json!({"type": name, "status": "True", "lastTransitionTime": since});
    let conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map(condition);
    json!({"status": {"phase": "Running", "startTime": since, "conditions": conditions}})
}

/// Waits until ReplicaSets have so many ready pods.
async fn until_ready(watch: &mut Watch, pods: usize) -> Result<(), Failure> {
    let mut ready = BTreeMap::new();
    while ready.values().sum::<u64>() < pods as u64 {
        for line in watch.lines().await? {
            let event: Value = serde_json::from_slice(&line).while_doing("an event")?;
            let set = &event["object"];
            let name = set["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            ready.insert(name, set["status"]["readyReplicas"].as_u64().unwrap_or(0));
        }
    }
    Ok(())
}
