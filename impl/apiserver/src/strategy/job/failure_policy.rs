//! `podFailurePolicy`: what becomes of a Job when one of its pods fails.
//!
//! Source: `validatePodFailurePolicy` (v1.36).

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use crate::strategy::fields::{get, items, or_null};
use crate::strategy::rules::{invalid, named, too_many};

const RULES_MAX: usize = 20;
const EXIT_CODES_MAX: usize = 255;
const CONDITIONS_MAX: usize = 20;
const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS: [&str; 2] = ["In", "NotIn"];
const STATUSES: [&str; 3] = ["False", "True", "Unknown"];

/// What the policy of the Job with this spec breaks.
pub(super) fn validate(path: &str, policy: &Value, spec: &Value) -> Vec<Cause> {
    let rules_path = format!("{path}.rules");
    let rules = items(policy, &["rules"]);
    let mut causes = vec![];
    if rules.len() > RULES_MAX {
        causes.push(too_many(rules_path.clone(), rules.len(), RULES_MAX));
    }
    for (index, rule) in rules.iter().enumerate() {
        causes.extend(rule_causes(&format!("{rules_path}[{index}]"), rule, spec));
    }
    causes
}

fn rule_causes(path: &str, rule: &Value, spec: &Value) -> Vec<Cause> {
    let action = text(rule, &["action"]);
    let mut causes: Vec<Cause> =
        action_cause(format!("{path}.action"), action, spec).into_iter().collect();
    let exit_codes = get(rule, &["onExitCodes"]);
    let conditions = items(rule, &["onPodConditions"]);
    if let Some(exit_codes) = exit_codes {
        causes.extend(exit_code_causes(&format!("{path}.onExitCodes"), exit_codes, spec));
    }
    causes.extend(condition_causes(&format!("{path}.onPodConditions"), conditions));
    let rule = match (exit_codes, conditions) {
        (Some(_), [_, ..]) => {
            Some("specifying both OnExitCodes and OnPodConditions is not supported")
        }
        (None, []) => Some("specifying one of OnExitCodes and OnPodConditions is required"),
        (Some(_), []) | (None, [_, ..]) => None,
    };
    causes.extend(rule.map(|rule| invalid(path, rule)));
    causes
}

fn action_cause(field: String, action: &str, spec: &Value) -> Option<Cause> {
    let rule = "requires the backoffLimitPerIndex to be set";
    match (action, get(spec, &["backoffLimitPerIndex"])) {
        ("FailIndex", None) => Some(Cause::invalid(field, &json!(action), rule)),
        (action, _) => one_of(field, action, &ACTIONS),
    }
}

fn condition_causes(path: &str, patterns: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    if patterns.len() > CONDITIONS_MAX {
        causes.push(too_many(path.to_owned(), patterns.len(), CONDITIONS_MAX));
    }
    for (index, pattern) in patterns.iter().enumerate() {
        let path = format!("{path}[{index}]");
        causes.extend(named(&format!("{path}.type"), text(pattern, &["type"]), names::label_key));
        causes.extend(one_of(format!("{path}.status"), text(pattern, &["status"]), &STATUSES));
    }
    causes
}

fn exit_code_causes(path: &str, requirement: &Value, spec: &Value) -> Vec<Cause> {
    let operator = text(requirement, &["operator"]);
    let mut causes: Vec<Cause> =
        one_of(format!("{path}.operator"), operator, &OPERATORS).into_iter().collect();
    if let Some(name) = get(requirement, &["containerName"])
        && !container_names(spec).any(|known| name == known)
    {
        let rule = "must be one of the container or initContainer names in the pod template";
        causes.push(Cause::invalid(format!("{path}.containerName"), name, rule));
    }
    causes.extend(values_causes(&format!("{path}.values"), requirement));
    causes
}

fn values_causes(path: &str, requirement: &Value) -> Vec<Cause> {
    let list = or_null(requirement, &["values"]);
    let values: Vec<i64> =
        items(requirement, &["values"]).iter().filter_map(Value::as_i64).collect();
    let mut causes = match values.len() {
        0 => vec![Cause::invalid(path, list, "at least one value is required")],
        1..=EXIT_CODES_MAX => vec![],
        length => vec![too_many(path.to_owned(), length, EXIT_CODES_MAX)],
    };
    let mut seen = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        let field = format!("{path}[{index}]");
        if *value == 0 && text(requirement, &["operator"]) == "In" {
            let rule = "must not be 0 for the In operator";
            causes.push(Cause::invalid(field.as_str(), &json!(0), rule));
        }
        if !seen.insert(*value) {
            causes.push(Cause::duplicate(field, &json!(value)));
        }
    }
    if !values.is_sorted() {
        causes.push(Cause::invalid(path, list, "must be ordered"));
    }
    causes
}

fn container_names(spec: &Value) -> impl Iterator<Item = &str> {
    let of = |list| items(spec, &["template", "spec", list]).iter();
    of("containers").chain(of("initContainers")).map(|container| text(container, &["name"]))
}

/// Unlike elsewhere, what is missing is told with what there is to choose from.
fn one_of(field: String, value: &str, supported: &[&str]) -> Option<Cause> {
    match value {
        "" => Some(Cause::required(field, &format!("valid values: {}", written(supported)))),
        value if supported.contains(&value) => None,
        value => Some(Cause::not_supported(field, &json!(value), supported)),
    }
}

/// As Go writes a list of texts.
fn written(texts: &[&str]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
    format!("[{}]", quoted.join(" "))
}
