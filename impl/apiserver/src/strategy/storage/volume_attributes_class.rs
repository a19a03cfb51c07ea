//! VolumeAttributesClasses.
//!
//! Source: `ValidateVolumeAttributesClass` (v1.36).

use api::status::Cause;
use serde_json::Value;

use super::super::fields::{entries, or_null, same};
use super::{parameters_causes, provisioner_causes};

/// What it breaks, new or changed.
pub(super) fn causes(class: &Value) -> Vec<Cause> {
    let mut causes = provisioner_causes(class, "driverName");
    causes.extend(parameters_causes(class));
    if entries(class, &["parameters"]).next().is_none() {
        causes.push(Cause::required("parameters", "must contain at least one key/value pair"));
    }
    causes
}

/// What a change of it breaks.
pub(super) fn update_causes(new: &Value, old: &Value) -> Vec<Cause> {
    let changed = ["driverName", "parameters"]
        .into_iter()
        .filter(|field| !same(or_null(new, &[*field]), or_null(old, &[*field])));
    let cause =
        |field: &str| Cause::forbidden(field, &format!("updates to {field} are forbidden."));
    changed.map(cause).collect()
}
