//! What is said of a pod, or of a template for pods.
//!
//! Source: `warningsForPodSpecAndMeta` in pkg/api/pod/warnings.go (v1.36). Left out: AppArmor's annotations.

use std::collections::BTreeSet;

use api::object::text;
use serde_json::{Value, json};

use super::super::fields::{get, int, items, or_null};
use super::{addresses, containers, node_labels, ports, volumes};

const ANNOTATIONS: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    (
        "security.alpha.kubernetes.io/sysctls",
        "non-functional in v1.11+; use the \"sysctls\" field instead",
    ),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        "non-functional in v1.11+; use the \"sysctls\" field instead",
    ),
];
const SECCOMP: &str = "seccomp.security.alpha.kubernetes.io/pod";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const NO_POD: &str = "a null labelSelector results in matching no pod";

/// What of a pod is deprecated, ignored or doubtful. The path is empty for a pod of its own.
pub(super) fn warnings(path: &str, pod: &Value) -> Vec<String> {
    let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
    let (spec, path) = (or_null(pod, &["spec"]), format!("{prefix}spec"));
    let annotations = or_null(pod, &["metadata", "annotations"]);
    let mut warnings = node_warnings(&path, spec);
    warnings.extend(spread_warnings(&path, spec));
    let given = ANNOTATIONS.iter().filter(|(name, _)| get(annotations, &[name]).is_some());
    warnings.extend(
        given.map(|(name, message)| format!("{prefix}metadata.annotations[{name}]: {message}")),
    );
    warnings.extend(volumes::of_pod(&format!("{path}.volumes"), items(spec, &["volumes"])));
    warnings.extend(repeated(&format!("{path}.hostAliases"), items(spec, &["hostAliases"]), "ip"));
    warnings.extend(secret_warnings(&format!("{path}.imagePullSecrets"), spec));
    for resource in ["memory", "ephemeral-storage"] {
        let amount = get(spec, &["overhead", resource]);
        let path = format!("{path}.overhead[{resource}]");
        warnings.extend(amount.and_then(|amount| volumes::fraction(&path, amount)));
    }
    let has_profile = get(spec, &["securityContext", "seccompProfile"]).is_some();
    if !has_profile && get(annotations, &[SECCOMP]).is_some() {
        warnings.push(format!("{prefix}metadata.annotations[{SECCOMP}]: non-functional in v1.27+; use the \"seccompProfile\" field instead"));
    }
    let all = all_containers(&path, spec);
    for (path, container) in &all {
        warnings.extend(containers::warnings(&prefix, annotations, path, container));
    }
    warnings.extend(ports::warnings(&all));
    if int(spec, &["terminationGracePeriodSeconds"]).is_some_and(|seconds| seconds < 0) {
        warnings.push(format!("{path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    warnings.extend(affinity_warnings(&path, spec));
    warnings.extend(address_warnings(&path, spec));
    warnings
}

/// The containers of all sorts with their paths, in the order in which upstream visits them.
fn all_containers<'a>(path: &str, spec: &'a Value) -> Vec<(String, &'a Value)> {
    let lists = ["initContainers", "containers", "ephemeralContainers"].into_iter();
    let all = lists.flat_map(|list| {
        let each = items(spec, &[list]).iter().enumerate();
        each.map(move |(index, container)| (format!("{path}.{list}[{index}]"), container))
    });
    all.collect()
}

fn node_warnings(path: &str, spec: &Value) -> Vec<String> {
    let selector = or_null(spec, &["nodeSelector"]);
    let mut warnings =
        node_labels::in_map(selector, |label| format!("{path}.nodeSelector[{label}]"));
    let affinity = or_null(spec, &["affinity", "nodeAffinity"]);
    let path = format!("{path}.affinity.nodeAffinity");
    for (index, term) in items(affinity, &[REQUIRED, "nodeSelectorTerms"]).iter().enumerate() {
        let path = format!("{path}.{REQUIRED}.nodeSelectorTerms[{index}]");
        warnings.extend(node_labels::in_term(&path, term, false));
    }
    for (index, term) in items(affinity, &[PREFERRED]).iter().enumerate() {
        let path = format!("{path}.{PREFERRED}[{index}].preference");
        warnings.extend(node_labels::in_term(&path, or_null(term, &["preference"]), true));
    }
    warnings
}

fn spread_warnings(path: &str, spec: &Value) -> Vec<String> {
    let mut warnings = vec![];
    for (index, constraint) in items(spec, &["topologySpreadConstraints"]).iter().enumerate() {
        let path = format!("{path}.topologySpreadConstraints[{index}]");
        let key = text(constraint, &["topologyKey"]);
        if let Some(message) = node_labels::message(key) {
            warnings.push(format!("{path}.topologyKey: {key} is {message}"));
        }
        if get(constraint, &["labelSelector"]).is_none() {
            warnings.push(format!("{path}.labelSelector: {NO_POD}"));
        }
    }
    warnings
}

fn repeated(path: &str, list: &[Value], field: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let each = list.iter().map(|item| text(item, &[field])).enumerate();
    let repeated = each.filter(|(_, value)| !seen.insert(*value));
    repeated
        .map(|(index, value)| {
            format!("{path}[{index}].{field}: duplicate {field} {}", json!(value))
        })
        .collect()
}

fn secret_warnings(path: &str, spec: &Value) -> Vec<String> {
    let secrets = items(spec, &["imagePullSecrets"]);
    let mut warnings = repeated(path, secrets, "name");
    let each = secrets.iter().enumerate();
    let empty = each.filter(|(_, secret)| text(secret, &["name"]).is_empty());
    warnings
        .extend(empty.map(|(index, _)| format!("{path}[{index}].name: invalid empty name \"\"")));
    warnings
}

fn affinity_warnings(path: &str, spec: &Value) -> Vec<String> {
    let mut warnings = vec![];
    for kind in ["podAffinity", "podAntiAffinity"] {
        let affinity = or_null(spec, &["affinity", kind]);
        for (list, below) in [(REQUIRED, &[][..]), (PREFERRED, &["podAffinityTerm"][..])] {
            for (index, term) in items(affinity, &[list]).iter().enumerate() {
                let selector = [below, &["labelSelector"]].concat();
                if get(term, &selector).is_none() {
                    let selector = selector.join(".");
                    warnings.push(format!(
                        "{path}.affinity.{kind}.{list}[{index}].{selector}: {NO_POD}"
                    ));
                }
            }
        }
    }
    warnings
}

fn address_warnings(path: &str, spec: &Value) -> Vec<String> {
    let servers = items(spec, &["dnsConfig", "nameservers"]);
    let mut warnings =
        addresses::of_list(&format!("{path}.dnsConfig.nameservers"), servers, addresses::of_ip);
    for (index, alias) in items(spec, &["hostAliases"]).iter().enumerate() {
        let path = format!("{path}.hostAliases[{index}].ip");
        warnings.extend(addresses::of_ip(&path, text(alias, &["ip"])));
    }
    warnings
}
