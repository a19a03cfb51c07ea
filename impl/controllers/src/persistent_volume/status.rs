//! The status of claims.
//!
//! Source: `updateClaimStatus` in pv_controller.go (v1.36).

use api::quantity::Quantity as Amount;
use api::storage;
use k8s_openapi::api::core::v1::{
    PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimStatus, PersistentVolumeStatus,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// On a volume that has grown before its claim was bound: how large its file system is.
const PRE_RESIZE_CAPACITY: &str = "volume.alpha.kubernetes.io/pre-resize-capacity";

/// The phase of a volume, empty when it has none.
pub(super) fn phase(volume: &PersistentVolume) -> &str {
    let phase = |status: &PersistentVolumeStatus| status.phase.is_some();
    let status = volume.status.as_ref().filter(|status| phase(status));
    status.and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

/// What a claim's status becomes; `None` when it is that already.
pub(super) fn of_claim(
    claim: &PersistentVolumeClaim,
    phase: &str,
    volume: Option<&PersistentVolume>,
) -> Option<PersistentVolumeClaimStatus> {
    let old = claim.status.clone().unwrap_or_default();
    let mut new = old.clone();
    let is_entered = old.phase.as_deref() != Some(phase);
    new.phase = Some(phase.to_owned());
    match volume {
        None => {
            new.access_modes = None;
            new.capacity = None;
            new.current_volume_attributes_class_name = None;
        }
        Some(volume) => {
            let spec = volume.spec.clone().unwrap_or_default();
            new.access_modes = spec.access_modes;
            if is_entered {
                set_capacity(&mut new, volume)?;
            }
            if old.phase.as_deref() == Some("Pending") && phase == "Bound" {
                new.current_volume_attributes_class_name = spec.volume_attributes_class_name;
            }
        }
    }
    (new != old).then_some(new)
}

/// The capacity of a claim that has just been bound. Nothing comes of a volume without one.
fn set_capacity(status: &mut PersistentVolumeClaimStatus, volume: &PersistentVolume) -> Option<()> {
    let capacity = volume.spec.as_ref()?.capacity.as_ref()?;
    let storage = capacity.get("storage")?;
    if let Some(text) = storage::annotation(&volume.metadata, PRE_RESIZE_CAPACITY) {
        let is_amount = Amount::parse(text).is_ok();
        let amount = if is_amount { Quantity(text.to_owned()) } else { storage.clone() };
        status.capacity.get_or_insert_default().insert("storage".to_owned(), amount);
        return Some(());
    }
    let parse = |quantity: &Quantity| Amount::parse(&quantity.0).ok();
    let before = status.capacity.as_ref().and_then(|before| before.get("storage"));
    if before.and_then(parse) != parse(storage) {
        status.capacity = Some(capacity.clone());
    }
    Some(())
}
