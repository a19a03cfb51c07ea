//! The scenario `disruption` in Kubernetes' words.

use super::{Action, Budget, Eviction, Objects, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverBudget => "the disruption controller hears of the budget".to_owned(),
        Action::DeliverPod => "the disruption controller hears of a Pod".to_owned(),
        Action::SyncBudget => {
            let wanted = after.update.map(|update| budget(&update.write)).unwrap_or_default();
            format!("the disruption controller asks for {wanted}")
        }
        Action::CommitStatus if refused => {
            "the API server refuses the status (Conflict)".to_owned()
        }
        Action::CommitStatus => "the API server writes the controller's status".to_owned(),
        Action::Evict { pod } => format!("a client evicts pod-{pod}; the budget allows it"),
        Action::CommitEviction { pod } if refused => {
            format!("the eviction of pod-{pod} meets a Conflict")
        }
        Action::CommitEviction { pod } => format!("the eviction of pod-{pod} is granted"),
        Action::DeleteEvicted { pod } => format!("the API server deletes the evicted pod-{pod}"),
        Action::RemovePod { pod } => format!("the kubelet has ended pod-{pod}"),
        Action::ReplacePod { pod } => format!("another pod-{pod} is created"),
        Action::BecomeReady { pod } => format!("pod-{pod} becomes Ready"),
        Action::Expire { pod } => format!("two minutes pass, and pod-{pod} has not gone"),
        Action::RaiseMinAvailable => "a client raises minAvailable".to_owned(),
        Action::LoseEviction { pod } => format!("the eviction of pod-{pod} is lost half-way"),
        Action::Crash => "the disruption controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverBudget | Action::DeliverPod | Action::SyncBudget | Action::Crash => {
            "disruption-controller"
        }
        Action::CommitStatus
        | Action::CommitEviction { .. }
        | Action::DeleteEvicted { .. }
        | Action::LoseEviction { .. } => "kube-apiserver",
        Action::RemovePod { .. } | Action::BecomeReady { .. } => "kubelet",
        Action::ReplacePod { .. } => "replica-set-controller",
        Action::Expire { .. } => "clock",
        Action::Evict { .. } | Action::RaiseMinAvailable => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [mut store, mut controller] = lanes_of("disruption-controller", &state.store, objects);
    let granted = state.evictions.iter().filter(|eviction| **eviction != Eviction::None).count();
    store.holds += &format!("; {granted} evictions");
    let asks = state.update.map(|update| format!("; asks for {}", budget(&update.write)));
    controller.holds += &asks.unwrap_or_default();
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let mut text = budget(&objects.budget);
    for (number, pod) in objects.pods.iter().enumerate() {
        let condition = match pod {
            None => continue,
            Some(pod) if pod.deleting => "Terminating",
            Some(pod) if pod.ready => "Ready",
            Some(_) => "not Ready",
        };
        text += &format!(", pod-{number} {condition}");
    }
    text
}

fn budget(budget: &Budget) -> String {
    let named = budget.disrupted_pods.iter().filter(|named| **named).count();
    let old = if budget.is_observed() { "" } else { ", of an old generation" };
    let Budget { min_available, disruptions_allowed, .. } = budget;
    format!("minAvailable {min_available}, {disruptions_allowed} allowed, {named} disrupted{old}")
}
