//! `autoscaling/v1`: one metric has a field of its own, all else of `autoscaling/v2` lies in annotations.
//!
//! Source: `pkg/apis/autoscaling/v1/conversion.go` (v1.36).

mod behavior;
mod metrics;

use api::object::{at, metadata_mut, object_at_mut, text};
use serde_json::{Map, Value, json};

use super::ordered;

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const ANNOTATIONS: [&str; 6] = [
    METRICS,
    CURRENT_METRICS,
    CONDITIONS,
    BEHAVIOR,
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
];

const SPEC: [&str; 3] = ["scaleTargetRef", "minReplicas", "maxReplicas"];
const STATUS: [&str; 4] =
    ["observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas"];
const TARGET: &str = "targetCPUUtilizationPercentage";
const CURRENT: &str = "currentCPUUtilizationPercentage";
/// Percent of what pods request.
const DEFAULT_TARGET: i64 = 80;

/// The order of fields in the annotations.
#[rustfmt::skip]
const ORDER: &[&str] = &[
    "type", "status", "lastTransitionTime", "reason", "message",
    "object", "pods", "resource", "containerResource", "external",
    "target", "kind", "name", "apiVersion", "metricName", "metricSelector", "targetValue", "currentValue",
    "targetAverageUtilization", "currentAverageUtilization", "targetAverageValue", "currentAverageValue",
    "selector", "averageValue", "container",
    "matchLabels", "matchExpressions", "key", "operator", "values",
    "ScaleUp", "ScaleDown", "StabilizationWindowSeconds", "SelectPolicy", "Policies", "Tolerance",
    "Type", "Value", "PeriodSeconds",
];

/// Takes away the annotations that only `autoscaling/v1` has.
pub(crate) fn drop_annotations(autoscaler: &mut Value) {
    let metadata = metadata_mut(autoscaler);
    let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) else {
        return;
    };
    annotations.retain(|name, _| !ANNOTATIONS.contains(&name.as_str()));
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
}

/// `autoscaling/v2` as `autoscaling/v1`.
pub(super) fn serve(stored: &Value) -> Value {
    let mut served = json!({"metadata": stored["metadata"]});
    drop_annotations(&mut served);
    let own = annotations(stored);
    if !own.is_empty() {
        object_at_mut(&mut served["metadata"], "annotations").extend(own);
    }
    served["spec"] = some_fields(stored, "spec", &SPEC);
    let target = metrics(stored, "spec", "metrics").iter().find_map(target_of);
    set(&mut served["spec"], TARGET, target);
    served["status"] = some_fields(stored, "status", &STATUS);
    for field in ["currentReplicas", "desiredReplicas"] {
        object_at_mut(&mut served, "status").entry(field).or_insert(json!(0));
    }
    let current = metrics(stored, "status", "currentMetrics").iter().rev().find_map(current_of);
    set(&mut served["status"], CURRENT, current);
    served
}

/// `autoscaling/v1` as `autoscaling/v2`.
pub(super) fn store(served: &Value) -> Value {
    let annotation = |name: &str| {
        let text = at(served, &["metadata", "annotations", name])?.as_str()?;
        serde_json::from_str::<Value>(text).ok()
    };
    let mut stored = json!({"metadata": served["metadata"]});
    drop_annotations(&mut stored);
    stored["spec"] = some_fields(served, "spec", &SPEC);
    let mut all =
        annotation(METRICS).and_then(|list| metrics::read_specs(&list)).unwrap_or_default();
    all.extend(at(served, &["spec", TARGET]).filter(|target| !target.is_null()).map(cpu_target));
    if all.is_empty() {
        all.push(cpu_target(&json!(DEFAULT_TARGET)));
    }
    stored["spec"]["metrics"] = json!(all);
    let behavior = annotation(BEHAVIOR).and_then(|behavior| behavior::read(&behavior));
    set(&mut stored["spec"], "behavior", behavior);
    stored["status"] = some_fields(served, "status", &STATUS);
    let current = annotation(CURRENT_METRICS).and_then(|list| metrics::read_statuses(&list));
    let current = current.or_else(|| {
        let current = at(served, &["status", CURRENT]).filter(|current| !current.is_null())?;
        Some(vec![json!({"type": "Resource",
            "resource": {"name": "cpu", "current": {"averageUtilization": current}}})])
    });
    set(&mut stored["status"], "currentMetrics", current.map(Value::from));
    let conditions = annotation(CONDITIONS).filter(Value::is_array);
    set(&mut stored["status"], "conditions", conditions);
    stored
}

fn annotations(stored: &Value) -> Map<String, Value> {
    let others = metrics(stored, "spec", "metrics").iter().filter(|one| target_of(one).is_none());
    let others: Vec<Value> = others.map(metrics::write_spec).collect();
    let current = metrics(stored, "status", "currentMetrics").iter().map(metrics::write_status);
    let mut all = Map::new();
    let mut insert = |name: &str, value: Value| {
        all.insert(name.to_owned(), json!(ordered::text(&value, ORDER)));
    };
    if !others.is_empty() {
        insert(METRICS, json!(others));
    }
    if current.len() > 0 {
        insert(CURRENT_METRICS, current.collect());
    }
    if let Some(behavior) = at(stored, &["spec", "behavior"]) {
        insert(BEHAVIOR, behavior::write(behavior));
    }
    let conditions = metrics(stored, "status", "conditions");
    if !conditions.is_empty() {
        insert(CONDITIONS, json!(conditions));
    }
    all
}

fn metrics<'a>(stored: &'a Value, part: &str, list: &str) -> &'a [Value] {
    at(stored, &[part, list]).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_cpu(metric: &Value) -> bool {
    text(metric, &["type"]) == "Resource" && text(metric, &["resource", "name"]) == "cpu"
}

/// The utilization that a metric asks for, if `autoscaling/v1` has the field for it.
fn target_of(metric: &Value) -> Option<Value> {
    let target = at(metric, &["resource", "target", "averageUtilization"])?;
    is_cpu(metric).then(|| target.clone())
}

fn current_of(metric: &Value) -> Option<Value> {
    let current = at(metric, &["resource", "current", "averageUtilization"])?;
    is_cpu(metric).then(|| current.clone())
}

fn cpu_target(percent: &Value) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": percent});
    json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
}

fn some_fields(object: &Value, part: &str, fields: &[&str]) -> Value {
    let part = object.get(part).and_then(Value::as_object).into_iter().flatten();
    let kept = part.filter(|(field, _)| fields.contains(&field.as_str()));
    Value::Object(kept.map(|(field, value)| (field.clone(), value.clone())).collect())
}

fn set(object: &mut Value, field: &str, value: Option<Value>) {
    if let Some(value) = value {
        object[field] = value;
    }
}

#[cfg(test)]
mod tests;
