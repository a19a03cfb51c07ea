//! Conditions as newer kinds have them in their status.
//!
//! Source: `ValidateConditions` of `apimachinery/pkg/apis/meta/v1/validation` (v1.36).

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{get, int};
use super::rules::{named, too_long};

const STATUSES: [&str; 3] = ["False", "True", "Unknown"];
const REASON_BYTES_MAX: usize = 1024;
const MESSAGE_BYTES_MAX: usize = 32 * 1024;
const REASON_RULE: &str = "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";

/// What a list of conditions breaks. There is one of each type.
pub(super) fn validate(path: &str, conditions: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    let mut seen = BTreeSet::new();
    for (index, condition) in conditions.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let kind = text(condition, &["type"]);
        if !seen.insert(kind) {
            causes.push(Cause::duplicate(format!("{path}.type"), &json!(kind)));
        }
        causes.extend(condition_causes(&path, condition));
    }
    causes
}

fn condition_causes(path: &str, condition: &Value) -> Vec<Cause> {
    let field = |name: &str| format!("{path}.{name}");
    let mut causes = named(&field("type"), text(condition, &["type"]), names::label_key);
    let status = text(condition, &["status"]);
    if !STATUSES.contains(&status) {
        causes.push(Cause::not_supported(field("status"), &json!(status), &STATUSES));
    }
    if let Some(generation) = int(condition, &["observedGeneration"]).filter(|number| *number < 0) {
        let rule = "must be greater than or equal to zero";
        causes.push(Cause::invalid(field("observedGeneration"), &json!(generation), rule));
    }
    if get(condition, &["lastTransitionTime"]).is_none() {
        causes.push(Cause::required(field("lastTransitionTime"), ""));
    }
    causes.extend(reason_causes(&field("reason"), text(condition, &["reason"])));
    if text(condition, &["message"]).len() > MESSAGE_BYTES_MAX {
        causes.push(too_long(&field("message"), MESSAGE_BYTES_MAX));
    }
    causes
}

fn reason_causes(field: &str, reason: &str) -> Vec<Cause> {
    if reason.is_empty() {
        return vec![Cause::required(field, "")];
    }
    let mut causes = vec![];
    if !is_reason(reason) {
        causes.push(Cause::invalid(field, &json!(reason), REASON_RULE));
    }
    if reason.len() > REASON_BYTES_MAX {
        causes.push(too_long(field, REASON_BYTES_MAX));
    }
    causes
}

fn is_reason(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_,:".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(known)
        && !text.ends_with([',', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_says_what_it_breaks() {
        let table = [
            (json!({}), ""),
            (
                json!({"status": "Yes"}),
                "c[0].status: Unsupported value: \"Yes\": supported values: \"False\", \"True\", \"Unknown\"",
            ),
            (
                json!({"observedGeneration": -1}),
                "c[0].observedGeneration: Invalid value: -1: must be greater than or equal to zero",
            ),
            (json!({"lastTransitionTime": null}), "c[0].lastTransitionTime: Required value"),
            (json!({"reason": ""}), "c[0].reason: Required value"),
            (
                json!({"message": "x".repeat(32_769)}),
                "c[0].message: Too long: may not be more than 32768 bytes",
            ),
        ];
        for (change, message) in table {
            assert_eq!(messages(&[condition(change)]), message);
        }
    }

    #[test]
    fn a_reason_is_one_word() {
        let message = format!("c[0].reason: Invalid value: \"no way\": {REASON_RULE}");

        assert_eq!(messages(&[condition(json!({"reason": "no way"}))]), message);
        assert!(is_reason("A_1,b:C"));
        assert!(!is_reason("A:"));
        assert!(!is_reason("1A"));
    }

    #[test]
    fn there_is_one_condition_of_each_type() {
        assert_eq!(
            messages(&[condition(json!({})), condition(json!({}))]),
            "c[1].type: Duplicate value: \"Ready\""
        );
    }

    fn messages(conditions: &[Value]) -> String {
        let messages: Vec<String> =
            validate("c", conditions).iter().map(ToString::to_string).collect();
        messages.join("\n")
    }

    fn condition(change: Value) -> Value {
        let mut condition = json!({
            "type": "Ready", "status": "True", "reason": "Fine", "lastTransitionTime": "t",
        });
        condition.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        condition
    }
}
