//! Which objects a policy, or a binding of one, is about.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{Fields, default, each, get, items, or_null};
use super::super::rules::{label_selector, named, one_of};
use super::{MATCH_POLICIES, rule};

/// Fills in what is left out: everything is meant.
pub(super) fn apply_defaults(resources: &mut Fields) {
    default(resources, "matchPolicy", "Equivalent");
    default(resources, "namespaceSelector", json!({}));
    default(resources, "objectSelector", json!({}));
    for list in ["resourceRules", "excludeResourceRules"] {
        each(resources, list, default_scope);
    }
}

/// A rule means objects of every scope.
pub(super) fn default_scope(rule: &mut Fields) {
    default(rule, "scope", "*");
}

/// What it breaks.
pub(super) fn causes(path: &str, resources: &Value) -> Vec<Cause> {
    let policy = get(resources, &["matchPolicy"]);
    let mut causes: Vec<Cause> =
        one_of(format!("{path}.matchPolicy"), policy, &MATCH_POLICIES, true).into_iter().collect();
    for selector in ["namespaceSelector", "objectSelector"] {
        let field = format!("{path}.{selector}");
        causes.extend(label_selector(&field, or_null(resources, &[selector])));
    }
    for list in ["resourceRules", "excludeResourceRules"] {
        for (index, one) in items(resources, &[list]).iter().enumerate() {
            causes.extend(rule::named_causes(&format!("{path}.{list}[{index}]"), one));
        }
    }
    causes
}

/// What the kind of the objects breaks that parameterize a policy.
pub(super) fn param_kind_causes(path: &str, kind: &Value) -> Vec<Cause> {
    let mut causes = api_version_causes(&format!("{path}.apiVersion"), text(kind, &["apiVersion"]));
    let field = format!("{path}.kind");
    let kind = text(kind, &["kind"]);
    let errors = names::dns_1035_label(&kind.to_lowercase());
    if kind.is_empty() {
        causes.push(Cause::required(field, ""));
    } else if !errors.is_empty() {
        let rule = format!("may have mixed case, but should otherwise match: {}", errors.join(","));
        causes.push(Cause::invalid(field, &json!(kind), &rule));
    }
    causes
}

fn api_version_causes(field: &str, api_version: &str) -> Vec<Cause> {
    let parts: Vec<&str> = api_version.split('/').collect();
    let (group, version) = match parts.as_slice() {
        [""] => return vec![Cause::required(field, "")],
        ["", ""] => ("", ""),
        [version] => ("", *version),
        [group, version] => (*group, *version),
        _ => {
            let rule = format!("unexpected GroupVersion string: {api_version}");
            return vec![Cause::invalid(field, &json!(api_version), &rule)];
        }
    };
    let mut causes = vec![];
    let joined = |value: &str, errors: Vec<String>| {
        (!errors.is_empty()).then(|| Cause::invalid(field, &json!(value), &errors.join(",")))
    };
    if !group.is_empty() {
        causes.extend(joined(group, names::dns_subdomain(group)));
    }
    if version.is_empty() {
        causes.push(Cause::invalid(field, &json!(api_version), "version must be specified"));
    } else {
        causes.extend(joined(version, names::dns_1035_label(version)));
    }
    causes
}

/// What a reference to the objects breaks that parameterize a policy.
pub(super) fn param_ref_causes(path: &str, reference: &Value) -> Vec<Cause> {
    let both = "name and selector are mutually exclusive";
    let (name, selector) = (text(reference, &["name"]), get(reference, &["selector"]));
    let name_field = format!("{path}.name");
    let mut causes = vec![];
    if !name.is_empty() {
        causes.extend(named(&name_field, name, names::path_segment));
        if selector.is_some() {
            causes.push(Cause::forbidden(name_field, both));
        }
    }
    if let Some(selector) = selector {
        let field = format!("{path}.selector");
        causes.extend(label_selector(&field, selector));
        if !name.is_empty() {
            causes.push(Cause::forbidden(field, both));
        }
    }
    if name.is_empty() && selector.is_none() {
        causes.push(Cause::required(path, "one of name or selector must be specified"));
    }
    let action = get(reference, &["parameterNotFoundAction"]);
    let field = format!("{path}.parameterNotFoundAction");
    causes.extend(one_of(field, action, &["Deny", "Allow"], true));
    causes
}
