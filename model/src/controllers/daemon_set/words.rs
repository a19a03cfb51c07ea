//! The scenario `daemon-set` in Kubernetes' words.

use super::{Action, Expected, NODES, Objects, Pod, Request, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    match action {
        Action::DeliverNode => "the DaemonSet controller hears of a Node".to_owned(),
        Action::DeliverPod => "the DaemonSet controller hears of a Pod".to_owned(),
        Action::SyncSet => format!("the DaemonSet controller {}", request(after.request)),
        Action::Commit if !after.store.has_changed_since(&before.store) => {
            format!("the API server changes nothing: {}", request(before.request))
        }
        Action::Commit => format!("the API server commits: {}", request(before.request)),
        Action::RemovePod { node, .. } => format!("the kubelet has ended a Pod of node-{node}"),
        Action::DeletePod { node, .. } => format!("a client deletes a Pod of node-{node}"),
        Action::Label { node } => match after.store.now().eligible[usize::from(node)] {
            true => format!("a client makes node-{node} eligible"),
            false => format!("a client makes node-{node} ineligible"),
        },
        Action::FailOver => "another DaemonSet controller takes over".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverNode | Action::DeliverPod | Action::SyncSet | Action::FailOver => {
            "daemon-set-controller"
        }
        Action::Commit => "kube-apiserver",
        Action::RemovePod { .. } => "kubelet",
        Action::DeletePod { .. } | Action::Label { .. } => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let expects = match state.expected {
        Expected::None => "nothing",
        Expected::Creation => "a new Pod",
        Expected::Deletion => "a Pod to go",
    };
    let [store, mut controller] = lanes_of("daemon-set-controller", &state.store, objects);
    controller.holds += &format!("; {}; expects {expects}", request(state.request));
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let of = |node: usize| {
        let eligible = if objects.eligible[node] { "" } else { " (ineligible)" };
        let count = |kind: Pod| objects.pods[node].iter().filter(|pod| **pod == kind).count();
        let (active, terminating) = (count(Pod::Active), count(Pod::Terminating));
        format!("node-{node}{eligible}: {active} Pods, {terminating} Terminating")
    };
    (0..NODES).map(of).collect::<Vec<_>>().join(", ")
}

fn request(request: Request) -> String {
    match request {
        Request::None => "asks for nothing".to_owned(),
        Request::Create(node) => format!("asks for a Pod on node-{node}"),
        Request::Delete { node, .. } => format!("asks for the deletion of a Pod of node-{node}"),
    }
}
