//! PersistentVolumeClaimResize: a claim grows where its class allows it. That it is bound, its kind's rules ask.
//!
//! Source: plugin/pkg/admission/storage/persistentvolume/resize/admission.go, v1.36.

use api::object::at;
use api::quantity::Quantity;
use api::quota::claims::storage_class;
use api::{Status, resources};
use serde_json::Value;

use super::Admission;

/// Whether a claim may have its new size.
pub(super) fn validate(admission: Admission<'_>, new: &Value, old: &Value) -> Result<(), Status> {
    if size(new) <= size(old) {
        return Ok(());
    }
    let class = storage_class(new);
    let found = admission.find(&resources::STORAGE_CLASSES, None, class);
    let is_allowed = class == storage_class(old)
        && found.is_some_and(|class| class["allowVolumeExpansion"] == true);
    if is_allowed {
        return Ok(());
    }
    Err(admission.forbidden(
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    ))
}

fn size(claim: &Value) -> Quantity {
    let size = at(claim, &["spec", "resources", "requests", "storage"]);
    size.and_then(|size| Quantity::from_value(size).ok()).unwrap_or_default()
}
