//! Budgets, as their pods come and go.

use api::{Reason, Verb};
use serde_json::{Value, json};

use super::*;
use crate::testing::{World, at, events, owned_by, requests, time_text};

const BUDGETS: &api::ApiResource = &resources::POD_DISRUPTION_BUDGETS;

fn key() -> Key {
    Key::new("n", "b")
}

fn world(spec: Value) -> World<DisruptionController> {
    let mut world = World::new(DisruptionController::default());
    let mut budget =
        json!({"metadata": {"name": "b", "namespace": "n", "generation": 3}, "spec": spec});
    budget["spec"]["selector"] = json!({"matchLabels": {"app": "web"}});
    world.put(BUDGETS, budget);
    world
}

fn pod(name: &str, ready: bool) -> Value {
    let status = if ready { "True" } else { "False" };
    json!({"metadata": {"name": name, "namespace": "n", "labels": {"app": "web"}},
        "status": {"conditions": [{"type": "Ready", "status": status}]}})
}

/// A pod that an object owns.
fn owned(name: &str, (version, kind, owner): (&str, &str, &str)) -> Value {
    let mut pod = pod(name, true);
    pod["metadata"]["ownerReferences"] = owned_by(version, kind, owner);
    pod
}

/// The status that the next reconciliation writes.
fn written(world: &mut World<DisruptionController>, now: i64) -> Value {
    let plan = world.reconcile(&key(), at(now));
    requests(&plan, Verb::Update, BUDGETS)[0].body.clone().unwrap()["status"].clone()
}

/// `expectedPods`, `desiredHealthy`, `currentHealthy`, `disruptionsAllowed`.
fn counts(status: &Value) -> [i64; 4] {
    ["expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed"]
        .map(|field| status[field].as_i64().unwrap())
}

#[test]
fn what_is_healthy_beyond_the_minimum_may_be_disrupted() {
    let mut world = world(json!({"minAvailable": 1}));
    let due = world.put(&resources::PODS, pod("a", true));
    world.put(&resources::PODS, pod("b", true));
    world.put(&resources::PODS, pod("c", false));

    let status = written(&mut world, 10);

    assert_eq!((due, counts(&status)), (vec![key()], [3, 1, 2, 1]));
    assert_eq!(status["observedGeneration"], 3);
    let condition = &status["conditions"][0];
    assert_eq!(
        (&condition["status"], &condition["reason"]),
        (&json!("True"), &json!("SufficientPods"))
    );
}

#[test]
fn a_budget_without_pods_allows_nothing() {
    let mut world = world(json!({"minAvailable": 0}));

    let status = written(&mut world, 10);

    assert_eq!(counts(&status), [0, 0, 0, 0]);
    assert_eq!(status["conditions"][0]["reason"], "InsufficientPods");
}

#[test]
fn what_is_up_to_date_is_not_written() {
    let mut world = world(json!({"minAvailable": 1}));
    world.put(&resources::PODS, pod("a", true));
    let plan = world.reconcile(&key(), at(10));
    world.put(BUDGETS, plan.requests[0].body.clone().unwrap());

    assert_eq!(requests(&world.reconcile(&key(), at(20)), Verb::Update, BUDGETS).len(), 0);
}

#[test]
fn a_share_is_of_what_deployments_and_replica_sets_ask_for_rounded_up() {
    let mut world = world(json!({"minAvailable": "30%"}));
    let set = |name: &str, replicas: u32| {
        json!({"metadata": {"name": name, "namespace": "n"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}}})
    };
    let mut deployed = set("deployed", 4);
    deployed["metadata"]["ownerReferences"] = owned_by("apps/v1", "Deployment", "web");
    world.put(&resources::DEPLOYMENTS, set("web", 5));
    world.put(&resources::REPLICA_SETS, deployed);
    world.put(&resources::REPLICA_SETS, set("alone", 2));
    world.put(&resources::PODS, owned("a", ("apps/v1", "ReplicaSet", "deployed")));
    world.put(&resources::PODS, owned("b", ("apps/v1", "ReplicaSet", "alone")));

    assert_eq!(counts(&written(&mut world, 10)), [7, 3, 2, 0]);
}

#[test]
fn the_scale_of_other_owners_is_asked_for() {
    let mut world = world(json!({"maxUnavailable": 1}));
    world.put(&resources::PODS, owned("a", ("apps/v1", "StatefulSet", "db")));
    world.put(&resources::PODS, owned("b", ("apps/v1", "StatefulSet", "db")));
    let ask = world.reconcile(&key(), at(10));
    world.grant(&key(), &ask.requests[0], json!({"spec": {"replicas": 2}}));

    let status = written(&mut world, 10);

    assert_eq!(ask.requests.len(), 1);
    assert_eq!(ask.requests[0].path(), "/apis/apps/v1/namespaces/n/statefulsets/db/scale");
    assert_eq!(counts(&status), [2, 1, 2, 1]);
}

#[test]
fn a_budget_whose_pods_nobody_scales_fails_and_allows_nothing() {
    let mut world = world(json!({"maxUnavailable": 1}));
    world.put(&resources::PODS, owned("a", ("apps/v1", "StatefulSet", "db")));
    let ask = world.reconcile(&key(), at(10));
    world.refuse(&key(), &ask.requests[0], Reason::NotFound);

    let status = written(&mut world, 10);

    assert_eq!(status["disruptionsAllowed"], 0);
    let condition = &status["conditions"][0];
    assert_eq!(condition["reason"], "SyncFailed");
    assert_eq!(condition["message"], "found no controllers for pod \"a\"");
}

#[test]
fn owners_that_nobody_can_scale_are_named() {
    for (owner, why) in [
        (("batch/v1", "Job", "pi"), "jobs.batch does not implement the scale subresource"),
        (("foo.io/v1", "Foo", "foo"), "no matches for kind \"Foo\" in version \"foo.io/v1\""),
    ] {
        let mut world = world(json!({"maxUnavailable": 1}));
        world.put(&resources::PODS, owned("a", owner));

        let status = written(&mut world, 10);

        assert_eq!(status["conditions"][0]["message"], why);
    }
}

#[test]
fn a_pod_of_two_budgets_is_told_of() {
    let mut world = world(json!({"minAvailable": 1}));
    let selector = json!({"matchLabels": {"app": "web"}});
    let other =
        json!({"metadata": {"name": "c", "namespace": "n"}, "spec": {"selector": selector}});
    world.put(BUDGETS, other);
    world.put(&resources::PODS, pod("a", true));

    let plan = world.reconcile(&key(), at(10));

    let told = "MultiplePodDisruptionBudgets: Pod \"n\"/\"a\" matches multiple PodDisruptionBudgets.  \
                Chose \"b\" arbitrarily.";
    assert_eq!(events(&plan), [told]);
}

#[test]
fn pods_without_an_owner_are_told_of_where_a_share_is_wanted() {
    let mut world = world(json!({"maxUnavailable": 1}));
    world.put(&resources::PODS, pod("a", true));

    let plan = world.reconcile(&key(), at(10));

    let event = requests(&plan, Verb::Create, &resources::EVENTS)[0].body.clone().unwrap();
    assert_eq!(event["reason"], "UnmanagedPods");
    let selector = "(selector: &LabelSelector{MatchLabels:map[string]string{app: web,},\
                    MatchExpressions:[]LabelSelectorRequirement{},})";
    assert!(event["message"].as_str().unwrap().contains(selector), "{event}");
}

#[test]
fn an_evicted_pod_does_not_count_until_it_is_late_by_two_minutes() {
    let mut world = world(json!({"minAvailable": 1}));
    world.put(&resources::PODS, pod("a", true));
    world.put(&resources::PODS, pod("b", true));
    let plan = world.reconcile(&key(), at(10));
    let mut budget = plan.requests[0].body.clone().unwrap();
    budget["status"]["disruptedPods"] = json!({"a": time_text(10), "gone": time_text(10)});
    world.put(BUDGETS, budget);

    let soon = world.reconcile(&key(), at(130));
    let status = requests(&soon, Verb::Update, BUDGETS)[0].body.clone().unwrap()["status"].clone();
    let late = written(&mut world, 131);

    assert!(soon.look_again.is_some_and(|when| when > at(130) && when < at(131)));
    assert_eq!(
        (counts(&status), &status["disruptedPods"]),
        ([2, 1, 1, 0], &json!({"a": time_text(10)}))
    );
    assert_eq!((counts(&late), &late["disruptedPods"]), ([2, 1, 2, 1], &Value::Null));
}
