//! The scenario `node-ttl` in Kubernetes' words.

use super::{Action, Objects, State, Ttl};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "ttl-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverNode => "the controller hears of a Node".to_owned(),
        Action::Sync { node } => format!("the controller looks at node-{node}"),
        Action::CommitPatch if is_refused => "the Node is gone (NotFound)".to_owned(),
        Action::CommitPatch => "the API server patches the annotation of the Node".to_owned(),
        Action::CreateNode { node } => format!("node-{node} comes"),
        Action::DeleteNode { node } => format!("node-{node} goes"),
        Action::Crash => "the controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverNode | Action::Sync { .. } | Action::Crash => CONTROLLER,
        Action::CommitPatch => "kube-apiserver",
        Action::CreateNode { .. } => "kubelet",
        Action::DeleteNode { .. } => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    if let Some((node, ttl)) = state.asked {
        controller.holds += &format!("; tells node-{node} {}", told(ttl));
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let nodes = objects.nodes.iter().enumerate();
    let there = nodes.filter_map(|(node, ttl)| Some((node, (*ttl)?)));
    let said = there.map(|(node, ttl)| format!("node-{node} ({})", told(ttl)));
    let said: Vec<String> = said.collect();
    if said.is_empty() { "no Node".to_owned() } else { said.join(", ") }
}

fn told(ttl: Ttl) -> &'static str {
    match ttl {
        Ttl::Untold => "told nothing",
        Ttl::Short => "a short TTL",
        Ttl::Long => "a long TTL",
    }
}
