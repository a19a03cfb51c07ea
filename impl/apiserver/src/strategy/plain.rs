//! Kinds whose strategy does no more than keep status and generation apart from what clients say.
//!
//! Their defaults, and rules about their specs, are not here yet.

use api::ApiResource;
use api::object::metadata_mut;
use serde_json::{Value, json};

use super::{fields, meta};

/// Kinds that count the changes of their specs.
const COUNTED: &[&str] = &[
    "CronJob",
    "DaemonSet",
    "Job",
    "PodDisruptionBudget",
    "PodTemplate",
    "ReplicationController",
    "StatefulSet",
];

/// A new object has no status yet.
pub(super) fn prepare_for_create(resource: &ApiResource, object: &mut Value) {
    if has_status(resource) {
        object["status"] = json!({});
    }
    if COUNTED.contains(&resource.kind) {
        meta::set_generation(object, 1);
    } else {
        metadata_mut(object).remove("generation");
    }
}

/// The status stays as it is.
pub(super) fn prepare_for_update(resource: &ApiResource, new: &mut Value, old: &Value) {
    if has_status(resource) {
        fields::keep(new, old, "status");
    }
    if COUNTED.contains(&resource.kind) && !is_same_but_for_metadata(new, old) {
        meta::next_generation(new, old);
    }
}

fn has_status(resource: &ApiResource) -> bool {
    resource.subresources.contains(&"status")
}

/// Whether two objects say the same of what they are about.
pub(super) fn is_same_but_for_metadata(new: &Value, old: &Value) -> bool {
    let content = |object: &Value| {
        let mut content = object.clone();
        if let Some(fields) = content.as_object_mut() {
            fields.remove("metadata");
        }
        content
    };
    content(new) == content(old)
}
