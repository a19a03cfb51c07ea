//! What the controller does about a quota and what is in its namespace.

use api::Verb;
use serde_json::json;

use super::*;
use crate::testing::{World, at as second, names, requests};

const QUOTAS: &ApiResource = &resources::RESOURCE_QUOTAS;

fn key() -> Key {
    Key::new("n", "q")
}

fn quota(status: &Value) -> Value {
    json!({"metadata": {"name": "q", "namespace": "n", "resourceVersion": "7"},
        "spec": {"hard": {"pods": "5", "configmaps": "2", "unheard.of/thing": "1"}}, "status": status})
}

/// What it says once it has been counted.
fn counted(pods: &str) -> Value {
    json!({"hard": {"pods": "5", "configmaps": "2", "unheard.of/thing": "1"},
        "used": {"pods": pods, "configmaps": "1"}})
}

fn world(status: &Value) -> World<ResourceQuotaController> {
    let mut world = World::new(ResourceQuotaController::default());
    world.put(QUOTAS, quota(status));
    world
}

fn pod(name: &str, phase: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "n"}, "spec": {"containers": []},
        "status": {"phase": phase}})
}

/// Lets the API server say that there are these pods and one ConfigMap, and what comes of that.
fn answer(world: &mut World<ResourceQuotaController>, pods: &[Value]) -> Plan {
    let question = world.reconcile(&key(), second(10));
    assert_eq!(question.look_again, Some(second(10)));
    for request in &question.requests {
        let is_pods = request.resource == &resources::PODS;
        let items = if is_pods { json!(pods) } else { json!([{"metadata": {"name": "c"}}]) };
        world.grant(&key(), request, json!({"items": items}));
    }
    world.reconcile(&key(), second(10))
}

fn written(plan: &Plan) -> Vec<Value> {
    let updates = requests(plan, Verb::Update, QUOTAS).into_iter();
    updates.filter(|it| it.subresource == "status").filter_map(|it| it.body.clone()).collect()
}

#[test]
fn a_new_quota_is_told_what_it_limits_and_what_is_used() {
    let mut world = world(&json!({}));

    let plan = answer(&mut world, &[pod("a", "Running"), pod("b", "Failed")]);

    let body = &written(&plan)[0];
    assert_eq!(body["status"], counted("1"));
    assert_eq!(body["metadata"]["resourceVersion"], "7", "nothing may have come in between");
    assert_eq!(plan.look_again, Some(second(300)));
}

#[test]
fn only_what_a_quota_limits_is_read() {
    let mut world = world(&json!({}));

    let question = world.reconcile(&key(), second(10));

    let read: Vec<&str> = question.requests.iter().map(|it| it.resource.plural).collect();
    assert_eq!(read, ["configmaps", "pods"]);
    assert!(question.requests.iter().all(|it| it.key.namespace == "n" && it.verb == Verb::List));
}

#[test]
fn a_quota_that_is_right_is_left_alone() {
    let mut world = world(&counted("1"));

    let plan = answer(&mut world, &[pod("a", "Running")]);

    assert_eq!(plan.requests, []);
    assert_eq!(plan.look_again, Some(second(300)));
}

#[test]
fn a_quota_is_due_when_a_pod_goes_or_ends() {
    let mut world = world(&counted("1"));
    let added = world.put(&resources::PODS, pod("a", "Running"));
    let changed = world.put(&resources::PODS, pod("a", "Running"));
    let ended = world.put(&resources::PODS, pod("a", "Succeeded"));
    let gone = world.remove(&resources::PODS, &Key::new("n", "a"));
    let elsewhere = json!({"metadata": {"name": "c", "namespace": "other"}});
    world.put(&resources::CONFIG_MAPS, elsewhere);
    let other = world.remove(&resources::CONFIG_MAPS, &Key::new("other", "c"));
    world.put(&resources::SECRETS, json!({"metadata": {"name": "s", "namespace": "n"}}));
    let unlimited = world.remove(&resources::SECRETS, &Key::new("n", "s"));

    assert_eq!((added, changed), (vec![], vec![]));
    assert_eq!((ended, gone), (vec![key()], vec![key()]));
    assert_eq!((other, unlimited), (vec![], vec![]));
}

#[test]
fn a_quota_is_due_when_a_pod_has_other_resources_or_comes_under_other_scopes() {
    let mut world = world(&counted("1"));
    world.put(&resources::PODS, pod("a", "Running"));
    let mut changed = pod("a", "Running");
    changed["status"]["containerStatuses"] = json!([{"name": "c", "image": "i", "imageID": "i",
        "ready": true, "restartCount": 0, "resources": {"requests": {"cpu": "1"}}}]);

    let resized = world.put(&resources::PODS, changed.clone());
    changed["spec"]["activeDeadlineSeconds"] = json!(5);
    let bounded = world.put(&resources::PODS, changed.clone());
    changed["metadata"]["labels"] = json!({"a": "b"});
    let labelled = world.put(&resources::PODS, changed);

    assert_eq!((resized, bounded, labelled), (vec![key()], vec![key()], vec![]));
}

#[test]
fn a_quota_is_due_when_it_limits_something_else_but_not_when_more_is_used() {
    let mut world = world(&json!({}));

    let first_counted = world.put(QUOTAS, quota(&counted("1")));
    let used = world.put(QUOTAS, quota(&counted("2")));
    let mut changed = quota(&counted("2"));
    changed["spec"]["hard"]["pods"] = json!("9");
    let changed = world.put(QUOTAS, changed);

    assert_eq!(first_counted, [key()], "what came before it was known is counted now");
    assert_eq!((used, changed), (vec![], vec![key()]));
}

#[test]
fn what_goes_while_it_is_counted_is_counted_again() {
    let mut world = world(&counted("1"));
    world.put(&resources::PODS, pod("a", "Running"));
    let question = world.reconcile(&key(), second(10));
    for request in &question.requests {
        world.grant(&key(), request, json!({"items": [pod("a", "Running")]}));
    }
    world.remove(&resources::PODS, &Key::new("n", "a"));

    let settled = world.reconcile(&key(), second(10));

    assert_eq!(settled.look_again, Some(second(10)));
    assert_eq!(names(&world.reconcile(&key(), second(10)), Verb::List, &resources::PODS).len(), 1);
}

#[test]
fn a_count_that_was_refused_is_made_anew() {
    let mut world = world(&json!({}));
    let question = world.reconcile(&key(), second(10));
    for request in &question.requests {
        world.refuse(&key(), request, api::Reason::InternalError);
    }

    assert_eq!(world.reconcile(&key(), second(11)).requests.len(), question.requests.len());
}

#[test]
fn only_what_is_under_the_scopes_of_a_quota_is_used() {
    let mut world = world(&json!({}));
    let mut scoped = quota(&json!({}));
    scoped["spec"]["scopes"] = json!(["Terminating"]);
    world.put(QUOTAS, scoped);
    let mut short = pod("a", "Running");
    short["spec"]["activeDeadlineSeconds"] = json!(5);

    let plan = answer(&mut world, &[short, pod("b", "Running")]);

    let used = &written(&plan)[0]["status"]["used"];
    assert_eq!(*used, json!({"pods": "1", "configmaps": "0"}), "no ConfigMap is under a scope");
}

#[test]
fn devices_of_claims_are_counted_under_the_names_that_their_class_has() {
    let mut world = World::new(ResourceQuotaController::default());
    let class =
        json!({"metadata": {"name": "gpu"}, "spec": {"extendedResourceName": "example.com/gpu"}});
    world.put(&resources::DEVICE_CLASSES, class);
    let owner = json!([{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "uid-p", "controller": true}]);
    let metadata = json!({"name": "c", "namespace": "n", "ownerReferences": owner,
        "annotations": {"resource.kubernetes.io/extended-resource-claim": "true"}});
    let request = json!({"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 3});
    let spec = json!({"devices": {"requests": [{"name": "r", "exactly": request}]}});
    let claim = json!({"metadata": metadata, "spec": spec});
    let asks = json!({"requests": {"example.com/gpu": "2"}});
    let mut pod = pod("p", "Running");
    pod["spec"]["containers"] = json!([{"name": "c", "resources": asks}]);
    pod["metadata"]["uid"] = json!("uid-p");
    world.put(&resources::PODS, pod.clone());
    let (devices, extended) =
        ("gpu.deviceclass.resource.k8s.io/devices", "requests.example.com/gpu");
    world.put(
        QUOTAS,
        json!({"metadata": {"name": "q", "namespace": "n"},
        "spec": {"hard": {devices: "9", extended: "9"}}}),
    );

    let question = world.reconcile(&key(), second(10));
    for request in &question.requests {
        let items = if request.resource == &resources::PODS { &pod } else { &claim };
        world.grant(&key(), request, json!({"items": [items]}));
    }
    let plan = world.reconcile(&key(), second(10));

    assert_eq!(written(&plan)[0]["status"]["used"], json!({devices: "3", extended: "3"}));
}
