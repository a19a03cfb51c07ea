//! ResourceQuotas.
//!
//! Source: `ValidateResourceQuotaSpec` and the resource names of `pkg/apis/core/helper` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{below, entries, get, items, or_null};
use super::resource_names::is_quota;
use super::{meta, resource_names, resources, rules};

const SCOPES: &str = "spec.scopes";
const EXPRESSIONS: &str = "spec.scopeSelector.matchExpressions";
/// Scopes that a pod is in or not, whatever the values of a selector.
const SCOPES_WITHOUT_VALUES: [&str; 5] =
    ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];
const SCOPES_WITH_VALUES: [&str; 2] = ["PriorityClass", "VolumeAttributesClass"];
const CONFLICTING: [[&str; 2]; 2] =
    [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]];
const POD_RESOURCES: [&str; 7] =
    ["pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
const CLAIM_RESOURCES: [&str; 2] = ["persistentvolumeclaims", "requests.storage"];

/// Writes its quantities in one way.
pub(super) fn apply_defaults(quota: &mut Value) {
    let Some(quota) = quota.as_object_mut() else {
        return;
    };
    for (part, lists) in [("spec", &["hard"][..]), ("status", &["hard", "used"])] {
        if let Some(part) = below(quota, part) {
            lists.iter().for_each(|list| resources::canonicalize(part, list));
        }
    }
}

/// What a new ResourceQuota breaks.
pub(super) fn validate(quota: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(quota, true, names::dns_subdomain);
    causes.extend(spec_causes(quota));
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(spec_causes(new));
    let scopes = |quota| {
        let mut scopes: Vec<&str> = scopes(quota).collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    };
    if scopes(new) != scopes(old) {
        let new = or_null(new, &["spec", "scopes"]);
        causes.push(Cause::invalid(SCOPES, new, rules::IMMUTABLE));
    }
    causes
}

/// What an update of the status breaks.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    for list in ["hard", "used"] {
        causes.extend(list_causes("status", or_null(new, &["status"]), list));
    }
    causes
}

fn spec_causes(quota: &Value) -> Vec<Cause> {
    let mut causes = list_causes("spec", or_null(quota, &["spec"]), "hard");
    causes.extend(scopes_causes(quota));
    if let Some(selector) = get(quota, &["spec", "scopeSelector"]) {
        causes.extend(selector_causes(quota, selector));
    }
    causes
}

fn list_causes(path: &str, of: &Value, list: &str) -> Vec<Cause> {
    let causes = entries(of, &[list]).flat_map(|(name, quantity)| {
        let field = format!("{path}.{list}[{name}]");
        let mut causes = resource_names::quota_causes(&field, name);
        causes.extend(resources::quantity_causes(&field, name, quantity));
        causes
    });
    causes.collect()
}

fn scopes(quota: &Value) -> impl Iterator<Item = &str> {
    items(quota, &["spec", "scopes"]).iter().filter_map(Value::as_str)
}

fn scopes_causes(quota: &Value) -> Vec<Cause> {
    let value = or_null(quota, &["spec", "scopes"]);
    let mut causes = vec![];
    for scope in scopes(quota) {
        if !is_scope(scope) {
            causes.push(Cause::invalid(SCOPES, value, "unsupported scope"));
        }
        let rule = "unsupported scope applied to resource";
        let unsuited = unsuited_resources(quota, scope);
        causes.extend(unsuited.map(|_| Cause::invalid(SCOPES, value, rule)));
    }
    causes.extend(conflict_causes(SCOPES, value, &scopes(quota).collect::<Vec<_>>()));
    causes
}

fn selector_causes(quota: &Value, selector: &Value) -> Vec<Cause> {
    let expressions = items(selector, &["matchExpressions"]);
    let mut causes: Vec<Cause> = expressions
        .iter()
        .flat_map(|expression| expression_causes(quota, selector, expression))
        .collect();
    let named: Vec<&str> =
        expressions.iter().map(|expression| text(expression, &["scopeName"])).collect();
    causes.extend(conflict_causes(EXPRESSIONS, or_null(quota, &["spec", "scopes"]), &named));
    causes
}

fn expression_causes(quota: &Value, selector: &Value, expression: &Value) -> Vec<Cause> {
    let scope = text(expression, &["scopeName"]);
    let mut causes = vec![];
    if !is_scope(scope) {
        let field = format!("{EXPRESSIONS}.scopeName");
        causes.push(Cause::invalid(field, &json!(scope), "unsupported scope"));
    }
    let rule = "unsupported scope applied to resource";
    let unsuited = unsuited_resources(quota, scope);
    let shown = internal_selector(selector);
    causes.extend(unsuited.map(|_| rules::invalid_struct(EXPRESSIONS, &shown, rule)));
    causes.extend(operator_causes(scope, expression));
    causes
}

fn operator_causes(scope: &str, expression: &Value) -> Vec<Cause> {
    let operator = text(expression, &["operator"]);
    let invalid =
        |rule: &str| Cause::invalid(format!("{EXPRESSIONS}.operator"), &json!(operator), rule);
    let values = items(expression, &["values"]);
    let values_field = format!("{EXPRESSIONS}.values");
    let mut causes = vec![];
    if SCOPES_WITHOUT_VALUES.contains(&scope) && operator != "Exists" {
        causes.push(invalid(
            "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ));
    }
    match operator {
        "In" | "NotIn" if values.is_empty() => causes.push(Cause::required(
            values_field,
            "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
        )),
        "Exists" | "DoesNotExist" if !values.is_empty() => causes.push(Cause::invalid(
            values_field,
            &json!(values),
            "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
        )),
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ => causes.push(invalid("not a valid selector operator")),
    }
    causes
}

fn conflict_causes(field: &str, value: &Value, scopes: &[&str]) -> Vec<Cause> {
    let conflicts =
        CONFLICTING.iter().filter(|pair| pair.iter().all(|scope| scopes.contains(scope)));
    conflicts.map(|_| Cause::invalid(field, value, "conflicting scopes")).collect()
}

/// The Go struct, whose fields have no JSON names (v1.36, `pkg/apis/core/types.go`).
fn internal_selector(selector: &Value) -> String {
    let expressions = items(selector, &["matchExpressions"]).iter().map(|expression| {
        let part = |field: &str| or_null(expression, &[field]);
        let (scope, operator, values) = (part("scopeName"), part("operator"), part("values"));
        format!("{{\"ScopeName\":{scope},\"Operator\":{operator},\"Values\":{values}}}")
    });
    format!("{{\"MatchExpressions\":[{}]}}", expressions.collect::<Vec<_>>().join(","))
}

/// The resources of a quota that say nothing of the objects in a scope.
fn unsuited_resources<'a>(quota: &'a Value, scope: &'a str) -> impl Iterator<Item = &'a str> {
    let hard = entries(quota, &["spec", "hard"]).map(|(name, _)| name);
    hard.filter(move |name| is_quota(name) && !is_suited(scope, name))
}

fn is_suited(scope: &str, resource: &str) -> bool {
    match scope {
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => CLAIM_RESOURCES.contains(&resource),
        scope => !is_scope(scope) || POD_RESOURCES.contains(&resource),
    }
}

fn is_scope(scope: &str) -> bool {
    SCOPES_WITHOUT_VALUES.contains(&scope) || SCOPES_WITH_VALUES.contains(&scope)
}

#[cfg(test)]
mod tests;
