//! Kinds whose strategy does no more than keep the status apart from what clients say.

use api::ApiResource;
use api::object::metadata_mut;
use serde_json::{Value, json};

use super::fields;

/// A new object has no status yet.
pub(super) fn prepare_for_create(resource: &ApiResource, object: &mut Value) {
    if has_status(resource) {
        object["status"] = json!({});
    }
    metadata_mut(object).remove("generation");
}

/// The status stays as it is.
pub(super) fn prepare_for_update(resource: &ApiResource, new: &mut Value, old: &Value) {
    if has_status(resource) {
        fields::keep(new, old, "status");
    }
}

fn has_status(resource: &ApiResource) -> bool {
    resource.subresources.contains(&"status")
}

/// Whether two objects say the same of what they are about.
pub(super) fn is_same_but_for_metadata(new: &Value, old: &Value) -> bool {
    fields::same(&fields::without(new, &["metadata"]), &fields::without(old, &["metadata"]))
}
