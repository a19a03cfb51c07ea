//! Taints of devices, and which of them a request tolerates.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::get;
use super::super::rules::{named, one_of};

const EFFECTS: [&str; 3] = ["NoExecute", "NoSchedule", "None"];
const OPERATORS: [&str; 2] = ["Equal", "Exists"];

/// What a taint breaks.
pub(super) fn taint_causes(path: &str, taint: &Value) -> Vec<Cause> {
    let mut causes = named(&format!("{path}.key"), text(taint, &["key"]), names::label_key);
    let value = text(taint, &["value"]);
    causes.extend(named(&format!("{path}.value"), value, names::label_value));
    causes.extend(one_of(format!("{path}.effect"), get(taint, &["effect"]), &EFFECTS, true));
    causes
}

/// What a toleration breaks.
pub(super) fn toleration_causes(path: &str, toleration: &Value) -> Vec<Cause> {
    let (key, value) = (text(toleration, &["key"]), text(toleration, &["value"]));
    let mut causes = vec![];
    if !key.is_empty() {
        causes.extend(named(&format!("{path}.key"), key, names::label_key));
    }
    let field = format!("{path}.value");
    match text(toleration, &["operator"]) {
        "Exists" if !value.is_empty() => {
            let rule = "must be empty for operator `Exists`";
            causes.push(Cause::invalid(field, &json!(value), rule));
        }
        "Exists" => {}
        "Equal" => causes.extend(named(&field, value, names::label_value)),
        "" => causes.push(Cause::required(format!("{path}.operator"), "")),
        other => {
            let field = format!("{path}.operator");
            causes.push(Cause::not_supported(field, &json!(other), &OPERATORS));
        }
    }
    let effect = get(toleration, &["effect"]);
    causes.extend(one_of(format!("{path}.effect"), effect, &EFFECTS, false));
    causes
}
