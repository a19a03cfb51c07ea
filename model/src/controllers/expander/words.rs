//! The scenario `persistent-volume-expander` in Kubernetes' words.

use super::{Action, Claim, Objects, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "persistentvolume-expander-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = after.is_due && !before.is_due;
    match action {
        Action::DeliverClaim => "the controller hears of the claim",
        Action::DeliverVolume => "the controller hears of the volume",
        Action::Sync => "the controller looks at the claim and its volume",
        Action::CommitResizer if is_refused => "the claim is not as it was (Conflict)",
        Action::CommitResizer => "the API server writes into the claim who makes it larger",
        Action::BindVolume => "the binder gives the volume to the claim",
        Action::BindClaim => "the binder says of the claim that it is Bound",
        Action::Resize => "the driver makes the volume larger",
        Action::CreateClaim => "a client creates the claim",
        Action::DeleteClaim => "a client deletes the claim",
        Action::GrowClaim => "a client asks for more",
        Action::Crash => "the controller crashes and starts again",
    }
    .to_owned()
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverClaim | Action::DeliverVolume | Action::Sync | Action::Crash => CONTROLLER,
        Action::CommitResizer => "kube-apiserver",
        Action::BindVolume | Action::BindClaim => "persistentvolume-binder-controller",
        Action::Resize => "external-resizer",
        Action::CreateClaim | Action::DeleteClaim | Action::GrowClaim => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    if state.is_due {
        controller.holds += "; is to look";
    }
    if let Some(version) = state.asked {
        controller.holds += &format!("; writes into the claim of version {version}");
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let claim = objects.claim.map_or_else(|| "no claim".to_owned(), claim);
    let named = objects.claim_ref.map_or_else(|| "no claim".to_owned(), |uid| format!("uid {uid}"));
    format!("{claim}, a volume that names {named}")
}

fn claim(claim: Claim) -> String {
    let phase = if claim.is_bound { "Bound" } else { "Pending" };
    let resizer = if claim.has_resizer { ", which names its driver" } else { "" };
    let Claim { uid, version, requested, capacity, .. } = claim;
    format!("claim (uid {uid}, version {version}, {phase}, has {capacity} of {requested}{resizer})")
}
