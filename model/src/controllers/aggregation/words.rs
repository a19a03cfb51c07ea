//! The scenario `cluster-role-aggregation` in Kubernetes' words.

use super::{Action, Objects, Rules, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "clusterrole-aggregation-controller";

/// A step in words.
pub(super) fn describe(action: Action, after: &State) -> String {
    match action {
        Action::DeliverRole => "the controller hears of a ClusterRole".to_owned(),
        Action::SyncRole => "the controller applies the rules that it sees".to_owned(),
        Action::CommitRules => "the API server has the rules".to_owned(),
        Action::ChangeRole { role } if after.store.now().roles[usize::from(role)] => {
            format!("a client creates role-{role}")
        }
        Action::ChangeRole { role } => format!("a client deletes role-{role}"),
        Action::EditRules { role } => format!("a client edits the rules of role-{role}"),
        Action::Crash => "the controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverRole | Action::SyncRole | Action::Crash => CONTROLLER,
        Action::CommitRules => "kube-apiserver",
        Action::ChangeRole { .. } | Action::EditRules { .. } => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    if let Some(rules) = state.asked {
        controller.holds += &format!("; applies {}", names(rules));
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    format!("{}; aggregated: {}", names(objects.roles), names(objects.aggregated))
}

fn names(rules: Rules) -> String {
    let there = rules.iter().enumerate().filter(|(_, is_there)| **is_there);
    let names: Vec<String> = there.map(|(role, _)| format!("role-{role}")).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
