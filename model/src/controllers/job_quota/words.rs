//! The scenario `job-quota` in Kubernetes' words.

use super::{Action, Pods, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "job-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverPod => "the controller hears of a Pod".to_owned(),
        Action::SyncJob => "the controller looks at the Job".to_owned(),
        Action::CommitCreation if is_refused => {
            "a Pod is refused, the quota is used up (Forbidden)".to_owned()
        }
        Action::CommitCreation => "the API server creates a Pod".to_owned(),
        Action::CommitStatus => format!(
            "the API server writes that {} Pods are active and {} have failed",
            after.status.active, after.status.failed
        ),
        Action::EndPod => "a Pod fails".to_owned(),
        Action::SetQuota { pods } => format!("a client lets the quota allow {pods} Pods"),
        Action::Crash => "the controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverPod | Action::SyncJob | Action::Crash => CONTROLLER,
        Action::CommitCreation | Action::CommitStatus => "kube-apiserver",
        Action::EndPod => "kubelet",
        Action::SetQuota { .. } => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [mut store, mut controller] = lanes_of(CONTROLLER, &state.store, pods);
    let (status, quota) = (state.status, state.quota);
    store.holds += &format!(
        "; the Job says {} active, {} failed; the quota allows {quota} Pods",
        status.active, status.failed
    );
    if let Some(plan) = state.plan {
        let (creations, uncreated) = (plan.creations, plan.uncreated);
        controller.holds += &format!("; {creations} Pods to create, {uncreated} not created");
    }
    vec![store, controller]
}

fn pods(pods: &Pods) -> String {
    format!("{} Pods run, {} have failed", pods.active(), pods.ended)
}
