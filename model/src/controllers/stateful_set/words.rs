//! The scenario `stateful-set` in Kubernetes' words.

use super::{Action, NODES, ORDINALS, Objects, Request, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    match action {
        Action::DeliverSet => "the StatefulSet controller hears of the StatefulSet".to_owned(),
        Action::DeliverPod => "the StatefulSet controller hears of a Pod".to_owned(),
        Action::SyncSet => format!("the StatefulSet controller {}", request(after.request)),
        Action::Commit if !after.store.has_changed_since(&before.store) => {
            format!("the API server refuses: {}", request(before.request))
        }
        Action::Commit => format!("the API server commits: {}", request(before.request)),
        Action::Bind { ordinal, node } => {
            format!("the scheduler binds web-{ordinal} to node-{node}")
        }
        Action::StartContainer { ordinal, node } => {
            format!("the kubelet of node-{node} starts the containers of web-{ordinal}")
        }
        Action::StopContainer { ordinal, node } => {
            format!("the kubelet of node-{node} stops the containers of web-{ordinal}")
        }
        Action::ReportReady { ordinal } => format!("web-{ordinal} becomes Ready"),
        Action::ConfirmDeletion { ordinal } => format!("web-{ordinal} is gone"),
        Action::Evict { ordinal } => {
            format!("the node lifecycle controller evicts web-{ordinal} from node-0")
        }
        Action::Reconnect => "node-0 is reachable again".to_owned(),
        Action::Scale { replicas } => format!("a client scales the StatefulSet to {replicas}"),
        Action::DeletePod { ordinal } => format!("a client deletes web-{ordinal}"),
        Action::CutOff => "node-0 is cut off".to_owned(),
        Action::Crash => "the StatefulSet controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> String {
    match action {
        Action::DeliverSet | Action::DeliverPod | Action::SyncSet | Action::Crash => {
            "stateful-set-controller".to_owned()
        }
        Action::Commit | Action::ConfirmDeletion { .. } => "kube-apiserver".to_owned(),
        Action::Bind { .. } => "kube-scheduler".to_owned(),
        Action::StartContainer { node, .. } | Action::StopContainer { node, .. } => {
            format!("node-{node}")
        }
        Action::ReportReady { .. } => "kubelet".to_owned(),
        Action::Evict { .. } => "node-lifecycle-controller".to_owned(),
        Action::Reconnect | Action::CutOff => "network".to_owned(),
        Action::Scale { .. } | Action::DeletePod { .. } => "client".to_owned(),
    }
}

/// What the store, the controller and the Nodes hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of("stateful-set-controller", &state.store, objects);
    controller.holds += &format!("; {}", request(state.request));
    let nodes = (0..NODES).map(|node| Lane {
        name: format!("node-{node}"),
        holds: running(state, node),
        behind: None,
    });
    [store, controller].into_iter().chain(nodes).collect()
}

fn running(state: &State, node: usize) -> String {
    let runs = (0..ORDINALS).filter(|ordinal| state.running[node][*ordinal]);
    let names: Vec<_> = runs.map(|ordinal| format!("web-{ordinal}")).collect();
    let cut_off = if state.hears(node as u8) { "" } else { "; cut off" };
    let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    format!("runs {names}{cut_off}")
}

fn objects(objects: &Objects) -> String {
    let mut text = format!("StatefulSet of {}", objects.replicas);
    for (ordinal, pod) in objects.pods.iter().enumerate() {
        let Some(pod) = pod else { continue };
        let node = pod.node.map_or("unbound".to_owned(), |node| format!("on node-{node}"));
        let ready = if pod.ready { ", Ready" } else { "" };
        let deleting = if pod.deleting { ", Terminating" } else { "" };
        text += &format!(", web-{ordinal} ({node}{ready}{deleting})");
    }
    text
}

fn request(request: Request) -> String {
    match request {
        Request::None => "asks for nothing".to_owned(),
        Request::Create(ordinal) => format!("asks for web-{ordinal}"),
        Request::Delete(ordinal) => format!("asks for the deletion of web-{ordinal}"),
    }
}
