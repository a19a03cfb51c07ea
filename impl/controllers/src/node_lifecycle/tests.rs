//! The node lifecycle controller, driven by hand.

use api::{Key, Verb, resources};
use serde_json::{Value, json};

use super::{NodeLifecycleController, Timeouts};
use crate::Plan;
use crate::testing::{World, at, names, requests, time_text};

const NODES: &api::ApiResource = &resources::NODES;

#[test]
fn a_node_whose_lease_is_renewed_is_left_alone() {
    let mut world = world("True");
    world.reconcile(&key(), at(100));
    world.put(&resources::LEASES, lease(140));
    world.reconcile(&key(), at(145));

    let plan = world.reconcile(&key(), at(195));

    assert!(plan.requests.is_empty());
    assert_eq!(plan.look_again, Some(at(200)));
}

#[test]
fn a_node_that_is_silent_for_too_long_becomes_unknown() {
    let mut world = world("True");
    world.reconcile(&key(), at(100));

    let early = world.reconcile(&key(), at(150));
    let late = world.reconcile(&key(), at(151));

    assert!(requests(&early, Verb::Update, NODES).is_empty());
    let node = requests(&late, Verb::Update, NODES)[0].body.clone().unwrap();
    let ready = &node["status"]["conditions"][0];
    assert_eq!(ready["status"], "Unknown");
    assert_eq!(ready["reason"], "NodeStatusUnknown");
    assert_eq!(ready["message"], "Kubelet stopped posting node status.");
}

#[test]
fn the_pods_of_a_lost_node_are_marked_as_not_ready_once() {
    let mut world = world("True");
    world.put(&resources::PODS, pod());
    world.reconcile(&key(), at(100));
    let lost = world.reconcile(&key(), at(151));
    let update = requests(&lost, Verb::Update, NODES)[0].clone();
    world.grant(&key(), &update, Value::Null);
    world.put(NODES, update.body.unwrap());

    let first = world.reconcile(&key(), at(152));
    let second = world.reconcile(&key(), at(153));

    assert_eq!(names(&first, Verb::StrategicMergePatch, &resources::PODS), ["web"]);
    assert!(names(&second, Verb::StrategicMergePatch, &resources::PODS).is_empty());
    let events = requests(&first, Verb::Create, &resources::EVENTS);
    let reasons: Vec<Value> =
        events.iter().map(|event| event.body.clone().unwrap()["reason"].clone()).collect();
    assert_eq!(reasons, ["NodeNotReady", "NodeNotReady"]);
}

#[test]
fn an_unreachable_node_is_tainted_and_a_ready_one_is_not() {
    let unreachable = world("Unknown").reconcile(&key(), at(100));
    let not_ready = world("False").reconcile(&key(), at(100));
    let ready = world("True").reconcile(&key(), at(100));

    let both = |key: &str| [format!("{key}:NoExecute"), format!("{key}:NoSchedule")];
    assert_eq!(taints(&unreachable), both("node.kubernetes.io/unreachable"));
    assert_eq!(taints(&not_ready), both("node.kubernetes.io/not-ready"));
    assert!(requests(&ready, Verb::MergePatch, NODES).is_empty());
}

#[test]
fn nodes_that_are_lost_together_are_tainted_for_their_pods_one_after_the_other() {
    let mut world = world("Unknown");
    world.put(NODES, node("node-3", "Unknown"));
    let unreachable = "node.kubernetes.io/unreachable";

    let first = world.reconcile(&key(), at(100));
    let second = world.reconcile(&Key::cluster("node-3"), at(103));
    let later = world.reconcile(&Key::cluster("node-3"), at(110));

    assert_eq!(taints(&first).len(), 2);
    assert_eq!(taints(&second), [format!("{unreachable}:NoSchedule")]);
    assert_eq!(second.look_again, Some(at(105)));
    assert_eq!(taints(&later).len(), 2);
}

#[test]
fn the_last_node_that_is_lost_takes_the_evictions_of_the_others_back() {
    let mut world = world("Unknown");
    let mut tainted = node("node-1", "Unknown");
    let taint = |effect: &str| json!({"key": "node.kubernetes.io/unreachable", "effect": effect});
    tainted["spec"]["taints"] = json!([taint("NoExecute"), taint("NoSchedule")]);
    world.put(NODES, tainted);
    let before = world.reconcile(&key(), at(140));

    world.reconcile(&Key::cluster("node-2"), at(100));
    world.reconcile(&Key::cluster("node-2"), at(151));
    let after = world.reconcile(&key(), at(151));

    assert!(requests(&before, Verb::MergePatch, NODES).is_empty());
    assert_eq!(taints(&after), ["node.kubernetes.io/unreachable:NoSchedule"]);
}

#[test]
fn nodes_are_given_time_once_one_is_ready_again_after_none_was() {
    let mut world = world("Unknown");
    world.put(NODES, node("node-2", "Unknown"));
    world.put(NODES, node("node-3", "False"));
    world.reconcile(&Key::cluster("node-3"), at(100));
    world.put(NODES, node("node-1", "True"));

    world.reconcile(&key(), at(145));
    let early = world.reconcile(&Key::cluster("node-3"), at(195));
    let late = world.reconcile(&Key::cluster("node-3"), at(196));

    assert!(requests(&early, Verb::Update, NODES).is_empty());
    assert_eq!(names(&late, Verb::Update, NODES), ["node-3"]);
}

fn key() -> Key {
    Key::cluster("node-1")
}

fn world(ready: &str) -> World<NodeLifecycleController> {
    let mut world = World::new(NodeLifecycleController::new(Timeouts::default()));
    world.put(NODES, node("node-1", ready));
    world.put(NODES, node("node-2", "True"));
    world
}

fn node(name: &str, ready: &str) -> Value {
    json!({
        "metadata": {"name": name, "creationTimestamp": time_text(1)},
        "status": {"conditions": [
            {"type": "Ready", "status": ready, "lastHeartbeatTime": time_text(90)},
        ]},
    })
}

fn lease(renewed: i64) -> Value {
    let renewed = at(renewed).to_string();
    json!({
        "metadata": {"name": "node-1", "namespace": "kube-node-lease"},
        "spec": {"renewTime": renewed},
    })
}

fn pod() -> Value {
    json!({
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"nodeName": "node-1", "containers": []},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn taints(plan: &Plan) -> Vec<String> {
    let patch = requests(plan, Verb::MergePatch, NODES)[0].body.clone().unwrap();
    let taints = patch["spec"]["taints"].as_array().cloned().unwrap();
    let text = |taint: &Value, field: &str| taint[field].as_str().unwrap().to_owned();
    taints.iter().map(|taint| format!("{}:{}", text(taint, "key"), text(taint, "effect"))).collect()
}
