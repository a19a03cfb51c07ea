//! The scenario `volume-attributes-class` in Kubernetes' words.

use super::{Action, Class, Finalizer, Objects, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "volumeattributesclass-protection-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverClass => "the controller hears of the VolumeAttributesClass",
        Action::DeliverUser => "the controller hears of the claim or the volume",
        Action::Sync => "the controller looks at the VolumeAttributesClass",
        Action::CommitFinalizer if is_refused => "the class is not as it was (Conflict)",
        Action::CommitFinalizer => match before.asked {
            Some((_, Finalizer::Comes)) => "the API server adds the finalizer",
            Some((_, Finalizer::Goes)) | None => "the API server takes the finalizer away",
        },
        Action::ModifyVolume => "the volume is modified as its claim says",
        Action::CreateClass => "a client creates the VolumeAttributesClass",
        Action::DeleteClass => "a client deletes the VolumeAttributesClass",
        Action::EditClaim if after.store.now().is_claimed => {
            "a client has the claim name the class"
        }
        Action::EditClaim => "a client has the claim name no class",
        Action::Crash => "the controller crashes and starts again",
    }
    .to_owned()
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverClass | Action::DeliverUser | Action::Sync | Action::Crash => CONTROLLER,
        Action::CommitFinalizer => "kube-apiserver",
        Action::ModifyVolume => "external-resizer",
        Action::CreateClass | Action::DeleteClass | Action::EditClaim => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    if state.asked.is_some() {
        controller.holds += "; patches the class";
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let class = objects.class.map_or_else(|| "no class".to_owned(), class);
    let claim = if objects.is_claimed { "a claim that names it" } else { "a claim" };
    let volume = if objects.is_applied { "a volume that has it" } else { "a volume" };
    format!("{class}, {claim}, {volume}")
}

fn class(class: Class) -> String {
    let finalizer = if class.finalizer { ", with the finalizer" } else { "" };
    let deleted = if class.deleted { ", being deleted" } else { "" };
    format!("VolumeAttributesClass (version {}{finalizer}{deleted})", class.version)
}
