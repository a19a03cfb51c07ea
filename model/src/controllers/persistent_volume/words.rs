//! The scenario `persistent-volume` in Kubernetes' words.

use super::objects::{Objects, Phase, Pod};
use super::{Action, State, Update};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const BINDER: &str = "persistentvolume-binder-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverClaim => "the controllers hear of a claim".to_owned(),
        Action::DeliverVolume => "the controllers hear of a volume".to_owned(),
        Action::DeliverPod => "the controllers hear of the Pod".to_owned(),
        Action::SyncClaim { .. } | Action::SyncVolume { .. } => {
            format!("the binder asks for {}", after.binder.map(wanted).unwrap_or_default())
        }
        Action::Commit | Action::CommitProvided if is_refused => {
            "the API server refuses the update (Conflict)".to_owned()
        }
        Action::Commit => "the API server writes what the binder asks for".to_owned(),
        Action::ProvideVolume { .. } => {
            format!("the scheduler asks for {}", after.scheduler.map(wanted).unwrap_or_default())
        }
        Action::CommitProvided => "the API server writes what the scheduler asks for".to_owned(),
        Action::BindPod => "the scheduler binds the Pod to a Node".to_owned(),
        Action::ListPods => "no Pod uses claim-1, the API server says".to_owned(),
        Action::LetClaimGo { claim } => format!("the finalizer of claim-{claim} is removed"),
        Action::LetVolumeGo { volume } => format!("the finalizer of volume-{volume} is removed"),
        Action::Reclaim { volume } => format!("the provisioner deletes volume-{volume}"),
        Action::EndPod => "the Pod ends and is gone".to_owned(),
        Action::CreateClaim { claim } => format!("a client creates claim-{claim}"),
        Action::DeleteClaim { claim } => format!("a client deletes claim-{claim}"),
        Action::CreateVolume => "a person makes volume-0".to_owned(),
        Action::DeleteVolume => "a client deletes volume-1".to_owned(),
        Action::CreatePod => "a client creates the Pod".to_owned(),
        Action::Crash => "the controllers crash and start again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverClaim
        | Action::DeliverVolume
        | Action::DeliverPod
        | Action::SyncClaim { .. }
        | Action::SyncVolume { .. }
        | Action::ListPods
        | Action::LetClaimGo { .. }
        | Action::LetVolumeGo { .. }
        | Action::Crash => BINDER,
        Action::Commit | Action::CommitProvided => "kube-apiserver",
        Action::ProvideVolume { .. } | Action::BindPod => "kube-scheduler",
        Action::Reclaim { .. } => "external-provisioner",
        Action::EndPod => "kubelet",
        Action::CreateClaim { .. }
        | Action::DeleteClaim { .. }
        | Action::CreateVolume
        | Action::DeleteVolume
        | Action::CreatePod => "client",
    }
}

/// What the store and the controllers hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut binder] = lanes_of(BINDER, &state.store, objects);
    let asks = state.binder.map(|update| format!("; asks for {}", wanted(update)));
    binder.holds += &asks.unwrap_or_default();
    let asks = state.scheduler.map_or("asks for nothing".to_owned(), wanted);
    let scheduler = Lane { name: "kube-scheduler".to_owned(), holds: asks, behind: None };
    vec![store, binder, scheduler]
}

fn wanted(update: Update) -> String {
    match update {
        Update::Claim(number, _, claim) => match claim.volume {
            Some(volume) => format!("claim-{number} to have volume-{volume}"),
            None => format!("claim-{number} to have no volume"),
        },
        Update::Volume(number, read, volume) if read.phase != volume.phase => {
            format!("volume-{number} to be {:?}", volume.phase)
        }
        Update::Volume(number, _, volume) => match volume.claim {
            Some(claim) => format!("volume-{number} for claim-{} (uid {})", claim.name, claim.uid),
            None => format!("volume-{number} for nobody"),
        },
    }
}

fn objects(objects: &Objects) -> String {
    let mut parts = vec![];
    for (number, claim) in (0..).zip(objects.claims) {
        let Some(claim) = claim else { continue };
        let volume = claim.volume.map(|volume| format!(" has volume-{volume}"));
        let goes = if claim.deleting { ", Terminating" } else { "" };
        let volume = volume.unwrap_or_default();
        parts.push(format!("claim-{number} (uid {}){volume}{goes}", claim.uid));
    }
    for (number, volume) in (0..).zip(objects.volumes) {
        let Some(volume) = volume else { continue };
        let claim =
            volume.claim.map(|claim| format!(" for claim-{} (uid {})", claim.name, claim.uid));
        let phase = phase(volume.phase);
        let goes = if volume.deleting { ", Terminating" } else { "" };
        parts.push(format!("volume-{number} {phase}{}{goes}", claim.unwrap_or_default()));
    }
    parts.extend(objects.pod.map(|pod| match pod {
        Pod::Pending => "a Pod without a Node".to_owned(),
        Pod::Bound { .. } => "a Pod on a Node".to_owned(),
    }));
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Available => "Available",
        Phase::Bound => "Bound",
        Phase::Released => "Released",
    }
}
