//! Rows of HorizontalPodAutoscalers.
//!
//! Source: `printHorizontalPodAutoscaler` of `pkg/printers/internalversion/printers.go` (v1.36).

use api::object::{at, text};
use serde_json::{Value, json};

use super::{int, items};

const SHOWN_MAX: usize = 2;

pub(super) fn cells(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let target = |field: &str| text(object, &["spec", "scaleTargetRef", field]);
    let min = at(object, &["spec", "minReplicas"]).and_then(Value::as_i64);
    vec![
        name,
        json!(format!("{}/{}", target("kind"), target("name"))),
        json!(metrics(
            items(object, &["spec", "metrics"]),
            items(object, &["status", "currentMetrics"])
        )),
        json!(min.map_or_else(|| "<unset>".to_owned(), |min| min.to_string())),
        json!(int(object, &["spec", "maxReplicas"])),
        json!(int(object, &["status", "currentReplicas"])),
        age,
    ]
}

fn metrics(specs: &[Value], statuses: &[Value]) -> String {
    if specs.is_empty() {
        return "<none>".to_owned();
    }
    let status = |index: usize| statuses.get(index).unwrap_or(&Value::Null);
    let shown = specs.iter().enumerate().take(SHOWN_MAX);
    let shown: Vec<String> = shown.map(|(index, spec)| metric(spec, status(index))).collect();
    let shown = shown.join(", ");
    match specs.len().saturating_sub(SHOWN_MAX) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}

fn metric(spec: &Value, status: &Value) -> String {
    match text(spec, &["type"]) {
        "External" => of_value("external", spec, status),
        "Object" => of_value("object", spec, status),
        "Pods" => {
            let [current, target] = values("pods", spec, status, "averageValue");
            format!("{}/{}", current.unwrap_or_else(unknown), target.unwrap_or_default())
        }
        "Resource" => of_resource("resource", spec, status),
        "ContainerResource" => of_resource("containerResource", spec, status),
        _ => "<unknown type>".to_owned(),
    }
}

fn of_value(source: &str, spec: &Value, status: &Value) -> String {
    let [current, target] = values(source, spec, status, "averageValue");
    if let Some(target) = target {
        return format!("{}/{target} (avg)", current.unwrap_or_else(unknown));
    }
    let [current, target] = values(source, spec, status, "value");
    format!("{}/{}", current.unwrap_or_else(unknown), target.unwrap_or_default())
}

fn of_resource(source: &str, spec: &Value, status: &Value) -> String {
    let name = text(spec, &[source, "name"]);
    let [current, target] = values(source, spec, status, "averageValue");
    if let Some(target) = target {
        return format!("{name}: {}/{target}", current.unwrap_or_else(unknown));
    }
    let percents = values(source, spec, status, "averageUtilization");
    let [current, target] = percents.map(|value| value.map(|value| format!("{value}%")));
    let target = target.unwrap_or_else(|| "<auto>".to_owned());
    format!("{name}: {}/{target}", current.unwrap_or_else(unknown))
}

/// What is measured and what is aimed at.
fn values(source: &str, spec: &Value, status: &Value, field: &str) -> [Option<String>; 2] {
    [(status, "current"), (spec, "target")]
        .map(|(holder, part)| at(holder, &[source, part, field]).and_then(written))
}

fn written(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|number| number.to_string()))
}

fn unknown() -> String {
    "<unknown>".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_autoscaler_shows_what_it_aims_at() {
        let autoscaler = json!({
            "spec": {
                "scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 1, "maxReplicas": 9,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}],
            },
            "status": {
                "currentReplicas": 3,
                "currentMetrics": [{"type": "Resource", "resource": {"current": {"averageUtilization": 42}}}],
            },
        });

        let cells = cells(&autoscaler, json!("a"), json!("5m"));

        let expected = json!(["a", "Deployment/web", "cpu: 42%/80%", "1", 9, 3, "5m"]);
        assert_eq!(Value::Array(cells), expected);
    }

    #[test]
    fn metrics_are_shown_by_their_types() {
        let source = |kind: &str, field: &str, target: Value| json!({"type": kind, field: {"name": "cpu", "target": target}});
        let pods = source("Pods", "pods", json!({"averageValue": "10"}));
        let external = source("External", "external", json!({"value": "5"}));
        let table = [
            (vec![], "<none>"),
            (vec![pods.clone()], "<unknown>/10"),
            (vec![external.clone()], "<unknown>/5"),
            (vec![source("Object", "object", json!({"averageValue": "5"}))], "<unknown>/5 (avg)"),
            (
                vec![source("ContainerResource", "containerResource", json!({}))],
                "cpu: <unknown>/<auto>",
            ),
            (vec![pods.clone(), external, pods], "<unknown>/10, <unknown>/5 + 1 more..."),
        ];
        for (specs, expected) in table {
            assert_eq!(metrics(&specs, &[]), expected);
        }
    }
}
