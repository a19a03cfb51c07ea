//! The scenario `horizontal-pod-autoscaler` in Kubernetes' words.

use super::{Action, State};
use crate::slice::Lane;

const CONTROLLER: &str = "horizontal-pod-autoscaler-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = after.scale.version == before.scale.version;
    match action {
        Action::ReadScale => "the controller reads the scale".to_owned(),
        Action::ReadMetrics => "the controller reads the metrics".to_owned(),
        Action::CommitScale if is_refused => "the scale is not as it was (Conflict)".to_owned(),
        Action::CommitScale => format!("the API server scales to {}", after.scale.replicas),
        Action::Scale { replicas } => format!("a client scales to {replicas}"),
        Action::Measure { replicas } => format!("the metrics ask for {replicas} replicas"),
        Action::LoseMetrics => "there are no metrics any more".to_owned(),
        Action::Crash => "the controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::ReadScale | Action::ReadMetrics | Action::Crash => CONTROLLER,
        Action::CommitScale => "kube-apiserver",
        Action::Scale { .. } => "client",
        Action::Measure { .. } | Action::LoseMetrics => "metrics",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let holds = format!("scale with {} replicas", state.scale.replicas);
    let believes = match state.round {
        None => "waits for its next round".to_owned(),
        Some(round) => match round.desired {
            None => format!("has read {} replicas", round.read.replicas),
            Some(desired) => format!("has read {} replicas, writes {desired}", round.read.replicas),
        },
    };
    let lane = |name: &str, holds| Lane { name: name.to_owned(), holds, behind: None };
    vec![lane("kube-apiserver", holds), lane(CONTROLLER, believes)]
}
