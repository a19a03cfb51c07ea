//! HorizontalPodAutoscalers.
//!
//! Source: `pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go`, `pkg/apis/autoscaling/v2/
//! defaults.go` and `ValidateHorizontalPodAutoscaler` (v1.36).

mod behavior;
mod metric;
mod reference;

use api::names;
use api::object::{object_at_mut, text};
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{below, default, each, get, int, items, keep, or_null};
use super::{meta, workload};
use crate::version;
use reference::ApiVersion;

const STATUS_COUNTS: [&str; 2] = ["currentReplicas", "desiredReplicas"];
/// Percent of what pods request.
const CPU_UTILIZATION: i64 = 80;

/// How much of a spec is looked at. Updates are spared what was broken before.
#[derive(Clone, Copy)]
struct Checks {
    min_replicas_min: i64,
    target: ApiVersion,
    described: ApiVersion,
}

/// Fills in what its author left out.
pub(super) fn apply_defaults(autoscaler: &mut Value) {
    version::drop_annotations(autoscaler);
    let spec = object_at_mut(autoscaler, "spec");
    default(spec, "minReplicas", 1);
    if spec.get("metrics").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        let target = json!({"type": "Utilization", "averageUtilization": CPU_UTILIZATION});
        let metric = json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
        spec.insert("metrics".to_owned(), json!([metric]));
    }
    each(spec, "metrics", metric::canonicalize);
    if let Some(behavior) = below(spec, "behavior") {
        behavior::apply_defaults(behavior);
    }
}

/// Takes away a status that its author wrote. Upstream always writes two of its fields.
pub(super) fn prepare_for_create(autoscaler: &mut Value) {
    autoscaler["status"] = json!({"currentMetrics": null, "desiredReplicas": 0});
}

/// Keeps the status. Changes of the spec are not counted.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
}

/// What a new HorizontalPodAutoscaler breaks.
pub(super) fn validate(autoscaler: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(autoscaler, true, names::dns_subdomain);
    let spec = or_null(autoscaler, &["spec"]);
    causes.extend(spec_causes(spec, checks(spec, None)));
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    let (spec, old) = (or_null(new, &["spec"]), or_null(old, &["spec"]));
    causes.extend(spec_causes(spec, checks(spec, Some(old))));
    causes
}

/// What an update of the status breaks.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(workload::count_causes(new, &STATUS_COUNTS));
    causes
}

fn checks(spec: &Value, old: Option<&Value>) -> Checks {
    let had_none = old.is_some_and(|old| int(old, &["minReplicas"]) == Some(0));
    let kind = |spec: &Value| {
        let target = or_null(spec, &["scaleTargetRef"]);
        (text(target, &["kind"]).to_owned(), text(target, &["apiVersion"]).to_owned())
    };
    let target = if old.is_some_and(|old| kind(old) == kind(spec)) {
        ApiVersion::Any
    } else if kind(spec).0 == "ReplicationController" {
        ApiVersion::Valid
    } else {
        ApiVersion::WithGroup
    };
    let was_invalid =
        old.is_some_and(|old| items(old, &["metrics"]).iter().any(has_invalid_version));
    let described = if was_invalid { ApiVersion::Any } else { ApiVersion::Valid };
    Checks { min_replicas_min: i64::from(!had_none), target, described }
}

fn has_invalid_version(metric: &Value) -> bool {
    let described = get(metric, &["object", "describedObject"]);
    text(metric, &["type"]) == "Object"
        && described.is_some_and(|described| ApiVersion::Valid.error(described).is_some())
}

fn spec_causes(spec: &Value, checks: Checks) -> Vec<Cause> {
    let mut causes = replicas_causes(spec, checks.min_replicas_min);
    let target = or_null(spec, &["scaleTargetRef"]);
    causes.extend(reference::validate("spec.scaleTargetRef", target, checks.target));
    let metrics = items(spec, &["metrics"]);
    for (index, metric) in metrics.iter().enumerate() {
        let path = format!("spec.metrics[{index}]");
        causes.extend(metric::validate(&path, metric, checks.described));
    }
    let outside = |metric: &Value| matches!(text(metric, &["type"]), "Object" | "External");
    if int(spec, &["minReplicas"]) == Some(0) && !metrics.iter().any(outside) {
        let rule = "must specify at least one Object or External metric to support scaling to zero replicas";
        causes.push(Cause::forbidden("spec.metrics", rule));
    }
    causes.extend(behavior::validate("spec.behavior", or_null(spec, &["behavior"])));
    causes
}

fn replicas_causes(spec: &Value, min_replicas_min: i64) -> Vec<Cause> {
    let min = int(spec, &["minReplicas"]);
    let max = int(spec, &["maxReplicas"]).unwrap_or_default();
    let field = "spec.maxReplicas";
    let mut causes = vec![];
    if let Some(min) = min.filter(|min| *min < min_replicas_min) {
        let rule = format!("must be greater than or equal to {min_replicas_min}");
        causes.push(Cause::invalid("spec.minReplicas", &json!(min), &rule));
    }
    match max {
        0 => causes.push(Cause::required(field, "must be set and greater than 0")),
        ..0 => {
            let rule = "must be greater than or equal to 1";
            causes.push(Cause::invalid(field, &json!(max), rule));
        }
        1.. => {}
    }
    if min.is_some_and(|min| max < min) {
        let rule = "must be greater than or equal to `minReplicas`";
        causes.push(Cause::invalid(field, &json!(max), rule));
    }
    causes
}

#[cfg(test)]
mod tests;
