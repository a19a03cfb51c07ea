//! Where pods are put: by labels of nodes, and where there is room.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::{Api, Collection, MERGE};
use super::pods::pod;
use super::{official, unique};
use crate::support::{Outcome, ensure, eventually};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official(
            "SchedulerPredicates [Serial] validates that NodeSelector is respected if matching",
            selected,
        ),
        official(
            "SchedulerPredicates [Serial] validates that NodeSelector is respected if not matching",
            not_selected,
        ),
        official(
            "SchedulerPredicates [Serial] validates resource limits of pods that are allowed to run",
            too_large,
        ),
        official(
            "SchedulerPredicates [Serial] validates that there exists conflict between pods with same hostPort \
             and protocol but one using 0.0.0.0 hostIP",
            same_port,
        ),
    ]
}

/// The nodes that are ready.
pub(super) async fn ready_nodes(api: &Api) -> Result<Vec<Value>, Failed> {
    eventually("nodes are ready", || async {
        let mut nodes = api.cluster_wide("v1", "nodes").list("").await?;
        nodes.retain(|node| {
            let conditions = node["status"]["conditions"].as_array().into_iter().flatten();
            let mut ready = conditions.filter(|condition| condition["type"] == "Ready");
            ready.any(|condition| condition["status"] == "True")
        });
        Ok((!nodes.is_empty()).then_some(nodes))
    })
    .await
}

/// Waits until the scheduler says that there is no node for a pod. Why.
async fn until_unschedulable(pods: &Collection, name: &str) -> Result<String, Failed> {
    let condition = |pod: &Value| {
        let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        let mut scheduled = conditions.filter(|condition| condition["type"] == "PodScheduled");
        scheduled.find(|condition| condition["reason"] == "Unschedulable").cloned()
    };
    let is_told = |pod: &Value| condition(pod).is_some();
    let pod = pods.until(name, "nothing is found for it", is_told).await?;
    ensure(pod["spec"]["nodeName"].is_null(), &pod)?;
    let told = condition(&pod).unwrap_or_default();
    Ok(told["message"].as_str().unwrap_or_default().to_owned())
}

async fn selected(api: Api) -> Outcome {
    let (nodes, pods) = (api.cluster_wide("v1", "nodes"), api.all("v1", "pods"));
    let node = ready_nodes(&api).await?.remove(0)["metadata"]["name"].clone();
    let node = node.as_str().unwrap_or_default();
    let label = unique("trial");
    nodes.patch(node, MERGE, &json!({"metadata": {"labels": {&label: "42"}}})).await?;
    let mut pod = pod("tried");
    pod["spec"]["nodeSelector"] = json!({&label: "42"});
    pods.create(&pod).await?;
    pods.until("tried", "it is put there", |pod| pod["spec"]["nodeName"] == node).await?;
    nodes.patch(node, MERGE, &json!({"metadata": {"labels": {&label: null}}})).await.map(drop)
}

async fn not_selected(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    ready_nodes(&api).await?;
    let mut pod = pod("tried");
    pod["spec"]["nodeSelector"] = json!({"label": "of-no-node"});
    pods.create(&pod).await?;
    let told = until_unschedulable(&pods, "tried").await?;
    ensure(told.contains("node(s) didn't match Pod's node affinity/selector"), told)
}

/// Each node is filled to more than half; a pod that wants half of one finds no room.
async fn too_large(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let nodes = ready_nodes(&api).await?;
    let cores = |node: &Value| {
        let cpu = api::quantity::Quantity::from_value(&node["status"]["allocatable"]["cpu"]);
        cpu.map(|cpu| cpu.milli())
    };
    let mut most = 0;
    for (number, node) in nodes.iter().enumerate() {
        let cpu = cores(node)?;
        most = most.max(cpu);
        let name = format!("filler-{number}");
        let mut filler = pod(&name);
        let hostname = &node["metadata"]["labels"]["kubernetes.io/hostname"];
        filler["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": hostname});
        filler["spec"]["containers"][0]["resources"] =
            json!({"requests": {"cpu": format!("{}m", cpu * 6 / 10)}});
        pods.create(&filler).await?;
        pods.until(&name, "it is put there", |pod| pod["spec"]["nodeName"].is_string()).await?;
    }
    let mut additional = pod("additional");
    let requests = json!({"requests": {"cpu": format!("{}m", most / 2)}});
    additional["spec"]["containers"][0]["resources"] = requests;
    pods.create(&additional).await?;
    let told = until_unschedulable(&pods, "additional").await?;
    ensure(told.contains("Insufficient cpu"), told)
}

/// A pod that takes a port of every address of a node leaves none for a pod that wants it of one.
async fn same_port(api: Api) -> Outcome {
    let (nodes, pods) = (api.cluster_wide("v1", "nodes"), api.all("v1", "pods"));
    let node = ready_nodes(&api).await?.remove(0);
    let name = node["metadata"]["name"].as_str().unwrap_or_default();
    let addresses = node["status"]["addresses"].as_array().into_iter().flatten();
    let mut internal = addresses.filter(|address| address["type"] == "InternalIP");
    let address = internal.next().ok_or("the node has an address")?["address"].clone();
    let label = unique("trial");
    nodes.patch(name, MERGE, &json!({"metadata": {"labels": {&label: "95"}}})).await?;
    let on_port = |name: &str, address: &Value| {
        let mut pod = pod(name);
        pod["spec"]["nodeSelector"] = json!({&label: "95"});
        let port =
            json!({"hostPort": 54322, "containerPort": 8080, "protocol": "TCP", "hostIP": address});
        pod["spec"]["containers"][0]["ports"] = json!([port]);
        pod
    };
    pods.create(&on_port("first", &json!(""))).await?;
    pods.until("first", "it is put there", |pod| pod["spec"]["nodeName"] == name).await?;
    pods.create(&on_port("second", &address)).await?;
    let told = until_unschedulable(&pods, "second").await?;
    nodes.patch(name, MERGE, &json!({"metadata": {"labels": {&label: null}}})).await?;
    ensure(told.contains("node(s) didn't have free ports for the requested pod ports"), told)
}
