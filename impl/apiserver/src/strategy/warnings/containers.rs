//! What is said of one container.

use std::collections::BTreeSet;

use api::object::text;
use serde_json::Value;

use super::super::fields::{get, items};
use super::volumes;

const SECCOMP: &str = "container.seccomp.security.alpha.kubernetes.io/";

/// What of a container is deprecated or hides something. `template` is where its pod's metadata and spec are.
pub(super) fn warnings(
    template: &str,
    annotations: &Value,
    path: &str,
    container: &Value,
) -> Vec<String> {
    let mut warnings = vec![];
    let annotation = format!("{SECCOMP}{}", text(container, &["name"]));
    let has_profile = get(container, &["securityContext", "seccompProfile"]).is_some();
    if !has_profile && get(annotations, &[&annotation]).is_some() {
        warnings.push(format!("{template}metadata.annotations[{annotation}]: non-functional in v1.27+; use the \"seccompProfile\" field instead"));
    }
    for resource in ["memory", "ephemeral-storage"] {
        for part in ["limits", "requests"] {
            let amount = get(container, &["resources", part, resource]);
            let path = format!("{path}.resources.{part}[{resource}]");
            warnings.extend(amount.and_then(|amount| volumes::fraction(&path, amount)));
        }
    }
    warnings.extend(hidden_variables(path, container));
    warnings
}

/// Variables that take the place of earlier ones without using them.
fn hidden_variables(path: &str, container: &Value) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut warnings = vec![];
    for (index, variable) in items(container, &["env"]).iter().enumerate() {
        let (name, value) = (text(variable, &["name"]), text(variable, &["value"]));
        if seen.insert(name) {
            continue;
        }
        let reference = format!("$({name})");
        let is_lost = get(variable, &["valueFrom"]).is_some()
            || value == reference
            || !value.contains(&reference);
        if is_lost {
            warnings.push(format!("{path}.env[{index}]: hides previous definition of \"{name}\", which may be dropped when using apply"));
        }
    }
    warnings
}
