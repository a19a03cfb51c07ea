//! What a HorizontalPodAutoscaler measures, and what it aims at.
//!
//! Source: `validateMetricSpec` (v1.36).

use api::names;
use api::object::text;
use api::quantity::Quantity;
use api::status::Cause;
use serde_json::{Value, json};

use super::reference::{self, ApiVersion};
use crate::strategy::fields::{Fields, below, get, int, or_null};
use crate::strategy::rules::{named, one_of};
use crate::strategy::{resource_names, resources};

/// Types of metrics and the fields that hold them, in the order in which upstream looks at the fields.
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];
const TYPES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];
const TARGET_TYPES: [&str; 3] = ["Utilization", "Value", "AverageValue"];

/// Writes quantities as upstream does.
pub(super) fn canonicalize(metric: &mut Fields) {
    for (_, source) in SOURCES {
        if let Some(target) = below(metric, source).and_then(|source| below(source, "target")) {
            resources::canonicalize_quantity(target, "value");
            resources::canonicalize_quantity(target, "averageValue");
        }
    }
}

/// What a metric breaks. It has the source of its type, and no other.
pub(super) fn validate(path: &str, metric: &Value, described: ApiVersion) -> Vec<Cause> {
    let mut causes = type_causes(format!("{path}.type"), get(metric, &["type"]));
    let sources = SOURCES.into_iter().map(|(_, source)| source);
    let present: Vec<&str> = sources.filter(|source| has(metric, source)).collect();
    if let Some(name) = present.first() {
        let source = or_null(metric, &[name]);
        causes.extend(source_causes(&format!("{path}.{name}"), source, (name, described)));
    }
    causes.extend(place_causes(path, text(metric, &["type"]), &present));
    causes
}

fn source_causes(path: &str, source: &Value, (name, described): (&str, ApiVersion)) -> Vec<Cause> {
    match name {
        "object" => object_causes(path, source, described),
        "external" => external_causes(path, source),
        "pods" => pods_causes(path, source),
        "resource" => resource_causes(path, source),
        _ => container_resource_causes(path, source),
    }
}

fn place_causes(path: &str, kind: &str, present: &[&str]) -> Vec<Cause> {
    let expected = SOURCES.iter().find(|(known, _)| *known == kind).map(|(_, source)| *source);
    let mut causes = vec![];
    if let Some(missing) = expected.filter(|expected| !present.contains(expected)) {
        let rule = "must populate information for the given metric source";
        causes.push(Cause::required(format!("{path}.{missing}"), rule));
    }
    if present.len() > 1 {
        let others = present.iter().filter(|source| Some(**source) != expected);
        let rule = "must populate the given metric source only";
        causes.extend(others.map(|source| Cause::forbidden(format!("{path}.{source}"), rule)));
    }
    causes
}

fn type_causes(field: String, kind: Option<&Value>) -> Vec<Cause> {
    let text = kind.and_then(Value::as_str).unwrap_or_default();
    let mut causes = vec![];
    if text.is_empty() {
        causes.push(Cause::required(field.as_str(), "must specify a metric source type"));
        causes.push(Cause::not_supported(field, &json!(text), &TYPES));
    } else {
        causes.extend(one_of(field, kind, &TYPES, true));
    }
    causes
}

fn object_causes(path: &str, source: &Value, described: ApiVersion) -> Vec<Cause> {
    let object = or_null(source, &["describedObject"]);
    let mut causes = reference::validate(&format!("{path}.describedObject"), object, described);
    causes.extend(metric_and_target_causes(path, source));
    let target = or_null(source, &["target"]);
    if !has(target, "value") && !has(target, "averageValue") {
        let rule = "must set either a target value or averageValue";
        causes.push(Cause::required(format!("{path}.target.averageValue"), rule));
    }
    causes
}

fn external_causes(path: &str, source: &Value) -> Vec<Cause> {
    let mut causes = metric_and_target_causes(path, source);
    let target = or_null(source, &["target"]);
    match (has(target, "value"), has(target, "averageValue")) {
        (false, false) => {
            let rule = "must set either a target value for metric or a per-pod target";
            causes.push(Cause::required(format!("{path}.target.averageValue"), rule));
        }
        (true, true) => {
            let rule = "may not set both a target value for metric and a per-pod target";
            causes.push(Cause::forbidden(format!("{path}.target.value"), rule));
        }
        (true, false) | (false, true) => {}
    }
    causes
}

fn pods_causes(path: &str, source: &Value) -> Vec<Cause> {
    let mut causes = metric_and_target_causes(path, source);
    if !has(or_null(source, &["target"]), "averageValue") {
        let rule = "must specify a positive target averageValue";
        causes.push(Cause::required(format!("{path}.target.averageValue"), rule));
    }
    causes
}

fn resource_causes(path: &str, source: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    if text(source, &["name"]).is_empty() {
        causes.push(Cause::required(format!("{path}.name"), "must specify a resource name"));
    }
    causes.extend(resource_target_causes(path, source));
    causes
}

fn container_resource_causes(path: &str, source: &Value) -> Vec<Cause> {
    let (name, container) = (format!("{path}.name"), format!("{path}.container"));
    let mut causes = match text(source, &["name"]) {
        "" => vec![Cause::required(name, "must specify a resource name")],
        resource => resource_names::container_causes(&name, resource),
    };
    match text(source, &["container"]) {
        "" => causes.push(Cause::required(container, "must specify a container")),
        text => causes.extend(named(&container, text, names::dns_label)),
    }
    causes.extend(resource_target_causes(path, source));
    causes
}

fn resource_target_causes(path: &str, source: &Value) -> Vec<Cause> {
    let path = format!("{path}.target");
    let target = or_null(source, &["target"]);
    let mut causes = target_causes(&path, target);
    match (has(target, "averageUtilization"), has(target, "averageValue")) {
        (false, false) => {
            let rule = "must set either a target raw value or a target utilization";
            causes.push(Cause::required(format!("{path}.averageUtilization"), rule));
        }
        (true, true) => {
            let rule = "may not set both a target raw value and a target utilization";
            causes.push(Cause::forbidden(format!("{path}.averageValue"), rule));
        }
        (true, false) | (false, true) => {}
    }
    causes
}

fn metric_and_target_causes(path: &str, source: &Value) -> Vec<Cause> {
    let name = format!("{path}.metric.name");
    let mut causes = match text(source, &["metric", "name"]) {
        "" => vec![Cause::required(name, "must specify a metric name")],
        metric => named(&name, metric, names::path_segment),
    };
    causes.extend(target_causes(&format!("{path}.target"), or_null(source, &["target"])));
    causes
}

fn target_causes(path: &str, target: &Value) -> Vec<Cause> {
    let kind = text(target, &["type"]);
    let field = format!("{path}.type");
    let mut causes = vec![];
    if kind.is_empty() {
        causes.push(Cause::required(field.as_str(), "must specify a metric target type"));
    }
    if !TARGET_TYPES.contains(&kind) {
        let rule = "must be either Utilization, Value, or AverageValue";
        causes.push(Cause::invalid(field, &json!(kind), rule));
    }
    for name in ["value", "averageValue"] {
        let value = get(target, &[name]).filter(|value| !is_positive(value));
        causes.extend(
            value.map(|value| Cause::invalid(format!("{path}.{name}"), value, "must be positive")),
        );
    }
    if let Some(percent) = int(target, &["averageUtilization"]).filter(|percent| *percent < 1) {
        let field = format!("{path}.averageUtilization");
        causes.push(Cause::invalid(field, &json!(percent), "must be greater than 0"));
    }
    causes
}

fn has(target: &Value, field: &str) -> bool {
    get(target, &[field]).is_some()
}

fn is_positive(value: &Value) -> bool {
    Quantity::from_value(value).is_ok_and(|quantity| quantity > Quantity::ZERO)
}
