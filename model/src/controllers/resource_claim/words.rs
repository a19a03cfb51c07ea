//! The scenario `resource-claim` in Kubernetes' words.

use super::{Action, Objects, State, Write};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "resourceclaim-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverPod => "the controller hears of the Pod",
        Action::DeliverClaim => "the controller hears of a ResourceClaim",
        Action::SyncPod => "the controller looks at the Pod, which has no claim",
        Action::SyncClaim => "the controller finds that nobody uses the claim any more",
        Action::CommitClaim if is_refused => "the claim is not as it was (Conflict)",
        Action::CommitClaim => match before.asked {
            Some(Write::Make(_)) => "the API server creates a ResourceClaim for the Pod",
            Some(Write::Release(_)) | None => "the API server writes that the claim is free",
        },
        Action::Reserve => "kube-scheduler reserves the claim for the Pod",
        Action::CollectClaim { .. } => {
            "the garbage collector deletes a claim of a Pod that is gone"
        }
        Action::CreatePod => "a client creates the Pod",
        Action::FinishPod => "the Pod ends",
        Action::DeletePod => "a client deletes the Pod",
        Action::Crash => "the controller crashes and starts again",
    }
    .to_owned()
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverPod
        | Action::DeliverClaim
        | Action::SyncPod
        | Action::SyncClaim
        | Action::Crash => CONTROLLER,
        Action::CommitClaim => "kube-apiserver",
        Action::Reserve => "kube-scheduler",
        Action::CollectClaim { .. } => "garbage-collector-controller",
        Action::FinishPod => "kubelet",
        Action::CreatePod | Action::DeletePod => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    if let Some(uid) = state.made {
        controller.holds += &format!("; has made a claim for the Pod (uid {uid})");
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let mut said = vec![];
    said.extend(objects.pod.map(|pod| {
        let done = if pod.is_done { ", ended" } else { "" };
        format!("Pod (uid {}{done})", pod.uid)
    }));
    said.extend(objects.made.iter().flatten().map(|uid| format!("a claim made for uid {uid}")));
    said.push(match objects.named.reserved_for {
        Some(uid) => format!("a claim reserved for uid {uid}"),
        None => "a claim that is free".to_owned(),
    });
    said.join(", ")
}
