//! StorageObjectInUseProtection: claims and volumes go only when nobody uses them.
//!
//! The finalizers are taken away again by the controllers that know of use.
//! Source: plugin/pkg/admission/storage/storageobjectinuseprotection/admission.go, v1.36.

use api::object::metadata_mut;
use serde_json::{Value, json};

/// Adds a claim's finalizer.
pub(super) fn protect_claim(claim: &mut Value) {
    add(claim, "kubernetes.io/pvc-protection");
}

/// Adds a volume's finalizer.
pub(super) fn protect_volume(volume: &mut Value) {
    add(volume, "kubernetes.io/pv-protection");
}

fn add(object: &mut Value, finalizer: &str) {
    let finalizers = metadata_mut(object).entry("finalizers").or_insert_with(|| json!([]));
    if let Some(finalizers) = finalizers.as_array_mut()
        && !finalizers.iter().any(|known| known == finalizer)
    {
        finalizers.push(json!(finalizer));
    }
}
