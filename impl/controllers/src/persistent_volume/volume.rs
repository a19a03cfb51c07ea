//! What is to be done about a volume.
//!
//! Source: `syncVolume` in pv_controller.go (v1.36).

use std::sync::Arc;

use api::storage::{self, annotation};
use api::{Key, Request, resources};
use client::event::Note;
use k8s_openapi::api::core::v1::{ObjectReference, PersistentVolume, PersistentVolumeClaim};

use super::pass::{Answer, Pass};
use super::{bind, migration, reclaim, status};

/// The claim of a volume, as far as is known.
enum Claim {
    Gone,
    Lives(Arc<PersistentVolumeClaim>),
    Unknown,
}

/// Takes the next step.
pub(super) fn sync(pass: &mut Pass<'_>, volume: &Arc<PersistentVolume>) {
    if let Some(metadata) = migration::volume_metadata(volume) {
        let volume = PersistentVolume { metadata, ..volume.as_ref().clone() };
        return pass.update(&volume);
    }
    let reference = storage::claim_reference(volume);
    let reference =
        reference.filter(|reference| reference.uid.as_deref().is_some_and(|uid| !uid.is_empty()));
    let Some(reference) = reference else {
        // Free, or kept for a claim that is not bound yet: the claim's pass goes on.
        bind::set_volume_phase(pass, volume, ("Available", ""));
        return;
    };
    match claim_of(pass, volume, reference) {
        Claim::Unknown => {}
        Claim::Gone => release(pass, volume),
        Claim::Lives(claim) => follow(pass, volume, &claim),
    }
}

/// The claim that a volume is bound to. A cache may be behind, so the API server is asked before a volume is
/// taken for released.
fn claim_of(pass: &mut Pass<'_>, volume: &PersistentVolume, reference: &ObjectReference) -> Claim {
    let key = storage::claim_key(reference);
    let cached = pass.claim(&key);
    let is_known_to_be_released = matches!(status::phase(volume), "Released" | "Failed");
    match cached {
        Some(claim) if claim.metadata.uid == reference.uid => return Claim::Lives(claim),
        None if is_known_to_be_released => return Claim::Gone,
        Some(_) | None => {}
    }
    match pass.answer.take() {
        Some(Answer::Lives(claim)) if claim.metadata.uid == reference.uid => Claim::Lives(claim),
        Some(Answer::Lives(_) | Answer::Gone) => Claim::Gone,
        Some(Answer::Unknown) => {
            pass.is_unanswered = true;
            Claim::Unknown
        }
        None => {
            pass.requests.push(Request::get(&resources::PERSISTENT_VOLUME_CLAIMS, key));
            Claim::Unknown
        }
    }
}

/// A volume whose claim is gone, or needs it no more.
fn release(pass: &mut Pass<'_>, volume: &Arc<PersistentVolume>) {
    let is_released = matches!(status::phase(volume), "Released" | "Failed");
    if is_released {
        reclaim::sync(pass, volume);
    } else {
        bind::set_volume_phase(pass, volume, ("Released", ""));
    }
}

/// A volume whose claim is there.
fn follow(pass: &mut Pass<'_>, volume: &Arc<PersistentVolume>, claim: &Arc<PersistentVolumeClaim>) {
    let name = Key::of(&volume.metadata).name;
    match storage::volume_name(claim) {
        // The claim's pass goes on, unless it will never find this volume.
        "" => {
            if !storage::modes_match(claim, volume) {
                say_modes_mismatch(pass, volume, claim);
            }
        }
        bound if bound == name => {
            bind::set_volume_phase(pass, volume, ("Bound", ""));
        }
        _ if is_made_for_its_claim(volume) => release(pass, volume),
        _ => bind::unbind(pass, volume),
    }
}

/// Whether a volume was made for one claim and goes with it.
fn is_made_for_its_claim(volume: &PersistentVolume) -> bool {
    annotation(&volume.metadata, storage::PROVISIONED_BY).is_some()
        && reclaim::policy(volume) == "Delete"
}

fn say_modes_mismatch(
    pass: &mut Pass<'_>,
    volume: &Arc<PersistentVolume>,
    claim: &Arc<PersistentVolumeClaim>,
) {
    let name = |object: Key| object.name;
    let of_volume = format!(
        "Cannot bind PersistentVolume to requested PersistentVolumeClaim \"{}\" due to incompatible volumeMode.",
        name(Key::of(&claim.metadata))
    );
    let of_claim = format!(
        "Cannot bind PersistentVolume \"{}\" to requested PersistentVolumeClaim due to incompatible volumeMode.",
        name(Key::of(&volume.metadata))
    );
    pass.say(volume, Note::warning("VolumeMismatch", of_volume));
    pass.say(claim, Note::warning("VolumeMismatch", of_claim));
}
