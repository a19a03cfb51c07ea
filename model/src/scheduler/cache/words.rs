//! The scheduler's cache in words.

use super::{Action, Binding, NODES, PODS, State};
use crate::slice::Lane;

pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    match action {
        Action::CreatePod => "the ReplicaSet controller creates a Pod".to_owned(),
        Action::DeleteNode => "a client deletes node-0".to_owned(),
        Action::AddNode => "a kubelet registers node-0 again".to_owned(),
        Action::CollectPod { pod } => {
            format!("garbage collection removes pod-{pod}, whose Node is gone")
        }
        Action::DeliverPod => "kube-scheduler gets an event of a Pod".to_owned(),
        Action::DeliverNode => "kube-scheduler gets an event of a Node".to_owned(),
        Action::RelistPods => "kube-scheduler's watch of Pods is closed; it lists".to_owned(),
        Action::RelistNodes => "kube-scheduler's watch of Nodes is closed; it lists".to_owned(),
        Action::Schedule { pod, node } => {
            format!("kube-scheduler assumes pod-{pod} on node-{node} and sends the Binding")
        }
        Action::CommitBinding { pod } if !after.pods.has_changed_since(&before.pods) => {
            format!("the API server refuses the Binding of pod-{pod}")
        }
        Action::CommitBinding { pod } => format!("the API server binds pod-{pod}"),
        Action::LoseBinding { pod } => format!("the Binding of pod-{pod} is lost"),
        Action::FinishBinding { pod } => {
            format!("kube-scheduler reads what became of the Binding of pod-{pod}")
        }
    }
}

pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::CreatePod => "replicaset-controller",
        Action::DeleteNode | Action::AddNode => "client",
        Action::CollectPod { .. } => "pod-garbage-collector",
        Action::DeliverPod
        | Action::DeliverNode
        | Action::RelistPods
        | Action::RelistNodes
        | Action::Schedule { .. }
        | Action::FinishBinding { .. } => "kube-scheduler",
        Action::CommitBinding { .. } | Action::LoseBinding { .. } => "kube-apiserver",
    }
}

pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let lane = |name: &str, holds: String, behind| Lane { name: name.to_owned(), holds, behind };
    let behind = state.pods.behind(0).unwrap_or(0) + state.nodes.behind(0).unwrap_or(0);
    vec![
        lane("kube-apiserver", objects(state), None),
        lane("kube-scheduler", cache(state), Some(behind)),
    ]
}

fn objects(state: &State) -> String {
    let (pods, nodes) = (state.pods.now().pods, state.nodes.now().there);
    let pods = (0..PODS).filter_map(|pod| {
        let place = pods[pod]?.node.map_or("nowhere".to_owned(), |at| format!("node-{at}"));
        Some(format!("pod-{pod} on {place}"))
    });
    let nodes = (0..NODES).filter(|node| nodes[*node]).map(|node| format!("node-{node}"));
    nodes.chain(pods).collect::<Vec<_>>().join("; ")
}

fn cache(state: &State) -> String {
    if state.cache.panicked {
        return "has panicked".to_owned();
    }
    let infos = (0..NODES).map(|node| {
        let info = state.cache.infos[node];
        let gone = if info.node { "" } else { " (gone)" };
        format!("node-{node}{gone} holds {} Pods", info.used())
    });
    let bindings = (0..PODS).filter_map(|pod| match state.bindings[pod] {
        Binding::None => None,
        Binding::Sent(node) => Some(format!("binds pod-{pod} to node-{node}")),
        Binding::Created | Binding::Failed => Some(format!("awaits an answer about pod-{pod}")),
    });
    infos.chain(bindings).collect::<Vec<_>>().join("; ")
}
