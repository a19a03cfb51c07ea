//! Where the data of a volume is.
//!
//! Source: `ValidatePersistentVolumeSpec` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{Fields, below, default, get, or_null, same};
use super::super::{rules, storage, volume};

/// The field of each kind of source, in the order in which upstream looks at them.
const SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];
/// Sources that know no mount options.
const WITHOUT_MOUNT_OPTIONS: [&str; 9] = [
    "hostPath",
    "flocker",
    "fc",
    "flexVolume",
    "portworxVolume",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];
const TEXT_DEFAULTS: [(&str, &str, &str); 9] = [
    ("rbd", "pool", "rbd"),
    ("rbd", "user", "admin"),
    ("rbd", "keyring", "/etc/ceph/keyring"),
    ("iscsi", "iscsiInterface", "default"),
    ("azureDisk", "cachingMode", "ReadWrite"),
    ("azureDisk", "fsType", "ext4"),
    ("azureDisk", "kind", "Shared"),
    ("scaleIO", "storageMode", "ThinProvisioned"),
    ("scaleIO", "fsType", "xfs"),
];
const MOUNT_OPTIONS: &str = "volume.beta.kubernetes.io/mount-options";
const CONTROLLER_EXPAND: &str = "controllerExpandSecretRef";
const CSI_SECRETS: [&str; 4] = [
    "controllerPublishSecretRef",
    CONTROLLER_EXPAND,
    "nodePublishSecretRef",
    "nodeExpandSecretRef",
];

/// Fills in what its author left out.
pub(super) fn apply_defaults(spec: &mut Fields) {
    if let Some(host_path) = below(spec, "hostPath") {
        host_path.entry("type").or_insert(json!(""));
    }
    if let Some(azure_disk) = below(spec, "azureDisk") {
        default(azure_disk, "readOnly", false);
    }
    for (kind, field, value) in TEXT_DEFAULTS {
        if let Some(source) = below(spec, kind) {
            default(source, field, value);
        }
    }
}

/// What the source of a volume breaks: there is one.
pub(super) fn causes(path: &str, spec: &Value) -> Vec<Cause> {
    let mut given = SOURCES.into_iter().filter(|kind| get(spec, &[*kind]).is_some());
    let Some(kind) = given.next() else {
        return vec![Cause::required(path, "must specify a volume type")];
    };
    let mut causes = one_causes(&format!("{path}.{kind}"), kind, &spec[kind]);
    if kind == "local" && get(spec, &["nodeAffinity"]).is_none() {
        let rule = "Local volume requires node affinity";
        causes.push(Cause::required(format!("{path}.nodeAffinity"), rule));
    }
    let rule = "may not specify more than 1 volume type";
    causes.extend(given.map(|other| Cause::forbidden(format!("{path}.{other}"), rule)));
    causes.extend(recycle_cause(path, spec));
    causes
}

/// Whether both volumes are at the same place. A secret for expansion may be added.
pub(super) fn is_same(new: &Value, old: &Value) -> bool {
    let mut new = new.clone();
    let is_set = |spec| get(spec, &["csi", CONTROLLER_EXPAND]).is_some();
    if get(old, &["csi"]).is_some() && !is_set(old) && is_set(&new) {
        new["csi"][CONTROLLER_EXPAND] = Value::Null;
    }
    SOURCES.iter().all(|kind| same(or_null(&new, &[*kind]), or_null(old, &[*kind])))
}

/// The annotation with mount options is only for sources that are mounted with any.
pub(super) fn mount_option_cause(volume: &Value) -> Option<Cause> {
    get(volume, &["metadata", "annotations", MOUNT_OPTIONS])?;
    let is_given = |kind: &&str| get(volume, &["spec", *kind]).is_some();
    let takes_options = |kind: &&str| is_given(kind) && !WITHOUT_MOUNT_OPTIONS.contains(kind);
    let rule = "may not specify mount options for this volume type";
    (!SOURCES.iter().any(takes_options))
        .then(|| Cause::forbidden(format!("metadata.annotations.{MOUNT_OPTIONS}"), rule))
}

fn one_causes(path: &str, kind: &str, source: &Value) -> Vec<Cause> {
    match kind {
        "hostPath" => volume::host_path_causes(path, source),
        "local" => local_causes(path, source),
        "nfs" => nfs_causes(path, source),
        "csi" => csi_causes(path, source),
        _ => vec![],
    }
}

fn required(path: &str, source: &Value, field: &str) -> Option<Cause> {
    let missing = text(source, &[field]).is_empty();
    missing.then(|| Cause::required(format!("{path}.{field}"), ""))
}

fn local_causes(path: &str, source: &Value) -> Vec<Cause> {
    let back = || volume::no_backsteps(&format!("{path}.path"), text(source, &["path"]));
    required(path, source, "path").or_else(back).into_iter().collect()
}

fn nfs_causes(path: &str, source: &Value) -> Vec<Cause> {
    let mut causes: Vec<Cause> =
        ["server", "path"].iter().filter_map(|field| required(path, source, field)).collect();
    let place = text(source, &["path"]);
    if !place.starts_with('/') {
        let rule = "must be an absolute path";
        causes.push(Cause::invalid(format!("{path}.path"), &json!(place), rule));
    }
    causes
}

fn csi_causes(path: &str, source: &Value) -> Vec<Cause> {
    let driver = text(source, &["driver"]);
    let mut causes = storage::driver_name_causes(&format!("{path}.driver"), driver);
    causes.extend(required(path, source, "volumeHandle"));
    for field in CSI_SECRETS {
        if let Some(secret) = get(source, &[field]) {
            let path = format!("{path}.{field}");
            causes.extend(part_causes(&path, secret, "name", names::dns_subdomain));
            causes.extend(part_causes(&path, secret, "namespace", names::dns_label));
        }
    }
    causes
}

fn part_causes(path: &str, of: &Value, field: &str, rule: rules::NameRule) -> Vec<Cause> {
    match text(of, &[field]) {
        "" => vec![Cause::required(format!("{path}.{field}"), "")],
        part => rules::named(&format!("{path}.{field}"), part, rule),
    }
}

/// The root of a node is not emptied for the next claim.
fn recycle_cause(path: &str, spec: &Value) -> Option<Cause> {
    let host_path = text(spec, &["hostPath", "path"]);
    let is_root =
        !host_path.is_empty() && host_path.split('/').all(|step| matches!(step, "" | "."));
    let recycles = text(spec, &["persistentVolumeReclaimPolicy"]) == "Recycle";
    let rule = "may not be 'recycle' for a hostPath mount of '/'";
    (is_root && recycles)
        .then(|| Cause::forbidden(format!("{path}.persistentVolumeReclaimPolicy"), rule))
}
