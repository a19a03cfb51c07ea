//! What the sources of volumes hold, storage systems among them.
//!
//! Source: `validateVolumeSource` and what it calls (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::{descending, iscsi};
use crate::strategy::fields::{entries, get, int, items};
use crate::strategy::rules::{in_range, named, one_of};
use crate::strategy::storage;

/// What must be there: a text that is not empty, or a list.
const REQUIRED: [(&str, &[&str]); 18] = [
    ("gitRepo", &["repository"]),
    ("gcePersistentDisk", &["pdName"]),
    ("awsElasticBlockStore", &["volumeID"]),
    ("nfs", &["server", "path"]),
    ("glusterfs", &["endpoints", "path"]),
    ("persistentVolumeClaim", &["claimName"]),
    ("rbd", &["monitors", "image"]),
    ("cinder", &["volumeID"]),
    ("cephfs", &["monitors"]),
    ("flexVolume", &["driver"]),
    ("azureFile", &["secretName", "shareName"]),
    ("azureDisk", &["diskName", "diskURI"]),
    ("vsphereVolume", &["volumePath"]),
    ("photonPersistentDisk", &["pdID"]),
    ("portworxVolume", &["volumeID"]),
    ("scaleIO", &["gateway", "system", "volumeName"]),
    ("storageos", &["volumeName"]),
    ("iscsi", &["targetPortal"]),
];
const CACHING_MODES: [&str; 3] = ["None", "ReadOnly", "ReadWrite"];
const DISK_KINDS: [&str; 3] = ["Dedicated", "Managed", "Shared"];
const PULL_POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];
const HOST_AND_PORT: &str = "must be a host:port pair or multiple pairs separated by commas";

/// What the source of a volume breaks. An image may be left to those who make pods of a template.
pub(super) fn causes(path: &str, kind: &str, source: &Value, is_pod: bool) -> Vec<Cause> {
    let mut causes = required_causes(path, kind, source);
    causes.extend(match kind {
        "gitRepo" => descending(&format!("{path}.directory"), text(source, &["directory"])),
        "gcePersistentDisk" | "awsElasticBlockStore" => partition_cause(path, source),
        "nfs" => absolute_cause(format!("{path}.path"), text(source, &["path"])),
        "iscsi" => iscsi::causes(path, source),
        "flocker" => flocker_causes(path, source),
        "cinder" => secret_name_cause(path, source, "secretRef").into_iter().collect(),
        "quobyte" => quobyte_causes(path, source),
        "fc" => fibre_channel_causes(path, source),
        "flexVolume" => option_causes(path, source),
        "azureDisk" => azure_disk_causes(path, source),
        "storageos" => storage_os_causes(path, source),
        "csi" => csi_causes(path, source),
        "image" => image_causes(path, source, is_pod),
        _ => vec![],
    });
    causes
}

fn required_causes(path: &str, kind: &str, source: &Value) -> Vec<Cause> {
    let fields = REQUIRED.iter().find(|(of, _)| *of == kind).map_or(&[][..], |(_, fields)| fields);
    let is_missing =
        |field: &str| text(source, &[field]).is_empty() && items(source, &[field]).is_empty();
    let missing = fields.iter().filter(|field| is_missing(field));
    missing.map(|field| Cause::required(format!("{path}.{field}"), "")).collect()
}

/// 0 is no partition, though upstream says otherwise.
fn partition_cause(path: &str, source: &Value) -> Vec<Cause> {
    let partition = int(source, &["partition"]).filter(|partition| *partition != 0);
    let cause = partition.and_then(|number| in_range(format!("{path}.partition"), number, 1, 255));
    cause.into_iter().collect()
}

fn absolute_cause(field: String, path: &str) -> Vec<Cause> {
    let rule = "must be an absolute path";
    match path.starts_with('/') {
        true => vec![],
        false => vec![Cause::invalid(field, &json!(path), rule)],
    }
}

fn secret_name_cause(path: &str, source: &Value, reference: &str) -> Option<Cause> {
    let is_unnamed = text(get(source, &[reference])?, &["name"]).is_empty();
    is_unnamed.then(|| Cause::required(format!("{path}.{reference}.name"), ""))
}

fn flocker_causes(path: &str, source: &Value) -> Vec<Cause> {
    let (name, uuid) = (text(source, &["datasetName"]), text(source, &["datasetUUID"]));
    let mut causes = vec![];
    match (name.is_empty(), uuid.is_empty()) {
        (true, true) => {
            let rule = "one of datasetName and datasetUUID is required";
            causes.push(Cause::required(path, rule));
        }
        (false, false) => {
            let rule = "datasetName and datasetUUID can not be specified simultaneously";
            causes.push(Cause::invalid(path, &json!("resource"), rule));
        }
        (true, false) | (false, true) => {}
    }
    if name.contains('/') {
        let field = format!("{path}.datasetName");
        causes.push(Cause::invalid(field, &json!(name), "must not contain '/'"));
    }
    causes
}

fn quobyte_causes(path: &str, source: &Value) -> Vec<Cause> {
    let registry = text(source, &["registry"]);
    let field = format!("{path}.registry");
    let mut causes = vec![];
    if registry.is_empty() {
        causes.push(Cause::required(field, HOST_AND_PORT));
    } else if text(source, &["tenant"]).len() >= 65 {
        let rule = "must be a UUID and may not exceed a length of 64 characters";
        causes.push(Cause::required(format!("{path}.tenant"), rule));
    } else {
        let broken = registry.split(',').filter(|pair| !pair.contains(':'));
        causes.extend(broken.map(|_| Cause::invalid(&field, &json!(registry), HOST_AND_PORT)));
    }
    if text(source, &["volume"]).is_empty() {
        causes.push(Cause::required(format!("{path}.volume"), ""));
    }
    causes
}

fn fibre_channel_causes(path: &str, source: &Value) -> Vec<Cause> {
    let targets = items(source, &["targetWWNs"]);
    let has_ids = !items(source, &["wwids"]).is_empty();
    let field = format!("{path}.targetWWNs");
    let mut causes = vec![];
    if targets.is_empty() {
        let rule = "must specify either targetWWNs or wwids, but not both";
        causes.extend((!has_ids).then(|| Cause::required(field, rule)));
        return causes;
    }
    if has_ids {
        let rule = "targetWWNs and wwids can not be specified simultaneously";
        causes.push(Cause::invalid(field, &json!(targets), rule));
    }
    let field = format!("{path}.lun");
    causes.extend(match int(source, &["lun"]) {
        None => Some(Cause::required(field, "lun is required if targetWWNs is specified")),
        Some(number) => in_range(field, number, 0, 255),
    });
    causes
}

fn option_causes(path: &str, source: &Value) -> Vec<Cause> {
    let is_reserved = |key: &str| {
        let namespace = key.split_once('/').map_or(key, |(namespace, _)| namespace);
        let namespace = format!(".{}", namespace.to_lowercase());
        namespace.ends_with(".kubernetes.io") || namespace.ends_with(".k8s.io")
    };
    let rule = "kubernetes.io and k8s.io namespaces are reserved";
    let reserved = entries(source, &["options"]).map(|(key, _)| key).filter(|key| is_reserved(key));
    let cause = |key| Cause::invalid(format!("{path}.options[{key}]"), &json!(key), rule);
    reserved.map(cause).collect()
}

fn azure_disk_causes(path: &str, source: &Value) -> Vec<Cause> {
    let mode = get(source, &["cachingMode"]);
    let mode = one_of(format!("{path}.cachingMode"), mode, &CACHING_MODES, false);
    let mut causes: Vec<Cause> = mode.into_iter().collect();
    let Some(kind) = get(source, &["kind"]) else {
        return causes;
    };
    causes.extend(one_of(format!("{path}.kind"), Some(kind), &DISK_KINDS, false));
    let (begin, supported) = match kind == "Managed" {
        true => (
            "/subscriptions/",
            "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
        ),
        false => (
            "https://",
            "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd",
        ),
    };
    let uri = text(source, &["diskURI"]);
    if !uri.starts_with(begin) {
        let field = format!("{path}.diskURI");
        causes.push(Cause::not_supported(field, &json!(uri), &[supported]));
    }
    causes
}

fn storage_os_causes(path: &str, source: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    for field in ["volumeName", "volumeNamespace"] {
        let name = text(source, &[field]);
        if !name.is_empty() {
            causes.extend(named(&format!("{path}.{field}"), name, names::dns_label));
        }
    }
    causes.extend(secret_name_cause(path, source, "secretRef"));
    causes
}

fn csi_causes(path: &str, source: &Value) -> Vec<Cause> {
    let driver = text(source, &["driver"]);
    let mut causes = storage::driver_name_causes(&format!("{path}.driver"), driver);
    let secret = "nodePublishSecretRef";
    causes.extend(secret_name_cause(path, source, secret));
    let name = text(source, &[secret, "name"]);
    if !name.is_empty() {
        // Upstream leaves out that it is the name of a secret.
        causes.extend(named(&format!("{path}.name"), name, names::dns_subdomain));
    }
    causes
}

fn image_causes(path: &str, source: &Value, is_pod: bool) -> Vec<Cause> {
    let mut causes = vec![];
    if is_pod && text(source, &["reference"]).is_empty() {
        causes.push(Cause::required(format!("{path}.reference"), ""));
    }
    let policy = get(source, &["pullPolicy"]);
    causes.extend(one_of(format!("{path}.pullPolicy"), policy, &PULL_POLICIES, true));
    causes
}

#[cfg(test)]
mod tests;
