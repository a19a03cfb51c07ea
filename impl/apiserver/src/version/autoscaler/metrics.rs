//! The metrics of an autoscaler as annotations of `autoscaling/v1` tell them.
//!
//! Source: `pkg/apis/autoscaling/v1/conversion.go` (v1.36).

use api::object::{at, object_at_mut, text};
use api::quantity::Quantity;
use serde_json::{Value, json};

/// A field as the annotation calls it, and where `autoscaling/v2` has it.
type Field = (&'static str, &'static [&'static str]);
/// A type of metric: its name, its field, its fields as a target, and as a status.
type Kind = (&'static str, &'static str, &'static [Field], &'static [Field]);

const NAME: Field = ("name", &["name"]);
const CONTAINER: Field = ("container", &["container"]);
const METRIC_NAME: Field = ("metricName", &["metric", "name"]);
const SELECTOR: Field = ("selector", &["metric", "selector"]);
const METRIC_SELECTOR: Field = ("metricSelector", &["metric", "selector"]);
const DESCRIBED: Field = ("target", &["describedObject"]);
const TARGET_VALUE: Field = ("targetValue", &["target", "value"]);
const TARGET_AVERAGE: Field = ("targetAverageValue", &["target", "averageValue"]);
const TARGET_PERCENT: Field = ("targetAverageUtilization", &["target", "averageUtilization"]);
const CURRENT_VALUE: Field = ("currentValue", &["current", "value"]);
const CURRENT_AVERAGE: Field = ("currentAverageValue", &["current", "averageValue"]);
const CURRENT_PERCENT: Field = ("currentAverageUtilization", &["current", "averageUtilization"]);

const KINDS: [Kind; 5] = [
    (
        "Object",
        "object",
        &[DESCRIBED, METRIC_NAME, TARGET_VALUE, SELECTOR, ("averageValue", TARGET_AVERAGE.1)],
        &[DESCRIBED, METRIC_NAME, CURRENT_VALUE, SELECTOR, ("averageValue", CURRENT_AVERAGE.1)],
    ),
    (
        "Pods",
        "pods",
        &[METRIC_NAME, TARGET_AVERAGE, SELECTOR],
        &[METRIC_NAME, CURRENT_AVERAGE, SELECTOR],
    ),
    (
        "Resource",
        "resource",
        &[NAME, TARGET_PERCENT, TARGET_AVERAGE],
        &[NAME, CURRENT_PERCENT, CURRENT_AVERAGE],
    ),
    (
        "ContainerResource",
        "containerResource",
        &[NAME, TARGET_PERCENT, TARGET_AVERAGE, CONTAINER],
        &[NAME, CURRENT_PERCENT, CURRENT_AVERAGE, CONTAINER],
    ),
    (
        "External",
        "external",
        &[METRIC_NAME, METRIC_SELECTOR, TARGET_VALUE, TARGET_AVERAGE],
        &[METRIC_NAME, METRIC_SELECTOR, CURRENT_VALUE, CURRENT_AVERAGE],
    ),
];

/// Amounts that are no pointers in `autoscaling/v1`: without one they are written as 0.
const ALWAYS_WRITTEN: [(&str, &str); 7] = [
    ("object", "targetValue"),
    ("pods", "targetAverageValue"),
    ("object", "currentValue"),
    ("pods", "currentAverageValue"),
    ("resource", "currentAverageValue"),
    ("containerResource", "currentAverageValue"),
    ("external", "currentValue"),
];

/// An element of `spec.metrics` for the annotation.
pub(super) fn write_spec(metric: &Value) -> Value {
    write(metric, |(_, _, spec, _)| spec)
}

/// An element of `status.currentMetrics` for the annotation.
pub(super) fn write_status(metric: &Value) -> Value {
    write(metric, |(_, _, _, status)| status)
}

/// The elements of `spec.metrics` that an annotation lists; `None` if it lists none.
pub(super) fn read_specs(list: &Value) -> Option<Vec<Value>> {
    let read = |metric| read(metric, |(_, _, spec, _)| spec);
    let mut metrics = list.as_array()?.iter().map(read).collect::<Option<Vec<Value>>>()?;
    metrics.iter_mut().for_each(set_target_type);
    Some(metrics)
}

/// The elements of `status.currentMetrics` that an annotation lists; `None` if it lists none.
pub(super) fn read_statuses(list: &Value) -> Option<Vec<Value>> {
    let read = |metric| read(metric, |(_, _, _, status)| status);
    list.as_array()?.iter().map(read).collect()
}

fn write(metric: &Value, fields: fn(&Kind) -> &'static [Field]) -> Value {
    let mut written = json!({"type": metric["type"]});
    for kind in &KINDS {
        let Some(source) = metric.get(kind.1) else { continue };
        let mut one = json!({});
        for (name, path) in fields(kind) {
            match at(source, path) {
                Some(value) => one[*name] = value.clone(),
                None if ALWAYS_WRITTEN.contains(&(kind.1, *name)) => one[*name] = json!("0"),
                None => {}
            }
        }
        written[kind.1] = one;
    }
    written
}

fn read(metric: &Value, fields: fn(&Kind) -> &'static [Field]) -> Option<Value> {
    let mut read = json!({"type": text(metric.as_object().map(|_| metric)?, &["type"])});
    for kind in &KINDS {
        let Some(source) = metric.get(kind.1).filter(|source| source.is_object()) else { continue };
        let mut one = json!({});
        for (name, path) in fields(kind) {
            let value = source.get(*name).filter(|value| !value.is_null());
            let zero = ALWAYS_WRITTEN.contains(&(kind.1, *name)).then_some(json!("0"));
            let Some(value) = value.cloned().or(zero) else { continue };
            let value = if name.ends_with("Value") { amount(&value)? } else { value };
            match path {
                [outer, inner] => {
                    object_at_mut(&mut one, outer).insert((*inner).to_owned(), value);
                }
                _ => one[path.concat()] = value,
            }
        }
        read[kind.1] = one;
    }
    Some(read)
}

fn amount(value: &Value) -> Option<Value> {
    Quantity::from_value(value).ok().map(|quantity| json!(quantity.to_string()))
}

/// The annotation does not say which of its values is meant; the ones it has do.
fn set_target_type(metric: &mut Value) {
    for (_, field, ..) in &KINDS {
        let Some(source) = metric.get_mut(*field) else { continue };
        let target = object_at_mut(source, "target");
        let means = match *field {
            "external" if target.contains_key("value") => "Value",
            "object" if !target.contains_key("averageValue") => "Value",
            _ if target.contains_key("averageUtilization") => "Utilization",
            _ => "AverageValue",
        };
        if *field == "object" && means == "AverageValue" && target.get("value") == Some(&json!("0"))
        {
            target.remove("value");
        }
        target.insert("type".to_owned(), json!(means));
    }
}
