//! How an autoscaler behaves, as an annotation of `autoscaling/v1` tells it: in the fields of upstream's
//! internal type, whose names begin with a capital.

use api::object::at;
use serde_json::Value;

const DIRECTIONS: [(&str, &str); 2] = [("scaleUp", "ScaleUp"), ("scaleDown", "ScaleDown")];
const RULES: [(&str, &str); 4] = [
    ("stabilizationWindowSeconds", "StabilizationWindowSeconds"),
    ("selectPolicy", "SelectPolicy"),
    ("policies", "Policies"),
    ("tolerance", "Tolerance"),
];
const POLICY: [(&str, &str); 3] =
    [("type", "Type"), ("value", "Value"), ("periodSeconds", "PeriodSeconds")];

/// The annotation's value.
pub(super) fn write(behavior: &Value) -> Value {
    renamed(behavior, &DIRECTIONS, |rules| {
        renamed(rules, &RULES, |policies| {
            policies.as_array().map_or_else(
                || policies.clone(),
                |policies| {
                    policies.iter().map(|policy| renamed(policy, &POLICY, Value::clone)).collect()
                },
            )
        })
    })
}

/// What the annotation says; `None` if that is nothing. The case of its fields does not matter.
pub(super) fn read(annotation: &Value) -> Option<Value> {
    let behavior = found(annotation, &DIRECTIONS, |rules| {
        found(rules, &RULES, |policies| {
            policies.as_array().map_or_else(
                || policies.clone(),
                |policies| {
                    policies.iter().map(|policy| found(policy, &POLICY, Value::clone)).collect()
                },
            )
        })
    });
    behavior.as_object().is_some_and(|behavior| !behavior.is_empty()).then_some(behavior)
}

fn renamed(value: &Value, names: &[(&str, &str)], below: impl Fn(&Value) -> Value) -> Value {
    if !value.is_object() {
        return Value::Null;
    }
    let entries = names
        .iter()
        .map(|(name, capital)| (*capital, at(value, &[name]).map_or(Value::Null, &below)));
    entries.collect()
}

fn found(value: &Value, names: &[(&str, &str)], below: impl Fn(&Value) -> Value) -> Value {
    let fields = value.as_object().into_iter().flatten();
    let set = fields.filter(|(_, value)| !value.is_null());
    let known = set.filter_map(|(field, value)| {
        let (name, _) = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(field))?;
        Some((*name, below(value)))
    });
    known.collect()
}
