//! Tests of the defaults and rules of HorizontalPodAutoscalers.

use super::*;

#[test]
fn an_autoscaler_is_filled_in() {
    let autoscaler = autoscaler(json!({}));

    assert_eq!(
        autoscaler["spec"],
        json!({
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 1, "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {
                "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80},
            }}],
        })
    );
    assert_eq!(validate(&autoscaler), []);
}

#[test]
fn a_behavior_is_filled_in() {
    let autoscaler =
        autoscaler(json!({"behavior": {"scaleDown": {"selectPolicy": "Min", "tolerance": 0.05}}}));

    assert_eq!(
        autoscaler["spec"]["behavior"],
        json!({
            "scaleUp": {
                "stabilizationWindowSeconds": 0, "selectPolicy": "Max",
                "policies": [
                    {"type": "Pods", "value": 4, "periodSeconds": 15},
                    {"type": "Percent", "value": 100, "periodSeconds": 15},
                ],
            },
            "scaleDown": {
                "selectPolicy": "Min", "tolerance": "50m",
                "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
            },
        })
    );
    assert_eq!(validate(&autoscaler), []);
}

#[test]
fn an_autoscaler_says_what_it_breaks() {
    let target = |change: Value| {
        let mut target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
        target.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        json!({"scaleTargetRef": target})
    };
    let table = [
        (
            json!({"minReplicas": 0}),
            "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1\n\
             spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas",
        ),
        (
            json!({"maxReplicas": 0}),
            "spec.maxReplicas: Required value: must be set and greater than 0\n\
             spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
        ),
        (
            json!({"minReplicas": 5}),
            "spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`",
        ),
        (target(json!({"name": ""})), "spec.scaleTargetRef.name: Required value"),
        (
            target(json!({"kind": "a/b"})),
            "spec.scaleTargetRef.kind: Invalid value: \"a/b\": may not contain '/'",
        ),
        (
            target(json!({"apiVersion": "v1"})),
            "spec.scaleTargetRef.apiVersion: Invalid value: \"v1\": apiVersion must specify API group",
        ),
        (
            target(json!({"apiVersion": "a/b/c"})),
            "spec.scaleTargetRef.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c",
        ),
        (target(json!({"apiVersion": "v1", "kind": "ReplicationController"})), ""),
    ];
    for (change, message) in table {
        assert_eq!(messages(validate(&autoscaler(change))), message);
    }
}

#[test]
fn a_metric_says_what_it_breaks() {
    let path = "spec.metrics[0]";
    let target = json!({"type": "AverageValue", "averageValue": "1"});
    let pods = json!({"metric": {"name": "m"}, "target": target});
    let table = [
        (json!({"type": "Pods", "pods": pods}), String::new()),
        (
            json!({"type": "Pods"}),
            format!(
                "{path}.pods: Required value: must populate information for the given metric source"
            ),
        ),
        (
            json!({"type": "Pods", "pods": pods, "resource": {}}),
            format!("{path}.resource: Forbidden: must populate the given metric source only"),
        ),
        (
            json!({"type": "Mine"}),
            format!(
                "{path}.type: Unsupported value: \"Mine\": supported values: \"ContainerResource\", \"External\", \"Object\", \"Pods\", \"Resource\""
            ),
        ),
        (
            json!({"type": "Pods", "pods": {"metric": {"name": ""}, "target": target}}),
            format!("{path}.pods.metric.name: Required value: must specify a metric name"),
        ),
        (
            json!({"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "Value", "value": 0}}}),
            format!(
                "{path}.pods.target.value: Invalid value: \"0\": must be positive\n\
                 {path}.pods.target.averageValue: Required value: must specify a positive target averageValue"
            ),
        ),
        (
            json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Some", "averageUtilization": 0}}}),
            format!(
                "{path}.resource.target.type: Invalid value: \"Some\": must be either Utilization, Value, or AverageValue\n\
                 {path}.resource.target.averageUtilization: Invalid value: 0: must be greater than 0"
            ),
        ),
        (
            json!({"type": "ContainerResource", "containerResource": {"name": "cpu", "target": {"type": "Utilization"}}}),
            format!(
                "{path}.containerResource.container: Required value: must specify a container\n\
                 {path}.containerResource.target.averageUtilization: Required value: must set either a target raw value or a target utilization"
            ),
        ),
        (
            json!({"type": "External", "external": {"metric": {"name": "m"}, "target": {"type": "Value", "value": "1", "averageValue": "1"}}}),
            format!(
                "{path}.external.target.value: Forbidden: may not set both a target value for metric and a per-pod target"
            ),
        ),
        (
            json!({"type": "Object", "object": {"metric": {"name": "m"}, "target": {"type": "Value"}, "describedObject": {"kind": "Service", "name": "s", "apiVersion": "v1"}}}),
            format!(
                "{path}.object.target.averageValue: Required value: must set either a target value or averageValue"
            ),
        ),
    ];
    for (metric, message) in table {
        assert_eq!(messages(validate(&autoscaler(json!({"metrics": [metric]})))), message);
    }
}

#[test]
fn a_behavior_says_what_it_breaks() {
    let policy = |policy: Value| json!({"policies": [policy]});
    let path = "spec.behavior.scaleUp";
    let table = [
        (
            json!({"stabilizationWindowSeconds": 3601}),
            "stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
        ),
        (
            json!({"stabilizationWindowSeconds": -1}),
            "stabilizationWindowSeconds: Invalid value: -1: must be greater than or equal to zero",
        ),
        (
            json!({"selectPolicy": "Some"}),
            "selectPolicy: Unsupported value: \"Some\": supported values: \"Disabled\", \"Max\", \"Min\"",
        ),
        (json!({"policies": []}), "policies: Required value: must specify at least one Policy"),
        (
            json!({"tolerance": "-1"}),
            "tolerance: Invalid value: \"-1\": must be greater than or equal to 0",
        ),
        (
            policy(json!({"type": "Some", "value": 1, "periodSeconds": 1})),
            "policies[0].type: Unsupported value: \"Some\": supported values: \"Percent\", \"Pods\"",
        ),
        (
            policy(json!({"type": "Pods", "value": 0, "periodSeconds": 1})),
            "policies[0].value: Invalid value: 0: must be greater than zero",
        ),
        (
            policy(json!({"type": "Pods", "value": 1, "periodSeconds": 1801})),
            "policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
        ),
    ];
    for (rules, message) in table {
        let autoscaler = autoscaler(json!({"behavior": {"scaleUp": rules}}));
        assert_eq!(messages(validate(&autoscaler)), format!("{path}.{message}"));
    }
}

#[test]
fn what_was_broken_before_may_stay_so() {
    let old = autoscaler(json!({
        "minReplicas": 0,
        "scaleTargetRef": {"apiVersion": "v1", "kind": "Mine", "name": "web"},
        "metrics": [{"type": "Object", "object": {
            "metric": {"name": "m"}, "target": {"type": "Value", "value": "1"},
            "describedObject": {"kind": "Service", "name": "s", "apiVersion": "a/b/c"},
        }}],
    }));

    assert_eq!(validate(&old).len(), 3);
    assert_eq!(validate_update(&old, &old), []);
}

#[test]
fn a_status_has_counts() {
    let old = autoscaler(json!({}));
    let mut new = old.clone();
    new["status"] = json!({"desiredReplicas": -1});

    assert_eq!(
        messages(validate_status_update(&new, &old)),
        "status.desiredReplicas: Invalid value: -1: must be greater than or equal to 0"
    );
}

fn messages(causes: Vec<Cause>) -> String {
    causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn autoscaler(change: Value) -> Value {
    let mut autoscaler = json!({
        "metadata": {"name": "a", "namespace": "default"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "maxReplicas": 3,
        },
    });
    autoscaler["spec"].as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
    apply_defaults(&mut autoscaler);
    autoscaler
}
