//! The steps of a binding: the volume's spec, its status, the claim's spec, its status.
//!
//! Source: `bind` and `unbindVolume` in pv_controller.go (v1.36).

use std::sync::Arc;

use api::{Key, Request, storage};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use super::pass::Pass;
use super::status;

/// Takes the next step of binding a claim and a volume, if there is one.
pub(super) fn step(
    pass: &mut Pass<'_>,
    volume: &Arc<PersistentVolume>,
    claim: &Arc<PersistentVolumeClaim>,
) {
    if let Some(bound) = storage::bind_to(volume, claim) {
        pass.update(&bound);
    } else if status::phase(volume) != "Bound" {
        set_volume_phase(pass, volume, ("Bound", ""));
    } else if let Some(bound) = bound_claim(claim, volume) {
        pass.update(&bound);
    } else {
        set_claim_phase(pass, claim, ("Bound", Some(volume)));
    }
}

/// The claim bound to a volume; `None` when it says so already.
fn bound_claim(
    claim: &PersistentVolumeClaim,
    volume: &PersistentVolume,
) -> Option<PersistentVolumeClaim> {
    let mut bound = claim.clone();
    let name = Key::of(&volume.metadata).name;
    if storage::volume_name(claim) != name {
        bound.spec.get_or_insert_default().volume_name = Some(name);
        if storage::annotation(&claim.metadata, storage::BOUND_BY_CONTROLLER).is_none() {
            storage::annotate(&mut bound.metadata, storage::BOUND_BY_CONTROLLER, "yes");
        }
    }
    if storage::annotation(&claim.metadata, storage::BIND_COMPLETED).is_none() {
        storage::annotate(&mut bound.metadata, storage::BIND_COMPLETED, "yes");
    }
    (bound != *claim).then_some(bound)
}

/// Sets a claim's phase and what it has of its volume.
pub(super) fn set_claim_phase(
    pass: &mut Pass<'_>,
    claim: &Arc<PersistentVolumeClaim>,
    (phase, volume): (&str, Option<&PersistentVolume>),
) {
    if let Some(status) = status::of_claim(claim, phase, volume) {
        let claim = PersistentVolumeClaim { status: Some(status), ..claim.as_ref().clone() };
        pass.requests.push(Request::update_status(&claim));
    }
}

/// Sets a volume's phase and why it has it; whether that changes it.
pub(super) fn set_volume_phase(
    pass: &mut Pass<'_>,
    volume: &Arc<PersistentVolume>,
    (phase, message): (&str, &str),
) -> bool {
    if status::phase(volume) == phase {
        return false;
    }
    let mut volume = volume.as_ref().clone();
    let status = volume.status.get_or_insert_default();
    status.phase = Some(phase.to_owned());
    status.message = (!message.is_empty()).then(|| message.to_owned());
    pass.requests.push(Request::update_status(&volume));
    true
}

/// Takes back the binding of a volume. What a person has said of its claim stays.
pub(super) fn unbind(pass: &mut Pass<'_>, volume: &Arc<PersistentVolume>) {
    let mut volume = volume.as_ref().clone();
    let spec = volume.spec.get_or_insert_default();
    if storage::annotation(&volume.metadata, storage::BOUND_BY_CONTROLLER).is_some() {
        spec.claim_ref = None;
        let annotations = volume.metadata.annotations.get_or_insert_default();
        annotations.remove(storage::BOUND_BY_CONTROLLER);
    } else if let Some(reference) = &mut spec.claim_ref {
        reference.uid = None;
    }
    pass.update(&volume);
}
