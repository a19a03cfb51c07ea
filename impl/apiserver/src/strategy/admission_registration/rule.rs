//! Rules: which operations on which resources are meant.

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, items};
use super::super::rules::named;

const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES: [&str; 3] = ["*", "Cluster", "Namespaced"];

/// What a rule breaks.
pub(super) fn causes(path: &str, rule: &Value) -> Vec<Cause> {
    let operations = items(rule, &["operations"]);
    let field = format!("{path}.operations");
    let mut causes = required_and_alone(&field, operations, "operations");
    for (index, operation) in operations.iter().enumerate() {
        if !OPERATIONS.iter().any(|known| operation == known) {
            causes.push(Cause::not_supported(format!("{field}[{index}]"), operation, &OPERATIONS));
        }
    }
    let (groups, versions) = (items(rule, &["apiGroups"]), items(rule, &["apiVersions"]));
    causes.extend(required_and_alone(&format!("{path}.apiGroups"), groups, "API groups"));
    let field = format!("{path}.apiVersions");
    causes.extend(required_and_alone(&field, versions, "API versions"));
    causes.extend(empty_causes(&field, versions));
    causes.extend(resource_causes(&format!("{path}.resources"), items(rule, &["resources"])));
    if let Some(scope) =
        get(rule, &["scope"]).filter(|scope| !SCOPES.iter().any(|known| scope == known))
    {
        causes.push(Cause::not_supported(format!("{path}.scope"), scope, &SCOPES));
    }
    causes
}

/// What a rule breaks that may name single objects.
pub(super) fn named_causes(path: &str, rule: &Value) -> Vec<Cause> {
    let mut seen = BTreeSet::new();
    let mut all = vec![];
    for (index, name) in items(rule, &["resourceNames"]).iter().enumerate() {
        let field = format!("{path}.resourceNames[{index}]");
        let name = name.as_str().unwrap_or_default();
        all.extend(named(&field, name, names::path_segment));
        if !seen.insert(name) {
            all.push(Cause::duplicate(field, &json!(name)));
        }
    }
    all.extend(causes(path, rule));
    all
}

/// What operations break of a rule whose objects are changed: what is deleted cannot be.
pub(super) fn mutating_causes(path: &str, rules: &[Value]) -> Vec<Cause> {
    let supported = ["*", "CONNECT", "CREATE", "UPDATE"];
    let operations = rules.iter().flat_map(|rule| items(rule, &["operations"]));
    let unsupported =
        operations.filter(|operation| !supported.iter().any(|known| *operation == known));
    let field = format!("{path}.resourceRules.operations");
    unsupported
        .map(|operation| Cause::not_supported(field.clone(), operation, &supported))
        .collect()
}

fn required_and_alone(field: &str, values: &[Value], what: &str) -> Vec<Cause> {
    if values.is_empty() {
        return vec![Cause::required(field, "")];
    }
    if values.len() > 1 && values.iter().any(|value| value == "*") {
        let rule = format!("if '*' is present, must not specify other {what}");
        return vec![Cause::invalid(field, &json!(values), &rule)];
    }
    vec![]
}

fn empty_causes(field: &str, values: &[Value]) -> Vec<Cause> {
    let empty = values.iter().enumerate().filter(|(_, value)| *value == "");
    empty.map(|(index, _)| Cause::required(format!("{field}[{index}]"), "")).collect()
}

/// `pods`, `pods/status`, `*`, `pods/*`, `*/scale`, `*/*`: none may say what another says.
fn resource_causes(field: &str, resources: &[Value]) -> Vec<Cause> {
    if resources.is_empty() {
        return vec![Cause::required(field, "")];
    }
    let mut causes = vec![];
    let (mut all_below, mut below_all) = (BTreeSet::new(), BTreeSet::new());
    let texts: Vec<&str> = resources.iter().filter_map(Value::as_str).collect();
    for (index, text) in texts.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if text.is_empty() {
            causes.push(Cause::required(field, ""));
            continue;
        }
        let Some((resource, subresource)) = text.split_once('/') else { continue };
        let mut covered = |pattern: String| {
            let rule = format!("if '{pattern}' is present, must not specify {text}");
            causes.push(Cause::invalid(field.clone(), &json!(text), &rule));
        };
        if all_below.contains(resource) {
            covered(format!("{resource}/*"));
        }
        if below_all.contains(subresource) {
            covered(format!("*/{subresource}"));
        }
        if subresource == "*" {
            all_below.insert(resource);
        }
        if resource == "*" {
            below_all.insert(subresource);
        }
    }
    causes.extend(wildcard_causes(field, &texts));
    causes
}

fn wildcard_causes(field: &str, texts: &[&str]) -> Vec<Cause> {
    let invalid = |rule| Cause::invalid(field, &json!(texts), rule);
    let mut causes = vec![];
    if texts.len() > 1 && texts.contains(&"*/*") {
        causes.push(invalid("if '*/*' is present, must not specify other resources"));
    }
    // Upstream looks at the last one without a subresource only.
    let last = texts.iter().rfind(|text| !text.is_empty() && !text.contains('/'));
    if texts.contains(&"*") && last.is_some_and(|last| *last != "*") {
        let rule = "if '*' is present, must not specify other resources without subresources";
        causes.push(invalid(rule));
    }
    causes
}

/// Whether a text is set and not empty.
pub(super) fn is_set(value: &Value, field: &str) -> bool {
    !text(value, &[field]).is_empty()
}
