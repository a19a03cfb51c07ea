//! A workload whose node dies runs on another node.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, PostParams};
use libtest_mimic::{Failed, Trial};

use crate::support::{Cluster, Outcome, eventually, trial};
use crate::typed_client::deployment;

/// Timeouts that a trial can wait for.
pub(crate) const SHORT: &[&str] = &[
    "--nodes",
    "2",
    "--node-monitor-grace-period",
    "4",
    "--node-lease-renew-interval",
    "1",
    "--default-toleration-seconds",
    "1",
];

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("a_dead_nodes_pods_move_to_another_node", simulated)]
}

async fn simulated() -> Outcome {
    let cluster = Cluster::simulated(SHORT)?;
    pods_move(&cluster).await
}

/// Stops the node that runs a pod, waits for the pod's successor on the other, and starts it again.
pub(crate) async fn pods_move(cluster: &Cluster) -> Outcome {
    let client = cluster.client().await?;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "default");
    deployments.create(&PostParams::default(), &deployment("web", 2)).await?;
    let pods: Api<Pod> = Api::namespaced(client, "default");
    let before = eventually("two pods run", || running_on(&pods)).await?;
    let (dead, alive) = match before[0].as_str() {
        "node-1" => ("node-1", "node-2"),
        _ => ("node-2", "node-1"),
    };

    cluster.succeed(&["node", "stop", dead])?;

    eventually("both pods run on the other node", || async {
        let nodes = running_on(&pods).await?;
        Ok(nodes.filter(|nodes| nodes.iter().all(|node| node == alive)))
    })
    .await?;
    cluster.succeed(&["node", "start", dead])?;
    Ok(())
}

/// The nodes of exactly two Ready pods that nobody is deleting.
async fn running_on(pods: &Api<Pod>) -> Result<Option<Vec<String>>, Failed> {
    let list = pods.list(&ListParams::default().labels("app=web")).await?;
    let nodes: Vec<String> = list.items.iter().filter_map(node_of_ready).collect();
    Ok((nodes.len() == 2).then_some(nodes))
}

fn node_of_ready(pod: &Pod) -> Option<String> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let is_ready =
        conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let is_alive = pod.metadata.deletion_timestamp.is_none();
    pod.spec.as_ref()?.node_name.clone().filter(|_| is_ready && is_alive)
}
