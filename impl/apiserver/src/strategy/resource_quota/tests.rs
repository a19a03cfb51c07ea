//! Tests of what quotas break.

use super::*;

#[test]
fn a_quota_says_what_it_breaks() {
    let table = [
        (json!({"hard": {"pods": "4", "requests.cpu": "1", "example.com/gpu": "1"}}), vec![]),
        (
            json!({"hard": {"storage": "1"}}),
            vec![
                "spec.hard[storage]: Invalid value: \"storage\": must be a standard resource for quota",
            ],
        ),
        (
            json!({"hard": {"pods": "500m"}}),
            vec!["spec.hard[pods]: Invalid value: \"500m\": must be an integer"],
        ),
        (
            json!({"hard": {"cpus": "-1"}}),
            vec![
                "spec.hard[cpus]: Invalid value: \"cpus\": must be a standard resource type or fully qualified",
                "spec.hard[cpus]: Invalid value: \"cpus\": must be a standard resource for quota",
                "spec.hard[cpus]: Invalid value: \"-1\": must be greater than or equal to 0",
            ],
        ),
    ];
    for (spec, expected) in table {
        assert_eq!(messages(validate(&quota(spec))), expected);
    }
}

#[test]
fn scopes_fit_the_resources_and_each_other() {
    let table = [
        (
            json!({"hard": {"secrets": "1"}, "scopes": ["Terminating"]}),
            vec![
                "spec.scopes: Invalid value: [\"Terminating\"]: unsupported scope applied to resource",
            ],
        ),
        (
            json!({"scopes": ["Terminating", "NotTerminating"]}),
            vec![
                "spec.scopes: Invalid value: [\"Terminating\",\"NotTerminating\"]: conflicting scopes",
            ],
        ),
        (
            json!({"scopes": ["Fast"]}),
            vec!["spec.scopes: Invalid value: [\"Fast\"]: unsupported scope"],
        ),
    ];
    for (spec, expected) in table {
        assert_eq!(messages(validate(&quota(spec))), expected);
    }
}

#[test]
fn a_scope_selector_says_what_it_breaks() {
    let table = [
        (json!({"scopeName": "PriorityClass", "operator": "In", "values": ["a"]}), vec![]),
        (
            json!({"scopeName": "PriorityClass", "operator": "In"}),
            vec![
                "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
            ],
        ),
        (
            json!({"scopeName": "Fast", "operator": "Is"}),
            vec![
                "spec.scopeSelector.matchExpressions.scopeName: Invalid value: \"Fast\": unsupported scope",
                "spec.scopeSelector.matchExpressions.operator: Invalid value: \"Is\": not a valid selector operator",
            ],
        ),
        (
            json!({"scopeName": "VolumeAttributesClass", "operator": "Exists"}),
            vec![
                "spec.scopeSelector.matchExpressions: Invalid value: {\"MatchExpressions\":[{\"ScopeName\":\"VolumeAttributesClass\",\"Operator\":\"Exists\",\"Values\":null}]}: unsupported scope applied to resource",
            ],
        ),
    ];
    for (expression, expected) in table {
        let selector = json!({"matchExpressions": [expression]});
        let quota = quota(json!({"hard": {"pods": "1"}, "scopeSelector": selector}));
        assert_eq!(messages(validate(&quota)), expected);
    }
}

#[test]
fn scopes_stay_whatever_their_order() {
    let old = quota(json!({"scopes": ["NotBestEffort", "Terminating"]}));
    let same = quota(json!({"scopes": ["Terminating", "NotBestEffort"]}));
    let other = quota(json!({"scopes": ["Terminating"]}));

    assert_eq!(validate_update(&same, &old), []);
    assert_eq!(
        messages(validate_update(&other, &old)),
        ["spec.scopes: Invalid value: [\"Terminating\"]: field is immutable"]
    );
}

#[test]
fn a_status_counts_what_a_quota_can() {
    let old = quota(json!({}));
    let mut new = old.clone();
    new["status"] = json!({"used": {"pods": "-1"}});

    assert_eq!(
        messages(validate_status_update(&new, &old)),
        ["status.used[pods]: Invalid value: \"-1\": must be greater than or equal to 0"]
    );
}

#[test]
fn quantities_are_written_in_one_way() {
    assert_eq!(quota(json!({"hard": {"cpu": 0.5}}))["spec"]["hard"]["cpu"], "500m");
}

fn quota(spec: Value) -> Value {
    let mut quota = json!({"metadata": {"name": "q", "namespace": "n"}, "spec": spec});
    apply_defaults(&mut quota);
    quota
}

fn messages(causes: Vec<Cause>) -> Vec<String> {
    causes.iter().map(ToString::to_string).collect()
}
