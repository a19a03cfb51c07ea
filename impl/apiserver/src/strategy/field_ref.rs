//! References to fields of a pod and to resources of its containers, by which variables and files get values.
//!
//! Source: `validateObjectFieldSelector`, `validateContainerResourceFieldSelector` and
//! `ConvertDownwardAPIFieldLabel` (v1.36).

use api::names;
use api::object::text;
use api::quantity::Quantity;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{get, or_null};
use super::rules::named;

/// Fields that a variable may have its value from.
pub(super) const OF_VARIABLES: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// Fields that a file may hold.
pub(super) const OF_FILES: [&str; 5] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
];
/// Fields that can be named, though not everywhere.
const KNOWN: [&str; 5] = [
    "metadata.annotations",
    "metadata.labels",
    "spec.restartPolicy",
    "spec.schedulerName",
    "status.phase",
];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
const HUGE_PAGES: [&str; 2] = ["limits.hugepages-", "requests.hugepages-"];
const BYTE_DIVISORS: &str = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";

/// What a reference to a field of the pod breaks, where only some fields can be had.
pub(super) fn field_causes(path: &str, reference: &Value, allowed: &[&str]) -> Vec<Cause> {
    let missing = ["apiVersion", "fieldPath"]
        .into_iter()
        .find(|field| text(reference, &[field]).is_empty())
        .map(|field| Cause::required(format!("{path}.{field}"), ""));
    if let Some(missing) = missing {
        return vec![missing];
    }
    let field = format!("{path}.fieldPath");
    let given = text(reference, &["fieldPath"]);
    let label = match checked_label(text(reference, &["apiVersion"]), given) {
        Ok(label) => label,
        Err(error) => {
            let rule = format!("error converting fieldPath: {error}");
            return vec![Cause::invalid(field, &json!(given), &rule)];
        }
    };
    match subscripted(label) {
        Some(("metadata.annotations", key)) => named(path, &key.to_lowercase(), names::label_key),
        Some((_, key)) => named(path, key, names::label_key),
        None if allowed.contains(&label) => vec![],
        None => vec![Cause::not_supported(field, &json!(label), allowed)],
    }
}

/// The field under its name of today.
fn checked_label<'a>(version: &str, label: &'a str) -> Result<&'a str, String> {
    if version != "v1" {
        return Err(format!("unsupported pod version: {version}"));
    }
    match subscripted(label) {
        Some(("metadata.annotations" | "metadata.labels", _)) => Ok(label),
        Some(_) => Err(format!("field label does not support subscript: {label}")),
        None if label == "spec.host" => Ok("spec.nodeName"),
        None if OF_VARIABLES.contains(&label) || KNOWN.contains(&label) => Ok(label),
        None => Err(format!("field label not supported: {label}")),
    }
}

/// The field and the key of `metadata.labels['key']`.
fn subscripted(label: &str) -> Option<(&str, &str)> {
    let (field, key) = label.strip_suffix("']")?.split_once("['")?;
    (!field.is_empty()).then_some((field, key))
}

/// What a reference to a resource of a container breaks. Files must say which container.
pub(super) fn resource_causes(path: &str, reference: &Value, is_file: bool) -> Vec<Cause> {
    let resource = text(reference, &["resource"]);
    let is_known =
        RESOURCES.contains(&resource) || HUGE_PAGES.iter().any(|page| resource.starts_with(page));
    let mut causes = vec![];
    if is_file && text(reference, &["containerName"]).is_empty() {
        causes.push(Cause::required(format!("{path}.containerName"), ""));
    } else if resource.is_empty() {
        causes.push(Cause::required(format!("{path}.resource"), ""));
    } else if !is_known {
        causes.push(Cause::not_supported(format!("{path}.resource"), &json!(resource), &RESOURCES));
    }
    causes.extend(divisor_cause(path, resource, or_null(reference, &["divisor"])));
    causes
}

fn divisor_cause(path: &str, resource: &str, divisor: &Value) -> Option<Cause> {
    let divisor = Quantity::from_value(divisor).ok()?.to_string();
    let (_, kind) = resource.split_once('.')?;
    let (divisors, told) = match kind {
        "cpu" => ("1m, 1", "cpu"),
        "memory" => (BYTE_DIVISORS, "memory"),
        "ephemeral-storage" => (BYTE_DIVISORS, "local ephemeral storage"),
        _ if HUGE_PAGES.iter().any(|page| resource.starts_with(page)) => {
            (BYTE_DIVISORS, "hugepages")
        }
        _ => return None,
    };
    if divisor == "0" || divisors.split(", ").any(|one| one == divisor) {
        return None;
    }
    let listed = divisors.replace("1m, 1", "1m and 1");
    let rule = format!("only divisor's values {listed} are supported with the {told} resource");
    Some(Cause::invalid(format!("{path}.divisor"), &json!(resource), &rule))
}

/// What a reference to a key of a ConfigMap or a Secret breaks.
pub(super) fn key_causes(path: &str, reference: &Value) -> Vec<Cause> {
    let name = text(reference, &["name"]);
    let mut causes = named(&format!("{path}.name"), name, names::dns_subdomain);
    let field = format!("{path}.key");
    match text(reference, &["key"]) {
        "" => causes.push(Cause::required(field, "")),
        key => causes.extend(named(&field, key, names::config_map_key)),
    }
    causes
}

/// What the reference in a file of a downward API volume breaks.
pub(super) fn file_causes(path: &str, file: &Value) -> Vec<Cause> {
    match (get(file, &["fieldRef"]), get(file, &["resourceFieldRef"])) {
        (Some(field), resource) => {
            let mut causes = field_causes(&format!("{path}.fieldRef"), field, &OF_FILES);
            let rule = "fieldRef and resourceFieldRef can not be specified simultaneously";
            causes.extend(resource.map(|_| Cause::invalid(path, &json!("resource"), rule)));
            causes
        }
        (None, Some(resource)) => {
            resource_causes(&format!("{path}.resourceFieldRef"), resource, true)
        }
        (None, None) => {
            vec![Cause::required(path, "one of fieldRef and resourceFieldRef is required")]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(causes: &[Cause]) -> Vec<String> {
        causes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_some_fields_of_a_pod_can_be_had() {
        let file = "f.fieldPath: Unsupported value: \"spec.nodeName\": supported values: \"metadata.annotations\", \"metadata.labels\", \"metadata.name\", \"metadata.namespace\", \"metadata.uid\"";
        for (version, field, expected) in [
            ("v1", "metadata.name", vec![]),
            ("v1", "metadata.labels['a.b/c']", vec![]),
            ("", "metadata.name", vec!["f.apiVersion: Required value"]),
            ("v1", "", vec!["f.fieldPath: Required value"]),
            ("v1", "spec.host", vec![file]),
            (
                "v2",
                "metadata.name",
                vec![
                    "f.fieldPath: Invalid value: \"metadata.name\": error converting fieldPath: unsupported pod version: v2",
                ],
            ),
            (
                "v1",
                "spec.x",
                vec![
                    "f.fieldPath: Invalid value: \"spec.x\": error converting fieldPath: field label not supported: spec.x",
                ],
            ),
            (
                "v1",
                "spec.x['y']",
                vec![
                    "f.fieldPath: Invalid value: \"spec.x['y']\": error converting fieldPath: field label does not support subscript: spec.x['y']",
                ],
            ),
        ] {
            let reference = json!({"apiVersion": version, "fieldPath": field});
            assert_eq!(told(&field_causes("f", &reference, &OF_FILES)), expected, "{field}");
        }
        let key = json!({"apiVersion": "v1", "fieldPath": "metadata.labels['!']"});
        assert_eq!(field_causes("f", &key, &OF_FILES).len(), 1);
        let node = json!({"apiVersion": "v1", "fieldPath": "spec.host"});
        assert_eq!(field_causes("f", &node, &OF_VARIABLES), []);
    }

    #[test]
    fn resources_are_known_and_divided_by_powers() {
        for (resource, divisor, expected) in [
            ("limits.cpu", "1m", vec![]),
            ("requests.hugepages-2Mi", "1Ki", vec![]),
            ("limits.memory", "0", vec![]),
            ("", "0", vec!["f.resource: Required value"]),
            (
                "limits.x",
                "2",
                vec![
                    "f.resource: Unsupported value: \"limits.x\": supported values: \"limits.cpu\", \"limits.ephemeral-storage\", \"limits.memory\", \"requests.cpu\", \"requests.ephemeral-storage\", \"requests.memory\"",
                ],
            ),
            (
                "limits.cpu",
                "2",
                vec![
                    "f.divisor: Invalid value: \"limits.cpu\": only divisor's values 1m and 1 are supported with the cpu resource",
                ],
            ),
            (
                "requests.ephemeral-storage",
                "3Ki",
                vec![
                    "f.divisor: Invalid value: \"requests.ephemeral-storage\": only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the local ephemeral storage resource",
                ],
            ),
        ] {
            let reference = json!({"resource": resource, "divisor": divisor});
            assert_eq!(told(&resource_causes("f", &reference, false)), expected, "{resource}");
        }
        let file = resource_causes("f", &json!({"resource": "limits.cpu"}), true);
        assert_eq!(told(&file), ["f.containerName: Required value"]);
    }
}
