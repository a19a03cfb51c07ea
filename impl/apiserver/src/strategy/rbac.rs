//! Roles, ClusterRoles, RoleBindings and ClusterRoleBindings.
//!
//! Source: `pkg/apis/rbac/validation/validation.go` and `pkg/apis/rbac/v1/defaults.go` (v1.36). Leaves
//! out the escalation check, which needs to know who asks.

use api::ApiResource;
use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{default, each, get, items, made, or_null, same};
use super::{meta, rules};

/// The group of these kinds.
pub(super) const GROUP: &str = "rbac.authorization.k8s.io";

/// References to roles, users and groups are in the group of RBAC.
pub(super) fn apply_defaults(binding: &mut Value) {
    let Some(binding) = binding.as_object_mut() else {
        return;
    };
    default(made(binding, "roleRef"), "apiGroup", GROUP);
    each(binding, "subjects", |subject| {
        let kind = subject.get("kind").and_then(Value::as_str);
        if matches!(kind, Some("User" | "Group")) {
            default(subject, "apiGroup", GROUP);
        }
    });
}

/// What a new role or binding breaks.
pub(super) fn validate(resource: &ApiResource, object: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(object, resource.namespaced, names::path_segment);
    causes.extend(own_causes(resource, object));
    causes
}

/// What an update breaks. A binding binds the same role for good.
pub(super) fn validate_update(resource: &ApiResource, new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(own_causes(resource, new));
    let (new, old) = (or_null(new, &["roleRef"]), or_null(old, &["roleRef"]));
    if !same(new, old) {
        causes.push(Cause::invalid("roleRef", &internal_role_ref(new), "cannot change roleRef"));
    }
    causes
}

fn own_causes(resource: &ApiResource, object: &Value) -> Vec<Cause> {
    match resource.kind {
        "Role" => policy_causes(object, true),
        "ClusterRole" => {
            let mut causes = policy_causes(object, false);
            let aggregation_rule = get(object, &["aggregationRule"]);
            causes.extend(aggregation_rule.map(aggregation_causes).unwrap_or_default());
            causes
        }
        "RoleBinding" => binding_causes(object, &["Role", "ClusterRole"], true),
        _ => binding_causes(object, &["ClusterRole"], false),
    }
}

fn binding_causes(binding: &Value, kinds: &[&str], namespaced: bool) -> Vec<Cause> {
    let mut causes = role_ref_causes(binding, kinds);
    causes.extend(subjects_causes(binding, namespaced));
    causes
}

/// Upstream prints the Go struct, whose fields have no JSON names (v1.36, `pkg/apis/rbac/types.go`).
fn internal_role_ref(role_ref: &Value) -> Value {
    json!({
        "APIGroup": text(role_ref, &["apiGroup"]), "Kind": text(role_ref, &["kind"]),
        "Name": text(role_ref, &["name"]),
    })
}

fn policy_causes(role: &Value, namespaced: bool) -> Vec<Cause> {
    let rules = items(role, &["rules"]).iter().enumerate();
    rules
        .flat_map(|(index, rule)| rule_causes(&format!("rules[{index}]"), rule, namespaced))
        .collect()
}

fn rule_causes(path: &str, rule: &Value, namespaced: bool) -> Vec<Cause> {
    let has = |field: &str| !items(rule, &[field]).is_empty();
    let mut causes = vec![];
    let mut required = |field: &str, detail: &str| {
        if !has(field) {
            causes.push(Cause::required(format!("{path}.{field}"), detail));
        }
    };
    required("verbs", "verbs must contain at least one value");
    if has("nonResourceURLs") {
        causes.extend(urls_causes(path, rule, namespaced));
        return causes;
    }
    required("apiGroups", "resource rules must supply at least one api group");
    required("resources", "resource rules must supply at least one resource");
    causes
}

fn urls_causes(path: &str, rule: &Value, namespaced: bool) -> Vec<Cause> {
    let has_resources = ["apiGroups", "resources", "resourceNames"]
        .into_iter()
        .any(|field| !items(rule, &[field]).is_empty());
    let broken = [
        (namespaced, "namespaced rules cannot apply to non-resource URLs"),
        (has_resources, "rules cannot apply to both regular resources and non-resource URLs"),
    ];
    let (field, urls) = (format!("{path}.nonResourceURLs"), or_null(rule, &["nonResourceURLs"]));
    let broken = broken.into_iter().filter(|(is_broken, _)| *is_broken);
    broken.map(|(_, detail)| Cause::invalid(field.clone(), urls, detail)).collect()
}

fn aggregation_causes(aggregation_rule: &Value) -> Vec<Cause> {
    let field = "aggregationRule.clusterRoleSelectors";
    let selectors = items(aggregation_rule, &["clusterRoleSelectors"]);
    if selectors.is_empty() {
        let detail = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        return vec![Cause::required(field, detail)];
    }
    let causes = selectors.iter().enumerate().flat_map(|(index, selector)| {
        let field = format!("{field}[{index}]");
        let mut causes = rules::label_selector(&field, selector);
        if api::selector::Selector::from_value(Some(selector)).is_err() {
            causes.push(Cause::invalid(field, &Value::Null, "invalid label selector."));
        }
        causes
    });
    causes.collect()
}

fn role_ref_causes(binding: &Value, kinds: &[&str]) -> Vec<Cause> {
    let role_ref = or_null(binding, &["roleRef"]);
    let mut causes: Vec<Cause> = not_one_of("roleRef", role_ref, "apiGroup", &[GROUP])
        .into_iter()
        .chain(not_one_of("roleRef", role_ref, "kind", kinds))
        .collect();
    match text(role_ref, &["name"]) {
        "" => causes.push(Cause::required("roleRef.name", "")),
        name => causes.extend(rules::named("roleRef.name", name, names::path_segment)),
    }
    causes
}

fn subjects_causes(binding: &Value, namespaced: bool) -> Vec<Cause> {
    let subjects = items(binding, &["subjects"]).iter().enumerate();
    subjects
        .flat_map(|(index, subject)| {
            subject_causes(&format!("subjects[{index}]"), subject, namespaced)
        })
        .collect()
}

fn subject_causes(path: &str, subject: &Value, namespaced: bool) -> Vec<Cause> {
    let name = text(subject, &["name"]);
    let mut causes = vec![];
    if name.is_empty() {
        causes.push(Cause::required(format!("{path}.name"), ""));
    }
    match text(subject, &["kind"]) {
        "ServiceAccount" => {
            if !name.is_empty() {
                causes.extend(rules::named(&format!("{path}.name"), name, names::dns_subdomain));
            }
            causes.extend(not_one_of(path, subject, "apiGroup", &[""]));
            if !namespaced && text(subject, &["namespace"]).is_empty() {
                causes.push(Cause::required(format!("{path}.namespace"), ""));
            }
        }
        "User" | "Group" => causes.extend(not_one_of(path, subject, "apiGroup", &[GROUP])),
        _ => {
            let kinds = ["ServiceAccount", "User", "Group"];
            causes.extend(not_one_of(path, subject, "kind", &kinds));
        }
    }
    causes
}

/// A missing text is the empty one, which may be among the supported ones.
fn not_one_of(path: &str, of: &Value, field: &str, supported: &[&str]) -> Option<Cause> {
    let value = text(of, &[field]);
    (!supported.contains(&value))
        .then(|| Cause::not_supported(format!("{path}.{field}"), &json!(value), supported))
}

#[cfg(test)]
mod tests;
