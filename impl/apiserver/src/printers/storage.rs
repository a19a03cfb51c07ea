//! The rows of volumes, claims, and the kinds of `storage.k8s.io`.

use api::Timestamp;
use api::object::{at, text};
use serde_json::{Value, json};

use super::{age, items, joined, or_else};

const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
const ACCESS_MODES: [(&str, &str); 4] = [
    ("ReadWriteOnce", "RWO"),
    ("ReadOnlyMany", "ROX"),
    ("ReadWriteMany", "RWX"),
    ("ReadWriteOncePod", "RWOP"),
];
const DEFAULT_ANNOTATIONS: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

/// The cells of a PersistentVolume.
pub(super) fn persistent_volume(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = |field: &str| text(object, &["spec", field]);
    let claim = match at(object, &["spec", "claimRef"]).filter(|claim| !claim.is_null()) {
        Some(claim) => format!("{}/{}", text(claim, &["namespace"]), text(claim, &["name"])),
        None => String::new(),
    };
    vec![
        json!(name(object)),
        json!(or_else(text(object, &["spec", "capacity", "storage"]), "0")),
        json!(access_modes(items(object, &["spec", "accessModes"]))),
        json!(spec("persistentVolumeReclaimPolicy")),
        json!(phase(object)),
        json!(claim),
        json!(storage_class_of(object)),
        json!(or_else(spec("volumeAttributesClassName"), "<unset>")),
        json!(text(object, &["status", "reason"])),
        json!(age(object, now)),
        json!(or_else(spec("volumeMode"), "<unset>")),
    ]
}

/// The cells of a PersistentVolumeClaim.
pub(super) fn persistent_volume_claim(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = |field: &str| text(object, &["spec", field]);
    let (capacity, modes) = match spec("volumeName") {
        "" => (String::new(), String::new()),
        _ => (
            or_else(text(object, &["status", "capacity", "storage"]), "0"),
            access_modes(items(object, &["status", "accessModes"])),
        ),
    };
    vec![
        json!(name(object)),
        json!(phase(object)),
        json!(spec("volumeName")),
        json!(capacity),
        json!(modes),
        json!(storage_class_of(object)),
        json!(or_else(spec("volumeAttributesClassName"), "<unset>")),
        json!(age(object, now)),
        json!(or_else(spec("volumeMode"), "<unset>")),
    ]
}

/// The cells of a StorageClass.
pub(super) fn storage_class(object: &Value, now: Timestamp) -> Vec<Value> {
    let is_true = |key: &&str| text(object, &["metadata", "annotations", *key]) == "true";
    let suffix = if DEFAULT_ANNOTATIONS.iter().any(is_true) { " (default)" } else { "" };
    vec![
        json!(format!("{}{suffix}", name(object))),
        json!(text(object, &["provisioner"])),
        json!(or_else(text(object, &["reclaimPolicy"]), "Delete")),
        json!(or_else(text(object, &["volumeBindingMode"]), "Immediate")),
        json!(flag(object, &["allowVolumeExpansion"])),
        json!(age(object, now)),
    ]
}

/// The cells of a VolumeAttributesClass.
pub(super) fn volume_attributes_class(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![json!(name(object)), json!(text(object, &["driverName"])), json!(age(object, now))]
}

/// The cells of a VolumeAttachment.
pub(super) fn volume_attachment(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        json!(name(object)),
        json!(text(object, &["spec", "attacher"])),
        json!(text(object, &["spec", "source", "persistentVolumeName"])),
        json!(text(object, &["spec", "nodeName"])),
        json!(flag(object, &["status", "attached"])),
        json!(age(object, now)),
    ]
}

/// The cells of a CSINode.
pub(super) fn csi_node(object: &Value, now: Timestamp) -> Vec<Value> {
    let drivers = items(object, &["spec", "drivers"]).len();
    vec![json!(name(object)), json!(drivers), json!(age(object, now))]
}

/// The cells of a CSIDriver.
pub(super) fn csi_driver(object: &Value, now: Timestamp) -> Vec<Value> {
    let attach = at(object, &["spec", "attachRequired"]).and_then(Value::as_bool).unwrap_or(true);
    let tokens = match at(object, &["spec", "tokenRequests"]).and_then(Value::as_array) {
        Some(requests) => joined(requests.iter().map(|request| text(request, &["audience"]))),
        None => "<unset>".to_owned(),
    };
    let modes = items(object, &["spec", "volumeLifecycleModes"]).iter();
    vec![
        json!(name(object)),
        json!(attach),
        json!(flag(object, &["spec", "podInfoOnMount"])),
        json!(flag(object, &["spec", "storageCapacity"])),
        json!(tokens),
        json!(flag(object, &["spec", "requiresRepublish"])),
        json!(super::or_none(&joined(modes.filter_map(Value::as_str)))),
        json!(age(object, now)),
    ]
}

fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

fn flag(object: &Value, path: &[&str]) -> bool {
    at(object, path).and_then(Value::as_bool).unwrap_or(false)
}

fn phase(object: &Value) -> &str {
    match text(object, &["metadata", "deletionTimestamp"]) {
        "" => text(object, &["status", "phase"]),
        _ => "Terminating",
    }
}

fn storage_class_of(object: &Value) -> &str {
    let annotation = at(object, &["metadata", "annotations", CLASS_ANNOTATION]);
    let annotation = annotation.and_then(Value::as_str);
    annotation.unwrap_or_else(|| text(object, &["spec", "storageClassName"]))
}

fn access_modes(modes: &[Value]) -> String {
    let given = ACCESS_MODES.into_iter().filter(|(mode, _)| modes.iter().any(|one| one == mode));
    joined(given.map(|(_, short)| short))
}

#[cfg(test)]
mod tests;
