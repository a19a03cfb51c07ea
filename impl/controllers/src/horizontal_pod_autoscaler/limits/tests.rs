//! Tests of how far and how fast replicas change.

use serde_json::{Value, json};

use super::*;
use crate::testing::at;

#[test]
fn without_rules_replicas_double_at_most() {
    let mut history = History::default();

    let normalized = history.normalize(wish(3, 100, 0), None);

    assert_eq!(normalized.replicas, 6);
    assert_eq!(normalized.limited, TOO_FAST_UP);
    assert!(normalized.is_limited);
}

#[test]
fn without_rules_replicas_stay_within_their_limits() {
    for (current, desired, replicas, why) in
        [(15, 100, 20, TOO_MANY), (5, 1, 2, TOO_FEW), (5, 7, 7, WITHIN_RANGE)]
    {
        let normalized = History::default().normalize(wish(current, desired, 0), None);

        assert_eq!((normalized.replicas, normalized.limited), (replicas, why));
    }
}

#[test]
fn without_rules_a_recommendation_holds_the_replicas_for_five_minutes() {
    let mut history = History::default();
    history.begin(8, at(0));

    let early = history.normalize(wish(8, 4, 300), None);
    let late = history.normalize(wish(8, 4, 301), None);

    assert_eq!((early.replicas, early.able_to_scale), (8, WAS_HIGHER));
    assert_eq!((late.replicas, late.able_to_scale), (4, READY));
}

#[test]
fn a_policy_limits_what_is_added_in_a_period() {
    let rules = behavior(&policy("Pods", 2), &policy("Pods", 1));
    let mut history = History::default();

    let first = history.normalize(wish(4, 10, 0), Some(&rules));
    history.scaled((4, 6), Some(&rules), at(0));
    let early = history.normalize(wish(6, 10, 30), Some(&rules));
    let late = history.normalize(wish(6, 10, 60), Some(&rules));

    assert_eq!((first.replicas, first.limited), (6, TOO_FAST_UP));
    assert_eq!(early.replicas, 6);
    assert_eq!(late.replicas, 8);
}

#[test]
fn a_policy_limits_what_is_removed_by_percent() {
    let rules = behavior(&policy("Pods", 2), &policy("Percent", 10));

    let normalized = History::default().normalize(wish(20, 2, 0), Some(&rules));

    assert_eq!((normalized.replicas, normalized.limited), (18, TOO_FAST_DOWN));
}

#[test]
fn a_direction_can_be_disabled() {
    let mut down = policy("Percent", 100);
    down["selectPolicy"] = json!("Disabled");
    let rules = behavior(&policy("Pods", 2), &down);

    let normalized = History::default().normalize(wish(20, 2, 0), Some(&rules));

    assert_eq!((normalized.replicas, normalized.limited), (20, TOO_FAST_DOWN));
}

#[test]
fn the_least_change_can_be_selected() {
    let mut up = policy("Pods", 2);
    up["policies"] =
        json!([up["policies"][0], {"type": "Percent", "value": 100, "periodSeconds": 60}]);
    up["selectPolicy"] = json!("Min");
    let rules = behavior(&up, &policy("Pods", 1));

    let normalized = History::default().normalize(wish(10, 20, 0), Some(&rules));

    assert_eq!(normalized.replicas, 12);
}

#[test]
fn a_window_holds_replicas_down_when_fewer_were_recommended() {
    let mut up = policy("Pods", 10);
    up["stabilizationWindowSeconds"] = json!(60);
    let rules = behavior(&up, &policy("Pods", 1));
    let mut history = History::default();
    history.normalize(wish(4, 5, 0), Some(&rules));

    let early = history.normalize(wish(4, 9, 30), Some(&rules));
    let late = history.normalize(wish(4, 9, 60), Some(&rules));

    assert_eq!((early.replicas, early.able_to_scale), (5, WAS_LOWER));
    assert_eq!((late.replicas, late.able_to_scale), (9, READY));
}

/// Between two and twenty replicas.
fn wish(current: i32, desired: i32, second: i64) -> Wish {
    Wish { current, desired, min: 2, max: 20, now: at(second) }
}

fn policy(kind: &str, value: i32) -> Value {
    json!({"selectPolicy": "Max", "stabilizationWindowSeconds": 0,
        "policies": [{"type": kind, "value": value, "periodSeconds": 60}]})
}

fn behavior(up: &Value, down: &Value) -> HorizontalPodAutoscalerBehavior {
    serde_json::from_value(json!({"scaleUp": up, "scaleDown": down})).unwrap()
}
