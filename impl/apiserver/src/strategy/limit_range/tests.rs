//! Tests of what limit ranges default and break.

use super::*;

#[test]
fn a_container_gets_the_maximum_unless_it_has_a_default() {
    let limit_range = limit_range(json!({
        "type": "Container", "max": {"cpu": "2"}, "min": {"cpu": 0.5, "memory": "1Gi"},
    }));

    let limit = &limit_range["spec"]["limits"][0];
    assert_eq!(limit["default"], json!({"cpu": "2"}));
    assert_eq!(limit["defaultRequest"], json!({"cpu": "2", "memory": "1Gi"}));
    assert_eq!(limit["min"]["cpu"], "500m");
}

#[test]
fn a_limit_range_says_what_it_breaks() {
    let table = [
        (json!({"type": "Pod", "max": {"cpu": "2"}, "min": {"cpu": "1"}}), vec![]),
        (json!({"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}}), vec![]),
        (
            json!({"type": "PersistentVolumeClaim"}),
            vec![
                "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided",
            ],
        ),
        (
            json!({"type": "Node"}),
            vec![
                "spec.limits[0].type: Invalid value: \"Node\": must be a standard limit type or fully qualified",
            ],
        ),
        (
            json!({"type": "Pod", "default": {"cpu": "1"}}),
            vec!["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
        ),
        (
            json!({"type": "Pod", "max": {"cpu": "1"}, "min": {"cpu": "2"}}),
            vec![
                "spec.limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1",
            ],
        ),
        (
            json!({"type": "Container", "max": {"cpu": "1"}, "default": {"cpu": "2"}, "defaultRequest": {"cpu": "1"}}),
            vec![
                "spec.limits[0].default[cpu]: Invalid value: \"1\": default value 2 is greater than max value 1",
            ],
        ),
        (
            json!({"type": "Pod", "max": {"cpu": "2"}, "min": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "3"}}),
            vec![
                "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"3\": ratio 3 is greater than max/min = 2.000000",
            ],
        ),
        (
            json!({"type": "Container", "default": {"hugepages-2Mi": "4Mi"}, "defaultRequest": {"hugepages-2Mi": "2Mi"}}),
            vec![
                "spec.limits[0].defaultRequest[hugepages-2Mi]: Invalid value: \"2Mi\": default value 4Mi must equal to defaultRequest value 2Mi in hugepages-2Mi",
            ],
        ),
    ];
    for (limit, expected) in table {
        let causes = validate(&limit_range(limit));
        let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
        assert_eq!(messages, expected);
    }
}

#[test]
fn each_type_has_one_limit() {
    let mut limit_range = limit_range(json!({"type": "Pod"}));
    let limit = limit_range["spec"]["limits"][0].clone();
    limit_range["spec"]["limits"].as_array_mut().unwrap().push(limit);

    assert_eq!(
        validate_update(&limit_range, &limit_range)[0].to_string(),
        "spec.limits[1].type: Duplicate value: \"Pod\""
    );
}

fn limit_range(limit: Value) -> Value {
    let mut limit_range =
        json!({"metadata": {"name": "l", "namespace": "n"}, "spec": {"limits": [limit]}});
    apply_defaults(&mut limit_range);
    limit_range
}
