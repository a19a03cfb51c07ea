//! The volumes of a pod: defaults and rules.
//!
//! Source: `SetDefaults_Volume` and `ValidateVolumes` (v1.36). Left out: whether claims
//! that are made for a pod have valid names.

mod iscsi;
pub(super) mod mount;
mod projected;
mod source;

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::quantity::Quantity;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{Fields, below, default, each, get, int, items, or_null};
use super::pod_template::pull_policy;
use super::rules::{named, one_of};
use super::{meta, persistent_volume_claim, resources};

/// rw-r--r--
const FILE_MODE: i64 = 0o644;
const HOUR_SECONDS: i64 = 3600;
/// The sources in the order in which upstream looks at them.
const SOURCES: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];
const HOST_PATH_TYPES: [&str; 7] = [
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
];

/// Fills in one volume. One without a source is an empty directory.
pub(super) fn apply_defaults(volume: &mut Fields) {
    let has_source = volume.iter().any(|(field, value)| field != "name" && !value.is_null());
    if !has_source {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for source in ["configMap", "downwardAPI", "projected", "secret"] {
        if let Some(source) = below(volume, source) {
            default(source, "defaultMode", FILE_MODE);
        }
    }
    if let Some(source) = below(volume, "hostPath").filter(|source| !source.contains_key("type")) {
        source.insert("type".to_owned(), json!(""));
    }
    if let Some(source) = below(volume, "emptyDir") {
        resources::canonicalize_quantity(source, "sizeLimit");
    }
    if let Some(source) = below(volume, "image") {
        let reference = source.get("reference").and_then(Value::as_str).unwrap_or_default();
        let policy = pull_policy(reference);
        default(source, "pullPolicy", policy);
    }
    if let Some(source) = below(volume, "downwardAPI") {
        each(source, "items", file_defaults);
    }
    if let Some(source) = below(volume, "projected") {
        each(source, "sources", projection_defaults);
    }
}

/// What the volumes of a pod break, and the names of those that break nothing.
pub(super) fn validate(
    path: &str,
    volumes: &[Value],
    is_pod: bool,
) -> (Vec<Cause>, BTreeSet<String>) {
    let mut causes = vec![];
    let mut valid = BTreeSet::new();
    for (index, volume) in volumes.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let name = text(volume, &["name"]);
        let mut broken = source_causes(&path, volume, is_pod);
        let field = format!("{path}.name");
        match name {
            "" => broken.push(Cause::required(field.as_str(), "")),
            name => broken.extend(named(&field, name, names::dns_label)),
        }
        if valid.contains(name) {
            broken.push(Cause::duplicate(field, &json!(name)));
        }
        if broken.is_empty() {
            valid.insert(name.to_owned());
        }
        causes.extend(broken);
    }
    (causes, valid)
}

fn projection_defaults(source: &mut Fields) {
    if let Some(token) = below(source, "serviceAccountToken") {
        default(token, "expirationSeconds", HOUR_SECONDS);
    }
    if let Some(files) = below(source, "downwardAPI") {
        each(files, "items", file_defaults);
    }
}

fn file_defaults(file: &mut Fields) {
    if let Some(reference) = below(file, "fieldRef") {
        default(reference, "apiVersion", "v1");
    }
}

fn source_causes(path: &str, volume: &Value, is_pod: bool) -> Vec<Cause> {
    let mut given = SOURCES.iter().filter_map(|kind| Some((*kind, get(volume, &[kind])?)));
    let Some((kind, source)) = given.next() else {
        return vec![Cause::required(path, "must specify a volume type")];
    };
    let shown = if kind == "gcePersistentDisk" { "persistentDisk" } else { kind };
    let mut causes = one_source_causes(&format!("{path}.{shown}"), kind, source, is_pod);
    causes.extend(iscsi::length_cause(path, volume));
    let rule = "may not specify more than 1 volume type";
    for (other, _) in given {
        // Upstream writes these two in its own way.
        let shown = match other {
            "cephfs" => "cephFS",
            "downwardAPI" => "downwarAPI",
            other => other,
        };
        causes.push(Cause::forbidden(format!("{path}.{shown}"), rule));
    }
    causes
}

fn one_source_causes(path: &str, kind: &str, source: &Value, is_pod: bool) -> Vec<Cause> {
    let required = |field: &str| {
        let missing = text(source, &[field]).is_empty();
        missing.then(|| Cause::required(format!("{path}.{field}"), ""))
    };
    match kind {
        "hostPath" => host_path_causes(path, source),
        "secret" => required("secretName").into_iter().chain(file_causes(path, source)).collect(),
        "configMap" => required("name").into_iter().chain(file_causes(path, source)).collect(),
        "downwardAPI" => projected::downward_causes(path, source),
        "projected" => projected::causes(path, source),
        "ephemeral" => match get(source, &["volumeClaimTemplate"]) {
            Some(template) => claim_causes(&format!("{path}.volumeClaimTemplate"), template),
            None => vec![Cause::required(format!("{path}.volumeClaimTemplate"), "")],
        },
        "emptyDir" => match get(source, &["sizeLimit"]) {
            Some(limit) => size_limit_causes(&format!("{path}.sizeLimit"), limit),
            None => vec![],
        },
        kind => source::causes(path, kind, source, is_pod),
    }
}

fn size_limit_causes(field: &str, limit: &Value) -> Vec<Cause> {
    let rule = "SizeLimit field must be a valid resource quantity";
    match Quantity::from_value(limit) {
        Err(error) => vec![Cause::invalid(field, limit, &error.to_string())],
        Ok(limit) if limit.is_negative() => vec![Cause::forbidden(field, rule)],
        Ok(_) => vec![],
    }
}

fn claim_causes(path: &str, template: &Value) -> Vec<Cause> {
    let mut causes =
        meta::template_causes(&format!("{path}.metadata"), or_null(template, &["metadata"]));
    causes.extend(persistent_volume_claim::spec_causes(
        &format!("{path}.spec"),
        or_null(template, &["spec"]),
    ));
    causes
}

/// What a path on the node breaks.
pub(super) fn host_path_causes(path: &str, source: &Value) -> Vec<Cause> {
    if text(source, &["path"]).is_empty() {
        return vec![Cause::required(format!("{path}.path"), "")];
    }
    let mut causes: Vec<Cause> =
        no_backsteps(&format!("{path}.path"), text(source, &["path"])).into_iter().collect();
    let kind = get(source, &["type"]);
    causes.extend(one_of(format!("{path}.type"), kind, &HOST_PATH_TYPES, false));
    causes
}

fn file_causes(path: &str, source: &Value) -> Vec<Cause> {
    let mut causes: Vec<Cause> =
        mode_cause(format!("{path}.defaultMode"), source, "defaultMode").into_iter().collect();
    for (index, item) in items(source, &["items"]).iter().enumerate() {
        causes.extend(key_to_path_causes(&format!("{path}.items[{index}]"), item));
    }
    causes
}

/// What a key as a file breaks.
fn key_to_path_causes(path: &str, item: &Value) -> Vec<Cause> {
    let empty = ["key", "path"].into_iter().filter(|field| text(item, &[*field]).is_empty());
    let mut causes: Vec<Cause> =
        empty.map(|field| Cause::required(format!("{path}.{field}"), "")).collect();
    causes.extend(non_reserved(&format!("{path}.path"), text(item, &["path"])));
    causes.extend(mode_cause(format!("{path}.mode"), item, "mode"));
    causes
}

fn mode_cause(field: String, holder: &Value, name: &str) -> Option<Cause> {
    let rule = "must be a number between 0 and 0777 (octal), both inclusive";
    let mode = int(holder, &[name]).filter(|mode| !(0..=0o777).contains(mode))?;
    Some(Cause::invalid(field, &json!(mode), rule))
}

/// A relative path that stays below where it starts.
pub(super) fn descending(field: &str, path: &str) -> Vec<Cause> {
    let absolute = path.starts_with('/');
    let absolute = absolute.then(|| Cause::invalid(field, &json!(path), "must be a relative path"));
    absolute.into_iter().chain(no_backsteps(field, path)).collect()
}

/// A relative path that stays below where it starts, and whose name kubelets do not use themselves.
fn non_reserved(field: &str, path: &str) -> Vec<Cause> {
    let mut causes = descending(field, path);
    if path.starts_with("..") && !path.starts_with("../") {
        causes.push(Cause::invalid(field, &json!(path), "must not start with '..'"));
    }
    causes
}

/// A path that goes up nowhere.
pub(super) fn no_backsteps(field: &str, path: &str) -> Option<Cause> {
    let steps_back = path.split('/').any(|step| step == "..");
    steps_back.then(|| Cause::invalid(field, &json!(path), "must not contain '..'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_filled_in() {
        let table = [
            (json!({"name": "v"}), json!({"name": "v", "emptyDir": {}})),
            (
                json!({"name": "v", "secret": {"secretName": "s"}}),
                json!({"name": "v", "secret": {"secretName": "s", "defaultMode": 420}}),
            ),
            (
                json!({"name": "v", "hostPath": {"path": "/a"}}),
                json!({"name": "v", "hostPath": {"path": "/a", "type": ""}}),
            ),
            (
                json!({"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}),
                json!({"name": "v", "projected": {"defaultMode": 420, "sources": [
                    {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
                ]}}),
            ),
        ];
        for (mut volume, expected) in table {
            apply_defaults(volume.as_object_mut().unwrap());
            assert_eq!(volume, expected);
        }
    }

    #[test]
    fn volumes_say_what_they_break() {
        let volumes = [
            json!({"name": "a", "emptyDir": {}}),
            json!({"name": "a", "emptyDir": {}}),
            json!({"name": "", "emptyDir": {}}),
            json!({"name": "b", "configMap": {}}),
            json!({"name": "c", "emptyDir": {}, "hostPath": {"path": "/"}}),
            json!({"name": "s", "emptyDir": {"sizeLimit": "-1"}}),
            json!({"name": "g", "gcePersistentDisk": {"pdName": "g"}, "cephfs": {"monitors": ["m"]}}),
            json!({"name": "n"}),
            json!({"name": "d", "hostPath": {"path": "/../a", "type": "Door"}}),
            json!({"name": "e", "ephemeral": {}}),
            json!({"name": "f", "ephemeral": {"volumeClaimTemplate": {"metadata": {"name": "x"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {}}}}}),
        ];

        let (causes, valid) = validate("v", &volumes, true);

        let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            [
                "v[1].name: Duplicate value: \"a\"",
                "v[2].name: Required value",
                "v[3].configMap.name: Required value",
                "v[4].hostPath: Forbidden: may not specify more than 1 volume type",
                "v[5].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
                "v[6].cephFS: Forbidden: may not specify more than 1 volume type",
                "v[7]: Required value: must specify a volume type",
                "v[8].hostPath.path: Invalid value: \"/../a\": must not contain '..'",
                "v[8].hostPath.type: Unsupported value: \"Door\": supported values: \"BlockDevice\", \"CharDevice\", \"Directory\", \"DirectoryOrCreate\", \"File\", \"FileOrCreate\", \"Socket\"",
                "v[9].ephemeral.volumeClaimTemplate: Required value",
                "v[10].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set",
                "v[10].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value",
            ]
        );
        assert_eq!(valid, BTreeSet::from(["a".to_owned()]));
    }
}
