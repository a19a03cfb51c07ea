//! What is to be done about a claim.
//!
//! Source: `syncUnboundClaim` and `syncBoundClaim` in pv_controller.go (v1.36).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::storage::{self, Seeker};
use api::{Key, storage::annotation};
use client::event::Note;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};

use super::pass::Pass;
use super::{bind, migration, provision};
use crate::pods;

/// Takes the next step.
pub(super) fn sync(pass: &mut Pass<'_>, claim: &Arc<PersistentVolumeClaim>) {
    if let Some(metadata) = migration::claim_metadata(&claim.metadata) {
        let claim = PersistentVolumeClaim { metadata, ..claim.as_ref().clone() };
        return pass.update(&claim);
    }
    let is_bound = annotation(&claim.metadata, storage::BIND_COMPLETED).is_some();
    match storage::volume_name(claim) {
        "" if is_bound => lost(
            pass,
            claim,
            (
                "ClaimLost",
                "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!",
            ),
        ),
        "" => find_volume(pass, claim),
        name if is_bound => keep_volume(pass, claim, name),
        name => take_volume(pass, claim, name),
    }
}

/// A claim that does not care which volume it gets.
fn find_volume(pass: &mut Pass<'_>, claim: &Arc<PersistentVolumeClaim>) {
    let waits = storage::waits_for_first_consumer(pass.class(claim).map(AsRef::as_ref));
    if let Some(volume) = best_match(pass, claim, waits) {
        return bind::step(pass, &volume, claim);
    }
    if let Some(claim) = with_default_class(pass, claim) {
        return pass.update(&claim);
    }
    let is_placed = annotation(&claim.metadata, storage::SELECTED_NODE).is_some();
    if waits && !is_placed {
        let note = waiting_note(pass, claim);
        pass.say(claim, note);
    } else if !storage::class_of_claim(claim).is_empty() {
        return provision::sync(pass, claim);
    } else {
        let message = "no persistent volumes available for this claim and no storage class is set";
        pass.say(claim, Note::normal("FailedBinding", message));
    }
    bind::set_claim_phase(pass, claim, ("Pending", None));
}

/// The volume that fits best, of those that can be used in the fewest ways.
///
/// Source: `findByClaim` in index.go (v1.36).
fn best_match(
    pass: &Pass<'_>,
    claim: &PersistentVolumeClaim,
    waits: bool,
) -> Option<Arc<PersistentVolume>> {
    let mut by_modes: BTreeMap<(usize, BTreeSet<String>), Vec<&Arc<PersistentVolume>>> =
        BTreeMap::new();
    for volume in pass.all_volumes().filter(|volume| storage::has_access_modes(volume, claim)) {
        let modes = volume.spec.iter().flat_map(|spec| spec.access_modes.iter().flatten());
        let modes: BTreeSet<String> = modes.cloned().collect();
        by_modes.entry((modes.len(), modes)).or_default().push(volume);
    }
    let seeker = Seeker::Binder { waits };
    let mut groups = by_modes.into_values();
    groups
        .find_map(|group| storage::find_matching_volume(claim, group.into_iter(), seeker).cloned())
}

/// A claim from before there was a default StorageClass, with it.
fn with_default_class(
    pass: &Pass<'_>,
    claim: &PersistentVolumeClaim,
) -> Option<PersistentVolumeClaim> {
    if storage::has_class(claim) {
        return None;
    }
    let class = storage::default_class(pass.view.storage_classes.iter().map(AsRef::as_ref))?;
    let mut claim = claim.clone();
    claim.spec.get_or_insert_default().storage_class_name.clone_from(&class.metadata.name);
    Some(claim)
}

/// What a claim waits for that waits for its first pod.
fn waiting_note(pass: &Pass<'_>, claim: &PersistentVolumeClaim) -> Note {
    let key = Key::of(&claim.metadata);
    let waits = |pod: &&Arc<Pod>| {
        pods::node_name(pod).is_empty() && !pods::is_finished(pod) && uses(pod, &key.name)
    };
    let pods = pass.view.pods.in_namespace(&key.namespace).filter(waits);
    let names: Vec<&str> = pods.filter_map(|pod| pod.metadata.name.as_deref()).collect();
    let message = match names.as_slice() {
        [] => {
            let message = "waiting for first consumer to be created before binding";
            return Note::normal("WaitForFirstConsumer", message);
        }
        [name] => format!("waiting for pod {name} to be scheduled"),
        names => format!("waiting for pods {} to be scheduled", names.join(",")),
    };
    Note::normal("WaitForPodScheduled", message)
}

fn uses(pod: &Pod, claim: &str) -> bool {
    storage::claims_of_pod(pod).any(|(name, _)| name == claim)
}

/// A claim that asks for a volume by name.
fn take_volume(pass: &mut Pass<'_>, claim: &Arc<PersistentVolumeClaim>, name: &str) {
    let Some(volume) = pass.volume(&Key::cluster(name)) else {
        return bind::set_claim_phase(pass, claim, ("Pending", None));
    };
    if storage::is_bound_to(&volume, claim) {
        return bind::step(pass, &volume, claim);
    }
    if storage::claim_reference(&volume).is_some() {
        let message = format!("volume \"{name}\" already bound to a different claim.");
        pass.say(claim, Note::warning("FailedBinding", message));
        if annotation(&claim.metadata, storage::BOUND_BY_CONTROLLER).is_some() {
            return;
        }
    } else if let Some(why) = mismatch(&volume, claim) {
        let message = format!("Cannot bind to requested volume \"{name}\": {why}");
        pass.say(claim, Note::warning("VolumeMismatch", message));
    } else {
        return bind::step(pass, &volume, claim);
    }
    bind::set_claim_phase(pass, claim, ("Pending", None));
}

/// Why a volume does not satisfy the claim that asks for it.
///
/// Source: `checkVolumeSatisfyClaim` in pv_controller.go (v1.36).
fn mismatch(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> Option<String> {
    let name = volume.metadata.name.as_deref().unwrap_or_default();
    let why = if volume.metadata.deletion_timestamp.is_some() {
        return Some(format!("the volume is marked for deletion \"{name}\""));
    } else if storage::capacity(volume).value() < storage::requested(claim).value() {
        "requested PV is too small"
    } else if storage::class_of_volume(volume) != storage::class_of_claim(claim) {
        "storageClassName does not match"
    } else if !storage::attributes_classes_match(claim, volume) {
        "volumeAttributesClassName does not match"
    } else if !storage::modes_match(claim, volume) {
        "incompatible volumeMode"
    } else if !storage::has_access_modes(volume, claim) {
        "incompatible accessMode"
    } else {
        return None;
    };
    Some(why.to_owned())
}

/// A claim that has been bound.
fn keep_volume(pass: &mut Pass<'_>, claim: &Arc<PersistentVolumeClaim>, name: &str) {
    let Some(volume) = pass.volume(&Key::cluster(name)) else {
        let message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
        return lost(pass, claim, ("ClaimLost", message));
    };
    let reference = storage::claim_reference(&volume);
    if reference.is_none_or(|reference| reference.uid == claim.metadata.uid) {
        return bind::step(pass, &volume, claim);
    }
    let message = "Two claims are bound to the same volume, this one is bound incorrectly";
    lost(pass, claim, ("ClaimMisbound", message));
}

fn lost(pass: &mut Pass<'_>, claim: &Arc<PersistentVolumeClaim>, (reason, message): (&str, &str)) {
    let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref());
    if phase != Some("Lost") {
        bind::set_claim_phase(pass, claim, ("Lost", None));
        pass.say(claim, Note::warning(reason, message));
    }
}
