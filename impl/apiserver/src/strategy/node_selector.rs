//! Selectors of nodes, by their labels and by their names.
//!
//! Source: `ValidateNodeSelector` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{items, or_null};
use super::rules::{label_values, named};

/// What a selector of nodes breaks.
pub(super) fn causes(path: &str, selector: &Value) -> Vec<Cause> {
    let mut causes = causes_of_any_values(path, selector);
    causes.extend(value_causes(path, selector));
    causes
}

/// What a selector of nodes breaks in which the values of labels are not looked at.
pub(super) fn causes_of_any_values(path: &str, selector: &Value) -> Vec<Cause> {
    let path = format!("{path}.nodeSelectorTerms");
    let terms = items(selector, &["nodeSelectorTerms"]);
    if terms.is_empty() {
        return vec![Cause::required(path, "must have at least one node selector term")];
    }
    let each = |(index, term)| term_causes(&format!("{path}[{index}]"), term);
    terms.iter().enumerate().flat_map(each).collect()
}

/// What a term breaks in which the values of labels are not looked at.
pub(super) fn term_causes(path: &str, term: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    for (index, requirement) in items(term, &["matchExpressions"]).iter().enumerate() {
        causes.extend(label_causes(&format!("{path}.matchExpressions[{index}]"), requirement));
    }
    for (index, requirement) in items(term, &["matchFields"]).iter().enumerate() {
        causes.extend(field_causes(&format!("{path}.matchFields[{index}]"), requirement));
    }
    causes
}

/// What the values of labels in a selector of nodes break.
pub(super) fn value_causes(path: &str, selector: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    for (index, term) in items(selector, &["nodeSelectorTerms"]).iter().enumerate() {
        for (number, requirement) in items(term, &["matchExpressions"]).iter().enumerate() {
            let path = format!("{path}.nodeSelectorTerms[{index}].matchExpressions[{number}]");
            causes.extend(label_values(&path, requirement));
        }
    }
    causes
}

/// The affinity as upstream prints the Go struct, whose fields have no JSON names (v1.36).
pub(super) fn internal_affinity(affinity: &Value) -> String {
    if affinity.is_null() {
        return "null".to_owned();
    }
    let terms = items(affinity, &["required", "nodeSelectorTerms"]).iter().map(|term| {
        let list = |field| internal_list(or_null(term, &[field]), internal_requirement);
        let (expressions, fields) = (list("matchExpressions"), list("matchFields"));
        format!("{{\"MatchExpressions\":{expressions},\"MatchFields\":{fields}}}")
    });
    let terms = terms.collect::<Vec<_>>().join(",");
    format!("{{\"Required\":{{\"NodeSelectorTerms\":[{terms}]}}}}")
}

fn internal_list(list: &Value, show: fn(&Value) -> String) -> String {
    match list.as_array() {
        Some(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(",")),
        None => "null".to_owned(),
    }
}

fn internal_requirement(requirement: &Value) -> String {
    let part = |field| or_null(requirement, &[field]);
    let (key, operator, values) = (part("key"), part("operator"), part("values"));
    format!("{{\"Key\":{key},\"Operator\":{operator},\"Values\":{values}}}")
}

fn label_causes(path: &str, requirement: &Value) -> Vec<Cause> {
    let values = items(requirement, &["values"]);
    let values_field = format!("{path}.values");
    let required = |detail: &str| vec![Cause::required(&values_field, detail)];
    let mut causes = match text(requirement, &["operator"]) {
        "In" | "NotIn" if values.is_empty() => {
            required("must be specified when `operator` is 'In' or 'NotIn'")
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => vec![Cause::forbidden(
            &values_field,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        )],
        "Gt" | "Lt" if values.len() != 1 => {
            required("must be specified single value when `operator` is 'Lt' or 'Gt'")
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => vec![],
        operator => vec![operator_cause(path, operator)],
    };
    causes.extend(named(&format!("{path}.key"), text(requirement, &["key"]), names::label_key));
    causes
}

fn field_causes(path: &str, requirement: &Value) -> Vec<Cause> {
    let values = items(requirement, &["values"]);
    let mut causes = match text(requirement, &["operator"]) {
        "In" | "NotIn" if values.len() != 1 => vec![Cause::required(
            format!("{path}.values"),
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        )],
        "In" | "NotIn" => vec![],
        operator => vec![operator_cause(path, operator)],
    };
    let key = text(requirement, &["key"]);
    if key != "metadata.name" {
        let rule = "not a valid field selector key";
        causes.push(Cause::invalid(format!("{path}.key"), &json!(key), rule));
        return causes;
    }
    for (index, value) in values.iter().filter_map(Value::as_str).enumerate() {
        causes.extend(named(&format!("{path}.values[{index}]"), value, names::dns_subdomain));
    }
    causes
}

fn operator_cause(path: &str, operator: &str) -> Cause {
    Cause::invalid(format!("{path}.operator"), &json!(operator), "not a valid selector operator")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_selector_says_what_it_breaks() {
        let label = |requirement: Value| json!({"matchExpressions": [requirement]});
        let field = |requirement: Value| json!({"matchFields": [requirement]});
        let table = [
            (label(json!({"key": "a", "operator": "Gt", "values": ["1"]})), vec![]),
            (field(json!({"key": "metadata.name", "operator": "In", "values": ["n"]})), vec![]),
            (
                label(json!({"key": "a", "operator": "In"})),
                vec![
                    "s.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
                ],
            ),
            (
                label(json!({"key": "a", "operator": "Near"})),
                vec![
                    "s.nodeSelectorTerms[0].matchExpressions[0].operator: Invalid value: \"Near\": not a valid selector operator",
                ],
            ),
            (
                field(json!({"key": "metadata.uid", "operator": "In", "values": ["n"]})),
                vec![
                    "s.nodeSelectorTerms[0].matchFields[0].key: Invalid value: \"metadata.uid\": not a valid field selector key",
                ],
            ),
        ];
        for (term, expected) in table {
            let causes = causes("s", &json!({"nodeSelectorTerms": [term]}));
            let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
            assert_eq!(messages, expected);
        }
    }

    #[test]
    fn a_node_selector_has_a_term() {
        assert_eq!(
            causes("s", &json!({}))[0].to_string(),
            "s.nodeSelectorTerms: Required value: must have at least one node selector term"
        );
    }
}
