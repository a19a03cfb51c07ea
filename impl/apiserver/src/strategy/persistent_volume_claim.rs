//! PersistentVolumeClaims.
//!
//! Source: `ValidatePersistentVolumeClaim…` and `pkg/registry/core/persistentvolumeclaim/strategy.go`
//! (v1.36). Leaves out the diff that upstream prints after a change of what stays.

mod data_source;

use api::names;
use api::object::text;
use api::quantity::Quantity;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{below, default, entries, get, items, keep, made, or_null, same};
use super::persistent_volume::{CLASS_ANNOTATION, VOLUME_MODES, access_mode_causes};
use super::{meta, resource_names, resources, rules};

const CLASS: &str = "volumeAttributesClassName";
const STORAGE: &str = "spec.resources.requests.storage";
const RESIZE_STATUSES: [&str; 5] = [
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
];

/// Fills in what its author left out.
pub(super) fn apply_defaults(claim: &mut Value) {
    let Some(claim) = claim.as_object_mut() else {
        return;
    };
    let spec = made(claim, "spec");
    default(spec, "volumeMode", "Filesystem");
    if let Some(resources) = below(spec, "resources") {
        resources::canonicalize_requirements(resources);
    }
    let status = made(claim, "status");
    default(status, "phase", "Pending");
    resources::canonicalize(status, "capacity");
    resources::canonicalize(status, "allocatedResources");
}

/// A new claim is pending.
pub(super) fn prepare_for_create(claim: &mut Value) {
    claim["status"] = json!({"phase": "Pending"});
    data_source::prepare(claim, &Value::Null);
}

/// Keeps the status.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
    data_source::prepare(new, old);
}

/// What a new PersistentVolumeClaim breaks.
pub(super) fn validate(claim: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(claim, true, names::dns_subdomain);
    causes.extend(spec_causes("spec", or_null(claim, &["spec"])));
    causes
}

/// What an update breaks. A bound claim may grow and change its class; all else stays.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(spec_causes("spec", or_null(new, &["spec"])));
    if !is_class_taken_from_annotation(new, old) {
        let path = ["metadata", "annotations", CLASS_ANNOTATION];
        let field = format!("metadata.annotations.{CLASS_ANNOTATION}");
        causes.extend(rules::immutable(&field, or_null(new, &path), or_null(old, &path)));
    }
    if !is_same_claim(new, old) {
        let rule = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        causes.push(Cause::forbidden("spec", rule));
    }
    causes.extend(shrink_cause(new, old));
    let mode = ["spec", "volumeMode"];
    causes.extend(rules::immutable("volumeMode", or_null(new, &mode), or_null(old, &mode)));
    causes.extend(class_cause(new, old));
    causes
}

/// What an update of the status breaks.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    if items(new, &["spec", "accessModes"]).is_empty() {
        causes.push(Cause::required("Spec.accessModes", ""));
    }
    for (name, quantity) in entries(new, &["status", "capacity"]) {
        causes.extend(resources::amount_causes(&format!("status.capacity[{name}]"), quantity));
    }
    causes.extend(resize_causes(or_null(new, &["status"])));
    causes
}

/// What the spec of a claim breaks.
pub(super) fn spec_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let modes = format!("{path}.accessModes");
    if items(spec, &["accessModes"]).is_empty() {
        causes.push(Cause::required(&modes, "at least 1 access mode is required"));
    }
    if let Some(selector) = get(spec, &["selector"]) {
        causes.extend(rules::label_selector(&format!("{path}.selector"), selector));
    }
    causes.extend(access_mode_causes(&modes, items(spec, &["accessModes"])));
    causes.extend(storage_causes(&format!("{path}.resources[storage]"), spec));
    causes.extend(class_name_causes(path, spec, "storageClassName"));
    let mode = get(spec, &["volumeMode"]);
    causes.extend(rules::one_of(format!("{path}.volumeMode"), mode, &VOLUME_MODES, false));
    causes.extend(data_source::causes(path, spec));
    causes.extend(class_name_causes(path, spec, CLASS));
    causes
}

fn storage_causes(field: &str, spec: &Value) -> Vec<Cause> {
    match get(spec, &["resources", "requests", "storage"]) {
        None => vec![Cause::required(field, "")],
        Some(storage) => resources::positive_causes(field, storage),
    }
}

fn class_name_causes(path: &str, spec: &Value, field: &str) -> Vec<Cause> {
    match text(spec, &[field]) {
        "" => vec![],
        name => rules::named(&format!("{path}.{field}"), name, names::dns_subdomain),
    }
}

/// Whether the new claim names in its spec the class that the old one named in an annotation.
fn is_class_taken_from_annotation(new: &Value, old: &Value) -> bool {
    let annotation =
        |claim| get(claim, &["metadata", "annotations", CLASS_ANNOTATION]).and_then(Value::as_str);
    let class = |claim| get(claim, &["spec", "storageClassName"]).and_then(Value::as_str);
    annotation(old).is_some()
        && class(old).is_none()
        && class(new) == annotation(old)
        && (annotation(new).is_none() || annotation(new) == annotation(old))
}

/// Whether the specs are the same but for what may change.
fn is_same_claim(new: &Value, old: &Value) -> bool {
    let (mut new_spec, mut old_spec) = (new["spec"].clone(), old["spec"].clone());
    if text(&old_spec, &["volumeName"]).is_empty() {
        keep(&mut old_spec, &new_spec, "volumeName");
    }
    let annotation = get(old, &["metadata", "annotations", CLASS_ANNOTATION]);
    let class = get(&new_spec, &["storageClassName"]);
    if get(&old_spec, &["storageClassName"]).is_none()
        && class.is_some()
        && (annotation.is_none() || class == annotation)
    {
        keep(&mut new_spec, &old_spec, "storageClassName");
    }
    if text(new, &["status", "phase"]) == "Bound" {
        keep(&mut new_spec, &old_spec, CLASS);
        keep_storage(&mut new_spec, &old_spec);
    }
    let class = |spec| get(spec, &["storageClassName"]).is_some();
    same(&new_spec, &old_spec) && class(&new_spec) == class(&old_spec)
}

fn keep_storage(new_spec: &mut Value, old_spec: &Value) {
    if let Some(requests) = new_spec.pointer_mut("/resources/requests") {
        keep(requests, or_null(old_spec, &["resources", "requests"]), "storage");
    }
}

/// A request that failed to grow may be taken back, but not below what the volume has.
fn shrink_cause(new: &Value, old: &Value) -> Option<Cause> {
    let quantity = |claim, path: &[&str]| Quantity::from_value(or_null(claim, path));
    let requested = ["spec", "resources", "requests", "storage"];
    let wanted = quantity(new, &requested).unwrap_or_default();
    let capacity = quantity(old, &["status", "capacity", "storage"]).unwrap_or_default();
    (wanted < quantity(old, &requested).unwrap_or_default() && wanted <= capacity)
        .then(|| Cause::forbidden(STORAGE, "field can not be less than status.capacity"))
}

/// A claim whose volume has a class keeps having one.
fn class_cause(new: &Value, old: &Value) -> Option<Cause> {
    get(old, &["status", "currentVolumeAttributesClassName"])?;
    let what = match get(new, &["spec", CLASS]).and_then(Value::as_str) {
        None => "nil",
        Some("") => "empty string",
        Some(_) => return None,
    };
    let changed = get(new, &["spec", CLASS]) != get(old, &["spec", CLASS]);
    let rule = format!(
        "update to {what} is forbidden when status.currentVolumeAttributesClassName is not nil"
    );
    changed.then(|| Cause::forbidden(format!("spec.{CLASS}"), &rule))
}

fn resize_causes(status: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let field = "status.allocatedResourceStatuses";
    for (name, resize) in entries(status, &["allocatedResourceStatuses"]) {
        causes.extend(allocated_name_causes(field, name));
        if !RESIZE_STATUSES.contains(&resize.as_str().unwrap_or_default()) {
            causes.push(Cause::not_supported(field, &json!(name), &RESIZE_STATUSES));
        }
    }
    let field = "status.allocatedResources";
    for (name, quantity) in entries(status, &["allocatedResources"]) {
        let broken = allocated_name_causes(field, name);
        if broken.is_empty() {
            causes.extend(resources::amount_causes(&format!("{field}[{name}]"), quantity));
        }
        causes.extend(broken);
    }
    causes
}

fn allocated_name_causes(field: &str, name: &str) -> Vec<Cause> {
    let causes = rules::named(field, name, names::label_key);
    if causes.is_empty() && resource_names::is_native(name) && name != "storage" {
        return vec![Cause::not_supported(field, &json!(name), &["storage"])];
    }
    causes
}

#[cfg(test)]
mod tests;
