//! PersistentVolumes.
//!
//! Source: `ValidatePersistentVolume…`, `pkg/volume/validation/pv_validation.go` and
//! `pkg/registry/core/persistentvolume/strategy.go` (v1.36). Leaves out the rules of sources other than
//! `hostPath`, `local`, `nfs` and `csi`, and the diff that upstream prints after a change of the source.

mod source;

use api::names;
use api::object::text;
use api::quantity::Quantity;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{default, entries, get, items, keep, made, or_null, same};
use super::node_selector;
use super::{meta, resources, rules};

/// Where claims and volumes named their StorageClass before they had a field for it.
pub(super) const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
/// How a volume is seen by a container.
pub(super) const VOLUME_MODES: [&str; 2] = ["Block", "Filesystem"];
const ACCESS_MODES: [&str; 4] =
    ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const RECLAIM_POLICIES: [&str; 3] = ["Delete", "Recycle", "Retain"];
const CLASS: &str = "volumeAttributesClassName";
const SINCE: &str = "lastPhaseTransitionTime";

/// Fills in what its author left out.
pub(super) fn apply_defaults(volume: &mut Value) {
    let Some(volume) = volume.as_object_mut() else {
        return;
    };
    default(made(volume, "status"), "phase", "Pending");
    let spec = made(volume, "spec");
    default(spec, "persistentVolumeReclaimPolicy", "Retain");
    default(spec, "volumeMode", "Filesystem");
    resources::canonicalize(spec, "capacity");
    source::apply_defaults(spec);
}

/// A new volume is pending since it was created.
pub(super) fn prepare_for_create(volume: &mut Value) {
    volume["status"] = json!({"phase": "Pending"});
    if let Some(created) = get(volume, &["metadata", "creationTimestamp"]).cloned() {
        volume["status"][SINCE] = created;
    }
}

/// Keeps the spec, and since when the phase is what it is.
pub(super) fn prepare_for_status_update(new: &mut Value, old: &Value) {
    keep(new, old, "spec");
    let phase = |volume| text(volume, &["status", "phase"]);
    if phase(new) == phase(old)
        && get(new, &["status", SINCE]).is_none()
        && let Some(status) = new.get_mut("status")
    {
        keep(status, or_null(old, &["status"]), SINCE);
    }
}

/// Dates a change of the phase, unless the client did.
pub(super) fn set_times(new: &mut Value, old: &Value, now: &Value) {
    let phase = |volume| text(volume, &["status", "phase"]);
    let since = |volume| text(volume, &["status", SINCE]);
    if phase(new) != phase(old) && (since(new).is_empty() || since(new) == since(old)) {
        api::object::object_at_mut(new, "status").insert(SINCE.to_owned(), now.clone());
    }
}

/// What a new PersistentVolume breaks.
pub(super) fn validate(volume: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(volume, false, names::dns_subdomain);
    causes.extend(spec_causes(or_null(volume, &["spec"])));
    causes.extend(source::mount_option_cause(volume));
    causes
}

/// What an update breaks. Where the data is stays.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    let (new_spec, old_spec) = (or_null(new, &["spec"]), or_null(old, &["spec"]));
    causes.extend(spec_causes(new_spec));
    causes.extend(source::mount_option_cause(new));
    if !source::is_same(new_spec, old_spec) {
        let rule = "spec.persistentvolumesource is immutable after creation";
        causes.push(Cause::forbidden("spec.persistentvolumesource", rule));
    }
    let mode = ["volumeMode"];
    causes.extend(rules::immutable(
        "volumeMode",
        or_null(new_spec, &mode),
        or_null(old_spec, &mode),
    ));
    causes.extend(node_affinity_cause(new_spec, old_spec));
    if get(old_spec, &[CLASS]).is_some() && get(new_spec, &[CLASS]).is_none() {
        let rule = "update from non-nil value to nil is forbidden";
        causes.push(Cause::forbidden(format!("spec.{CLASS}"), rule));
    }
    causes
}

/// What access modes break.
pub(super) fn access_mode_causes(field: &str, modes: &[Value]) -> Vec<Cause> {
    let is_known = |mode: &&Value| ACCESS_MODES.contains(&mode.as_str().unwrap_or_default());
    let unknown = modes.iter().filter(|mode| !is_known(mode));
    let mut causes: Vec<Cause> =
        unknown.map(|mode| Cause::not_supported(field, mode, &ACCESS_MODES)).collect();
    let is_single = |mode: &&Value| *mode == "ReadWriteOncePod";
    let has_other = modes.iter().any(|mode| is_known(&mode) && !is_single(&mode));
    if has_other && modes.iter().any(|mode| is_single(&mode)) {
        let rule = "may not use ReadWriteOncePod with other access modes";
        causes.push(Cause::forbidden(field, rule));
    }
    causes
}

fn spec_causes(spec: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    if items(spec, &["accessModes"]).is_empty() {
        causes.push(Cause::required("spec.accessModes", ""));
    }
    causes.extend(access_mode_causes("spec.accessModes", items(spec, &["accessModes"])));
    causes.extend(capacity_causes(spec));
    let policy = get(spec, &["persistentVolumeReclaimPolicy"]);
    let field = "spec.persistentVolumeReclaimPolicy";
    causes.extend(rules::one_of(field.to_owned(), policy, &RECLAIM_POLICIES, false));
    if let Some(affinity) = get(spec, &["nodeAffinity"]) {
        causes.extend(affinity_causes(affinity));
    }
    causes.extend(source::causes("spec", spec));
    causes.extend(class_causes(spec));
    causes
}

fn capacity_causes(spec: &Value) -> Vec<Cause> {
    let field = "spec.capacity";
    let mut causes = vec![];
    let names: Vec<&str> = entries(spec, &["capacity"]).map(|(name, _)| name).collect();
    if names.is_empty() {
        causes.push(Cause::required(field, ""));
    }
    if names != ["storage"] {
        causes.push(Cause::not_supported(field, or_null(spec, &["capacity"]), &["storage"]));
    }
    for (name, quantity) in entries(spec, &["capacity"]) {
        let field = format!("{field}[{name}]");
        causes.extend(resources::amount_causes(&field, quantity));
        if Quantity::from_value(quantity).is_ok() {
            causes.extend(resources::positive_causes(&field, quantity));
        }
    }
    causes
}

fn affinity_causes(affinity: &Value) -> Vec<Cause> {
    let field = "spec.nodeAffinity.required";
    match get(affinity, &["required"]) {
        Some(required) => node_selector::causes(field, required),
        None => vec![Cause::required(field, "must specify required node constraints")],
    }
}

fn class_causes(spec: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let name = text(spec, &["storageClassName"]);
    if !name.is_empty() {
        causes.extend(rules::named("spec.storageClassName", name, names::dns_subdomain));
    }
    let mode = get(spec, &["volumeMode"]);
    causes.extend(rules::one_of("spec.volumeMode".to_owned(), mode, &VOLUME_MODES, false));
    let field = format!("spec.{CLASS}");
    match get(spec, &[CLASS]).and_then(Value::as_str) {
        None => return causes,
        Some("") => causes.push(Cause::required(field, "an empty string is disallowed")),
        Some(name) => causes.extend(rules::named(&field, name, names::dns_subdomain)),
    }
    if get(spec, &["csi"]).is_none() {
        let rule = "has to be specified when using volumeAttributesClassName";
        causes.push(Cause::required("spec.csi", rule));
    }
    causes
}

/// Once said, the nodes that reach a volume stay.
fn node_affinity_cause(new_spec: &Value, old_spec: &Value) -> Option<Cause> {
    let old = get(old_spec, &["nodeAffinity"])?;
    let new = or_null(new_spec, &["nodeAffinity"]);
    let rule = format!("{}, except for updating from beta label to GA", rules::IMMUTABLE);
    let shown = node_selector::internal_affinity(new);
    (!same(new, old)).then(|| rules::invalid_struct("nodeAffinity", &shown, &rule))
}

#[cfg(test)]
mod tests;
