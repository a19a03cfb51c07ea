//! The scenario `node-ipam` in Kubernetes' words.

use super::{Action, Node, Objects, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "node-ipam-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverNode => "the controller hears of a Node".to_owned(),
        Action::Offer { node } => format!("the controller gives node-{node} the range"),
        Action::CommitRange { node } if is_refused => format!("node-{node} does not need it"),
        Action::CommitRange { node } => format!("the API server writes it into node-{node}"),
        Action::CreateNode { node } => format!("node-{node} registers"),
        Action::DeleteNode { node } => format!("node-{node} is deleted"),
        Action::Crash => "the controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverNode | Action::Offer { .. } | Action::Crash => CONTROLLER,
        Action::CommitRange { .. } => "kube-apiserver",
        Action::CreateNode { .. } => "kubelet",
        Action::DeleteNode { .. } => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    for (node, _) in state.offered.iter().enumerate().filter(|(_, offered)| **offered) {
        controller.holds += &format!("; has offered it to node-{node}");
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let node = |(number, node): (usize, &Option<Node>)| {
        let node = (*node)?;
        let range = if node.has_range { " with the range" } else { "" };
        Some(format!("node-{number} (uid {}){range}", node.uid))
    };
    let parts: Vec<String> = objects.nodes.iter().enumerate().filter_map(node).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}
