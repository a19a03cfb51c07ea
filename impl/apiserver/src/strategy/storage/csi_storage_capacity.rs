//! CSIStorageCapacities.
//!
//! Source: `ValidateCSIStorageCapacity` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, or_null, same};
use super::super::{resources, rules};

/// Writes its quantities in one way.
pub(super) fn apply_defaults(capacity: &mut Value) {
    for field in ["capacity", "maximumVolumeSize"] {
        if let Some(value) = capacity.get_mut(field) {
            resources::canonicalize_one(value);
        }
    }
}

/// What it breaks, new or changed.
pub(super) fn causes(capacity: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    if let Some(topology) = get(capacity, &["nodeTopology"]) {
        causes.extend(rules::label_selector("nodeTopology", topology));
    }
    let class = text(capacity, &["storageClassName"]);
    causes.extend(rules::named("storageClassName", class, names::dns_subdomain));
    if let Some(quantity) = get(capacity, &["capacity"]) {
        causes.extend(resources::quantity_causes("capacity", "", quantity));
    }
    causes
}

/// What a change of it breaks.
pub(super) fn update_causes(new: &Value, old: &Value) -> Vec<Cause> {
    let is_changed = |field: &str| !same(or_null(new, &[field]), or_null(old, &[field]));
    let mut causes = vec![];
    if is_changed("nodeTopology") {
        let topology = or_null(new, &["nodeTopology"]);
        causes.push(Cause::invalid("nodeTopology", topology, rules::IMMUTABLE));
    }
    if is_changed("storageClassName") {
        let class = json!(text(new, &["storageClassName"]));
        causes.push(Cause::invalid("storageClassName", &class, rules::IMMUTABLE));
    }
    causes
}
