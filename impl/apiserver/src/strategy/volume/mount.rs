//! Where the volumes of a pod are in a container: mounted, or as devices.
//!
//! Source: `ValidateVolumeMounts`, `validateMountPropagation`, `validateMountRecursiveReadOnly` and
//! `ValidateVolumeDevices` (v1.36).

use std::collections::BTreeSet;

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::{descending, no_backsteps};
use crate::strategy::container::Surroundings;
use crate::strategy::fields::{flag, get, items};
use crate::strategy::rules::not_found;

const PROPAGATIONS: [&str; 3] = ["Bidirectional", "HostToContainer", "None"];
const RECURSIVE: [&str; 3] = ["Disabled", "Enabled", "IfPossible"];
const UNIQUE: &str = "must be unique";

/// What the mounts of a container break. Upstream names the list where a path or a mode is broken.
pub(in crate::strategy) fn causes(list: &str, container: &Value, pod: Surroundings) -> Vec<Cause> {
    let devices = items(container, &["volumeDevices"]);
    let mut causes = vec![];
    let mut mount_paths = BTreeSet::new();
    for (index, mount) in items(container, &["volumeMounts"]).iter().enumerate() {
        let path = format!("{list}[{index}]");
        let (name, mount_path) = (text(mount, &["name"]), text(mount, &["mountPath"]));
        causes.extend(name_causes(&path, name, pod));
        let field = format!("{path}.mountPath");
        let invalid = |rule| Cause::invalid(field.as_str(), &json!(mount_path), rule);
        if mount_path.is_empty() {
            causes.push(Cause::required(field.as_str(), ""));
        }
        if !mount_paths.insert(mount_path) {
            causes.push(invalid(UNIQUE));
        }
        if has(devices, "name", name) {
            let rule = "must not already exist in volumeDevices";
            causes.push(Cause::invalid(format!("{path}.name"), &json!(name), rule));
        }
        if has(devices, "devicePath", mount_path) {
            causes.push(invalid("must not already exist as a path in volumeDevices"));
        }
        causes.extend(sub_path_causes(list, &path, mount));
        causes.extend(propagation_causes(&format!("{list}.mountPropagation"), mount, container));
        causes.extend(recursive_causes(&format!("{list}.recursiveReadOnly"), mount));
    }
    causes
}

/// What the devices of a container break: they are volumes of claims.
pub(in crate::strategy) fn device_causes(
    list: &str,
    container: &Value,
    pod: Surroundings,
) -> Vec<Cause> {
    let mounts = items(container, &["volumeMounts"]);
    let mut causes = vec![];
    let (mut names, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for (index, device) in items(container, &["volumeDevices"]).iter().enumerate() {
        let path = format!("{list}[{index}]");
        let (name, device_path) = (text(device, &["name"]), text(device, &["devicePath"]));
        let field = format!("{path}.name");
        let invalid = |rule| Cause::invalid(field.as_str(), &json!(name), rule);
        if !name.is_empty() && !names.insert(name) {
            causes.push(invalid(UNIQUE));
        }
        if pod.volumes.contains(name) && !is_of_claim(pod.draft.spec, name) {
            causes.push(invalid(
                "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
            ));
        }
        causes.extend(name_causes(&path, name, pod));
        causes.extend(device_path_causes(&path, device_path, &mut paths));
        if has(mounts, "name", name) {
            causes.push(invalid("must not already exist in volumeMounts"));
        }
        if has(mounts, "mountPath", device_path) {
            let rule = "must not already exist as a path in volumeMounts";
            let field = format!("{path}.devicePath");
            causes.push(Cause::invalid(field, &json!(device_path), rule));
        }
    }
    causes
}

fn name_causes(path: &str, name: &str, pod: Surroundings) -> Vec<Cause> {
    let field = format!("{path}.name");
    let mut causes = vec![];
    if name.is_empty() {
        causes.push(Cause::required(field.as_str(), ""));
    }
    if !pod.volumes.contains(name) {
        causes.push(not_found(field, name));
    }
    causes
}

fn has(list: &[Value], field: &str, value: &str) -> bool {
    list.iter().any(|item| text(item, &[field]) == value)
}

fn is_of_claim(spec: &Value, name: &str) -> bool {
    let volumes = items(spec, &["volumes"]).iter();
    let mut named = volumes.filter(|volume| text(volume, &["name"]) == name);
    named.any(|volume| {
        ["persistentVolumeClaim", "ephemeral"].iter().any(|kind| get(volume, &[kind]).is_some())
    })
}

fn sub_path_causes(list: &str, path: &str, mount: &Value) -> Vec<Cause> {
    let (sub_path, expression) = (text(mount, &["subPath"]), text(mount, &["subPathExpr"]));
    let mut causes = descending(&format!("{list}.subPath"), sub_path);
    if !expression.is_empty() && !sub_path.is_empty() {
        let rule = "subPathExpr and subPath are mutually exclusive";
        causes.push(Cause::invalid(format!("{path}.subPathExpr"), &json!(expression), rule));
    }
    causes.extend(descending(&format!("{list}.subPathExpr"), expression));
    causes
}

/// What is mounted later may be seen on the other side; only the privileged give to their host.
fn propagation_causes(field: &str, mount: &Value, container: &Value) -> Vec<Cause> {
    let Some(propagation) = get(mount, &["mountPropagation"]) else {
        return vec![];
    };
    let is_privileged = flag(container, &["securityContext", "privileged"]);
    match text(propagation, &[]) {
        "Bidirectional" if !is_privileged => {
            let rule = "Bidirectional mount propagation is available only to privileged containers";
            vec![Cause::forbidden(field, rule)]
        }
        known if PROPAGATIONS.contains(&known) => vec![],
        _ => vec![Cause::not_supported(field, propagation, &PROPAGATIONS)],
    }
}

/// Whether what is mounted below is read-only too.
fn recursive_causes(field: &str, mount: &Value) -> Vec<Cause> {
    let Some(recursive) = get(mount, &["recursiveReadOnly"]) else {
        return vec![];
    };
    match text(recursive, &[]) {
        "Disabled" => vec![],
        "Enabled" | "IfPossible" => {
            let propagates = !matches!(text(mount, &["mountPropagation"]), "" | "None");
            let rules = [
                (!flag(mount, &["readOnly"]), "may only be specified when readOnly is true"),
                (
                    propagates,
                    "may only be specified when mountPropagation is None or not specified",
                ),
            ];
            let broken = rules.into_iter().filter(|(is_broken, _)| *is_broken);
            broken.map(|(_, rule)| Cause::forbidden(field, rule)).collect()
        }
        _ => vec![Cause::not_supported(field, recursive, &RECURSIVE)],
    }
}

fn device_path_causes<'a>(
    path: &str,
    device_path: &'a str,
    seen: &mut BTreeSet<&'a str>,
) -> Vec<Cause> {
    let field = format!("{path}.devicePath");
    let invalid = |rule| Cause::invalid(field.as_str(), &json!(device_path), rule);
    let mut causes = vec![];
    if device_path.is_empty() {
        causes.push(Cause::required(field.as_str(), ""));
    }
    if seen.contains(device_path) {
        causes.push(invalid(UNIQUE));
    }
    if no_backsteps("", device_path).is_some() {
        causes.push(invalid("can not contain backsteps ('..')"));
    } else {
        seen.insert(device_path);
    }
    causes
}

#[cfg(test)]
mod tests;
