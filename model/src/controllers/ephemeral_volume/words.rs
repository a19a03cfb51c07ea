//! The scenario `ephemeral-volume` in Kubernetes' words.

use super::{Action, Objects, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "ephemeral-volume-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverPod => "the controller hears of the Pod".to_owned(),
        Action::DeliverClaim => "the controller hears of the claim".to_owned(),
        Action::SyncPod => "the controller asks for the claim of the Pod".to_owned(),
        Action::CommitClaim if is_refused => "there is a claim of the name".to_owned(),
        Action::CommitClaim => "the API server creates the claim".to_owned(),
        Action::RunPod => "the Pod runs".to_owned(),
        Action::CollectClaim => "the garbage collector deletes the claim".to_owned(),
        Action::CreatePod => "a client creates the Pod".to_owned(),
        Action::DeletePod => "the Pod is deleted".to_owned(),
        Action::CreateClaim => "somebody else creates a claim of the name".to_owned(),
        Action::DeleteClaim => "somebody deletes the claim".to_owned(),
        Action::Crash => "the controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverPod | Action::DeliverClaim | Action::SyncPod | Action::Crash => CONTROLLER,
        Action::CommitClaim => "kube-apiserver",
        Action::RunPod => "kube-scheduler",
        Action::CollectClaim => "garbage-collector",
        Action::CreatePod | Action::DeletePod | Action::CreateClaim | Action::DeleteClaim => {
            "client"
        }
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    if let Some(uid) = state.asked {
        controller.holds += &format!("; asks for the claim of uid {uid}");
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let pod = objects.pod.map(|pod| {
        let runs = if pod.runs { " that runs" } else { "" };
        format!("Pod (uid {}){runs}", pod.uid)
    });
    let claim = objects.claim.map(|claim| match claim.owner {
        Some(uid) => format!("claim of uid {uid}"),
        None => "claim of somebody else".to_owned(),
    });
    let parts: Vec<String> = pod.into_iter().chain(claim).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}
