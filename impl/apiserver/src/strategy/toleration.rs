//! Taints and tolerations: what they may say.
//!
//! Source: `ValidateTolerations` and `validateNodeTaints` (v1.36).

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{get, items, same};
use super::rules::named;

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// What the tolerations of a pod break.
pub(super) fn validate(path: &str, tolerations: &[Value]) -> Vec<Cause> {
    let each = |(index, toleration): (usize, &Value)| one(&format!("{path}[{index}]"), toleration);
    tolerations.iter().enumerate().flat_map(each).collect()
}

/// An update may add tolerations and change their seconds, and nothing else.
pub(super) fn validate_update(path: &str, new: &[Value], old: &[Value]) -> Option<Cause> {
    let without_seconds = |toleration: &Value| {
        let mut toleration = toleration.clone();
        if let Some(fields) = toleration.as_object_mut() {
            fields.remove("tolerationSeconds");
        }
        toleration
    };
    let kept = |old: &Value| {
        let old = without_seconds(old);
        new.iter().any(|new| same(&without_seconds(new), &old))
    };
    let rule = "existing toleration can not be modified except its tolerationSeconds";
    (!old.iter().all(kept)).then(|| Cause::forbidden(path, rule))
}

/// What the taints of a node break.
pub(super) fn taint_causes(path: &str, taints: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    let mut seen = BTreeSet::new();
    for (index, taint) in taints.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let (key, effect) = (text(taint, &["key"]), text(taint, &["effect"]));
        causes.extend(named(&format!("{path}.key"), key, names::label_key));
        causes.extend(value_cause(format!("{path}.value"), text(taint, &["value"])));
        causes.extend(effect_cause(format!("{path}.effect"), effect));
        if !seen.insert((effect, key)) {
            let mut cause = Cause::duplicate(path, taint);
            cause.message.push_str(": taints must be unique by key and effect pair");
            causes.push(cause);
        }
    }
    causes
}

fn one(path: &str, toleration: &Value) -> Vec<Cause> {
    let (key, effect) = (text(toleration, &["key"]), text(toleration, &["effect"]));
    let operator = text(toleration, &["operator"]);
    let mut causes = vec![];
    if !key.is_empty() {
        causes.extend(named(&format!("{path}.key"), key, names::label_key));
    } else if operator != "Exists" {
        let rule = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        causes.push(Cause::invalid(format!("{path}.operator"), &json!(operator), rule));
    }
    if get(toleration, &["tolerationSeconds"]).is_some() && effect != "NoExecute" {
        let rule = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        causes.push(Cause::invalid(format!("{path}.effect"), &json!(effect), rule));
    }
    causes.extend(operator_cause(&format!("{path}.operator"), toleration));
    if !effect.is_empty() {
        causes.extend(effect_cause(format!("{path}.effect"), effect));
    }
    causes
}

fn operator_cause(field: &str, toleration: &Value) -> Option<Cause> {
    let value = text(toleration, &["value"]);
    match text(toleration, &["operator"]) {
        "" | "Equal" => value_cause(field.to_owned(), value),
        "Exists" => (!value.is_empty()).then(|| {
            let rule = "value must be empty when `operator` is 'Exists'";
            Cause::invalid(field, &json!(value), rule)
        }),
        // `Lt` and `Gt` are behind a gate that is off (v1.36, `TaintTolerationComparisonOperators`).
        operator @ ("Lt" | "Gt") => {
            let supported = ["Equal", "Exists", "Lt", "Gt"];
            Some(Cause::not_supported(field, &json!(operator), &supported))
        }
        operator => Some(Cause::not_supported(field, &json!(operator), &["Equal", "Exists"])),
    }
}

fn value_cause(field: String, value: &str) -> Option<Cause> {
    let errors = names::label_value(value);
    (!errors.is_empty()).then(|| Cause::invalid(field, &json!(value), &errors.join(";")))
}

fn effect_cause(field: String, effect: &str) -> Option<Cause> {
    match effect {
        "" => Some(Cause::required(field, "")),
        effect if EFFECTS.contains(&effect) => None,
        effect => Some(Cause::not_supported(field, &json!(effect), &EFFECTS)),
    }
}

/// The tolerations of a pod spec.
pub(super) fn of(spec: &Value) -> &[Value] {
    items(spec, &["tolerations"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerations_say_what_they_break() {
        let table = [
            (json!({"operator": "Exists"}), ""),
            (json!({"key": "a", "value": "b", "effect": "NoSchedule"}), ""),
            (
                json!({"value": "b"}),
                "t[0].operator: Invalid value: \"\": operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
            ),
            (
                json!({"key": "a", "tolerationSeconds": 1}),
                "t[0].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set",
            ),
            (
                json!({"key": "a", "operator": "Exists", "value": "b"}),
                "t[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'",
            ),
            (
                json!({"key": "a", "effect": "No"}),
                "t[0].effect: Unsupported value: \"No\": supported values: \"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\"",
            ),
        ];
        for (toleration, expected) in table {
            let causes = validate("t", &[toleration]);
            let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
            assert_eq!(messages.join("\n"), expected);
        }
    }

    #[test]
    fn an_update_may_only_add_tolerations() {
        let old = [json!({"key": "a", "tolerationSeconds": 1})];
        let more = [json!({"key": "b"}), json!({"key": "a", "tolerationSeconds": 2})];

        assert_eq!(validate_update("t", &more, &old), None);
        assert!(validate_update("t", &old, &more).is_some());
    }

    #[test]
    fn taints_are_unique_by_key_and_effect() {
        let taint = json!({"key": "a", "effect": "NoSchedule"});

        let causes = taint_causes("t", &[taint.clone(), taint]);

        let message = causes[0].to_string();
        assert!(message.starts_with("t[1]: Duplicate value: {"), "{message}");
        assert!(message.ends_with(": taints must be unique by key and effect pair"), "{message}");
    }
}
