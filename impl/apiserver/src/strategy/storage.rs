//! The kinds of `storage.k8s.io`.
//!
//! Source: `pkg/apis/storage/validation/validation.go` (v1.36).

mod csi_driver;
mod csi_node;
mod csi_storage_capacity;
mod storage_class;
mod volume_attachment;
mod volume_attributes_class;

use api::ApiResource;
use api::names;
use api::object::{metadata_mut, text};
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{entries, keep};
use super::{meta, rules};

/// The group of these kinds.
pub(super) const GROUP: &str = "storage.k8s.io";
const DRIVER_NAME_LENGTH_MAX: usize = 63;
const PARAMETERS_MAX: usize = 512;
const PARAMETERS_BYTES_MAX: usize = 256 * 1024;

/// Fills in what the author of an object left out.
pub(super) fn apply_defaults(resource: &ApiResource, object: &mut Value) {
    match resource.kind {
        "CSIDriver" => csi_driver::apply_defaults(object),
        "CSIStorageCapacity" => csi_storage_capacity::apply_defaults(object),
        "StorageClass" => storage_class::apply_defaults(object),
        _ => {}
    }
}

/// Gives a new object its first status.
pub(super) fn prepare_for_create(resource: &ApiResource, object: &mut Value) {
    match resource.kind {
        "VolumeAttachment" => volume_attachment::prepare_for_create(object),
        _ => {
            metadata_mut(object).remove("generation");
        }
    }
}

/// Keeps the status, and counts a change of a driver.
pub(super) fn prepare_for_update(resource: &ApiResource, new: &mut Value, old: &Value) {
    match resource.kind {
        "CSIDriver" => meta::count_spec_change(new, old),
        "VolumeAttachment" => keep(new, old, "status"),
        _ => {}
    }
}

/// What a new object breaks.
pub(super) fn validate(resource: &ApiResource, object: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(object, resource.namespaced, names::dns_subdomain);
    causes.extend(own_causes(resource, object));
    causes
}

/// What an update breaks.
pub(super) fn validate_update(resource: &ApiResource, new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(own_causes(resource, new));
    causes.extend(match resource.kind {
        "CSIDriver" => csi_driver::update_causes(new, old),
        "CSINode" => csi_node::update_causes(new, old),
        "CSIStorageCapacity" => csi_storage_capacity::update_causes(new, old),
        "StorageClass" => storage_class::update_causes(new, old),
        "VolumeAttachment" => volume_attachment::update_causes(new, old),
        _ => volume_attributes_class::update_causes(new, old),
    });
    causes
}

fn own_causes(resource: &ApiResource, object: &Value) -> Vec<Cause> {
    match resource.kind {
        "CSIDriver" => csi_driver::causes(object),
        "CSINode" => csi_node::causes(object),
        "CSIStorageCapacity" => csi_storage_capacity::causes(object),
        "StorageClass" => storage_class::causes(object),
        "VolumeAttachment" => volume_attachment::causes(object),
        _ => volume_attributes_class::causes(object),
    }
}

/// What the name of a CSI driver breaks, where an object refers to it.
pub(super) fn driver_name_causes(field: &str, name: &str) -> Vec<Cause> {
    if name.is_empty() {
        return vec![Cause::required(field, "")];
    }
    let mut causes = vec![];
    if name.len() > DRIVER_NAME_LENGTH_MAX {
        causes.push(rules::too_long(field, DRIVER_NAME_LENGTH_MAX));
    }
    let errors = names::dns_subdomain(&name.to_lowercase());
    causes.extend(errors.iter().map(|error| Cause::invalid(field, &json!(name), error)));
    causes
}

/// What the name of who provides the volumes of a class breaks.
fn provisioner_causes(class: &Value, field: &str) -> Vec<Cause> {
    match text(class, &[field]) {
        "" => vec![Cause::required(field, "")],
        name => rules::named(field, &name.to_lowercase(), names::label_key),
    }
}

fn parameters_causes(class: &Value) -> Vec<Cause> {
    let field = "parameters";
    if entries(class, &[field]).count() > PARAMETERS_MAX {
        return vec![rules::too_long(field, PARAMETERS_MAX)];
    }
    let mut causes = vec![];
    let mut bytes = 0;
    for (key, value) in entries(class, &[field]) {
        if key.is_empty() {
            causes.push(Cause::invalid(field, &json!(key), "field can not be empty."));
        }
        bytes += key.len() + value.as_str().map_or(0, str::len);
    }
    if bytes > PARAMETERS_BYTES_MAX {
        causes.push(rules::too_long(field, PARAMETERS_BYTES_MAX));
    }
    causes
}

#[cfg(test)]
mod tests;
