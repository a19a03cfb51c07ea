//! What is said about the pods and claims of a StatefulSet.
//!
//! Source: `recordPodEvent` and `recordClaimEvent` in pkg/controller/statefulset/stateful_pod_control.go
//! (v1.36).

use client::event::Note;

/// A pod was created, updated or deleted.
pub(super) fn pod_succeeded(verb: &str, pod: &str, stateful_set: &str) -> Note {
    let verb = title(verb);
    let message = format!("{verb} Pod {pod} in StatefulSet {stateful_set} successful");
    Note::normal(&format!("Successful{verb}"), message)
}

/// A pod could not be created, updated or deleted.
pub(super) fn pod_failed(
    verb: &str,
    pod: &str,
    stateful_set: &str,
    error: impl std::fmt::Display,
) -> Note {
    let verb = title(verb);
    let message = format!("{verb} Pod {pod} in StatefulSet {stateful_set} failed error: {error}");
    Note::warning(&format!("Failed{verb}"), message)
}

/// A claim was created.
pub(super) fn claim_created(claim: &str, pod: &str, stateful_set: &str) -> Note {
    let message = format!("Create Claim {claim} Pod {pod} in StatefulSet {stateful_set} success");
    Note::normal("SuccessfulCreate", message)
}

/// A claim could not be created.
pub(super) fn claim_refused(
    claim: &str,
    pod: &str,
    stateful_set: &str,
    error: impl std::fmt::Display,
) -> Note {
    let message = format!(
        "Create Claim {claim} for Pod {pod} in StatefulSet {stateful_set} failed error: {error}"
    );
    Note::warning("FailedCreate", message)
}

fn title(verb: &str) -> String {
    let (first, rest) = verb.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}
