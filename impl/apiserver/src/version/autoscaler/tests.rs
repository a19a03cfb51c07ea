//! Tests of autoscaling/v1 there and back.

use super::*;

const OBJECT: &str = r#"{"kind":"Service","name":"s","apiVersion":"v1"}"#;

fn annotation<'a>(served: &'a Value, name: &str) -> &'a str {
    text(served, &["metadata", "annotations", name])
}

/// An autoscaler with a metric of each type, and a status.
fn stored() -> Value {
    let described = json!({"apiVersion": "v1", "kind": "Service", "name": "s"});
    let average = json!({"type": "AverageValue", "averageValue": "10"});
    let percent = json!({"type": "Utilization", "averageUtilization": 60});
    let selector = json!({"matchLabels": {"type": "b", "name": "a"}});
    let metric = json!({"name": "q"});
    json!({
        "metadata": {"name": "h", "annotations": {"a": "b"}},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"},
            "minReplicas": 1, "maxReplicas": 4,
            "metrics": [
                {"type": "Object", "object": {"describedObject": described,
                    "metric": {"name": "q", "selector": selector},
                    "target": {"type": "Value", "value": "10"}}},
                {"type": "Object", "object": {
                    "describedObject": described, "metric": metric, "target": average}},
                {"type": "Pods", "pods": {"metric": metric, "target": average}},
                {"type": "External", "external": {"metric": metric, "target": average}},
                {"type": "ContainerResource", "containerResource": {
                    "container": "c", "name": "cpu", "target": percent}},
                {"type": "Resource", "resource": {"name": "cpu", "target": percent}},
            ],
            "behavior": {"scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max",
                "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}]}},
        },
        "status": {
            "desiredReplicas": 2,
            "conditions": [{"type": "AbleToScale", "status": "True", "reason": "r"}],
            "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu",
                "current": {"averageValue": "5m", "averageUtilization": 7}}}],
        },
    })
}

#[test]
fn what_the_old_version_has_no_fields_for_lies_in_annotations() {
    let served = serve(&stored());

    assert_eq!(served["spec"]["targetCPUUtilizationPercentage"], 60);
    assert_eq!(served["spec"].get("metrics"), None);
    let status = json!({"currentReplicas": 0, "desiredReplicas": 2,
        "currentCPUUtilizationPercentage": 7});
    assert_eq!(served["status"], status);
    let metrics = format!(
        r#"[{{"type":"Object","object":{{"target":{OBJECT},"metricName":"q","targetValue":"10","selector":{{"matchLabels":{{"name":"a","type":"b"}}}}}}}},{{"type":"Object","object":{{"target":{OBJECT},"metricName":"q","targetValue":"0","averageValue":"10"}}}},{{"type":"Pods","pods":{{"metricName":"q","targetAverageValue":"10"}}}},{{"type":"External","external":{{"metricName":"q","targetAverageValue":"10"}}}},{{"type":"ContainerResource","containerResource":{{"name":"cpu","targetAverageUtilization":60,"container":"c"}}}}]"#
    );
    assert_eq!(annotation(&served, METRICS), metrics);
    assert_eq!(
        annotation(&served, CURRENT_METRICS),
        r#"[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":7,"currentAverageValue":"5m"}}]"#
    );
    assert_eq!(
        annotation(&served, CONDITIONS),
        r#"[{"type":"AbleToScale","status":"True","reason":"r"}]"#
    );
    assert_eq!(
        annotation(&served, BEHAVIOR),
        r#"{"ScaleUp":{"StabilizationWindowSeconds":0,"SelectPolicy":"Max","Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":15}],"Tolerance":null},"ScaleDown":null}"#
    );
}

#[test]
fn an_autoscaler_is_the_same_there_and_back() {
    let mut expected = stored();
    expected["status"]["currentReplicas"] = json!(0);

    assert_eq!(store(&serve(&stored())), expected);
}

#[test]
fn without_a_metric_the_processor_is_to_be_used_at_80_percent() {
    let served = json!({"metadata": {"name": "h"}, "spec": {"maxReplicas": 2}});

    let stored = store(&served);

    assert_eq!(stored["spec"]["metrics"], json!([cpu_target(&json!(80))]));
}

#[test]
fn an_annotation_that_makes_no_sense_is_ignored() {
    let table = [
        (METRICS, "nonsense"),
        (METRICS, r#"[{"type":"Pods","pods":{"targetAverageValue":"nonsense"}}]"#),
        (METRICS, "[1]"),
        (BEHAVIOR, r#"{"Nonsense":{}}"#),
        (CONDITIONS, "{}"),
        (CURRENT_METRICS, "{}"),
    ];
    let plain = json!({"metadata": {"name": "h"}, "spec": {"maxReplicas": 2}, "status": {}});
    for (name, value) in table {
        let mut served = plain.clone();
        served["metadata"]["annotations"] = json!({name: value});

        assert_eq!(store(&served), store(&plain), "{name}: {value}");
    }
}
