//! The scenario `node-zones` in Kubernetes' words.

use super::{Action, Limiter, NODES, Objects, Patch, State, ZONE_OF};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "node-lifecycle-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverNode => "the controller hears of a Node".to_owned(),
        Action::Sync { node } => format!("the controller looks at node-{node}"),
        Action::CommitPatch if is_refused => "the Node has changed (Conflict)".to_owned(),
        Action::CommitPatch => "the API server patches the taints of the Node".to_owned(),
        Action::Tick => "a period of the rate passes".to_owned(),
        Action::LoseNode { node } => format!("node-{node} falls silent"),
        Action::NodeReturns { node } => format!("node-{node} is ready again"),
        Action::Crash => "the controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverNode | Action::Sync { .. } | Action::Crash => CONTROLLER,
        Action::CommitPatch => "kube-apiserver",
        Action::Tick => "time",
        Action::LoseNode { .. } | Action::NodeReturns { .. } => "kubelet",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    for (zone, limiter) in state.memory.limiters.iter().enumerate() {
        let may = match limiter {
            Limiter::Stopped => "nobody's turn comes",
            Limiter::Empty => "a turn was taken",
            Limiter::Full => "a turn is free",
        };
        controller.holds += &format!("; in zone-{zone} {may}");
    }
    if let Some(Patch { node, tainted, .. }) = state.asked {
        let verb = if tainted { "taints" } else { "untaints" };
        controller.holds += &format!("; {verb} node-{node}");
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let said = (0..NODES).map(|index| {
        let node = objects.nodes[index];
        let ready = if node.ready { "Ready" } else { "Unknown" };
        let tainted = if node.tainted { ", tainted unreachable" } else { "" };
        format!("node-{index} in zone-{} ({ready}{tainted})", ZONE_OF[index])
    });
    said.collect::<Vec<_>>().join(", ")
}
