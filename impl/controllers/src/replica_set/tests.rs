//! The controllers of ReplicaSets and ReplicationControllers, driven by hand.

use api::{Key, Reason, Verb, resources};
use serde_json::{Value, json};

use super::{ReplicaSetController, ReplicationManager};
use crate::testing::{World, at, names, owned_by, requests, time_text};

const PODS: &api::ApiResource = &resources::PODS;
const REPLICA_SETS: &api::ApiResource = &resources::REPLICA_SETS;
const REPLICATION_CONTROLLERS: &api::ApiResource = &resources::REPLICATION_CONTROLLERS;

#[test]
fn missing_pods_are_created_from_the_template() {
    let mut world = world(2);

    let plan = world.reconcile(&key(), at(10));

    let creations = requests(&plan, Verb::Create, PODS);
    assert_eq!(creations.len(), 2);
    let pod = creations[0].body.clone().unwrap();
    assert_eq!(pod["metadata"]["generateName"], "web-");
    assert_eq!(pod["metadata"]["labels"], json!({"app": "web"}));
    assert_eq!(pod["metadata"]["ownerReferences"], owned_by("apps/v1", "ReplicaSet", "web"));
}

#[test]
fn nothing_is_created_while_creations_are_not_yet_seen() {
    let mut world = world(2);
    world.reconcile(&key(), at(10));
    world.put(PODS, pod("web-a", json!({})));

    let plan = world.reconcile(&key(), at(11));

    assert!(requests(&plan, Verb::Create, PODS).is_empty());
    assert!(plan.look_again.is_some());
}

#[test]
fn a_refused_creation_is_tried_again_and_told() {
    let mut world = world(2);
    let plan = world.reconcile(&key(), at(10));
    let created = requests(&plan, Verb::Create, PODS);
    world.refuse(&key(), created[0], Reason::Forbidden);
    world.leave_out(&key(), created[1]);

    let plan = world.reconcile(&key(), at(11));

    assert_eq!(requests(&plan, Verb::Create, PODS).len(), 2);
    let event = requests(&plan, Verb::Create, &resources::EVENTS)[0].body.clone().unwrap();
    assert_eq!(event["reason"], "FailedCreate");
    assert_eq!(event["message"], "Error creating: refused");
    let status = requests(&plan, Verb::Update, REPLICA_SETS)[0].body.clone().unwrap();
    assert_eq!(status["status"]["conditions"][0]["reason"], "FailedCreate");
}

#[test]
fn pods_that_serve_least_are_deleted_first() {
    let mut world = world(1);
    let ready = json!([{"type": "Ready", "status": "True", "lastTransitionTime": time_text(5)}]);
    let running = json!({"phase": "Running", "conditions": ready});
    world.put(PODS, bound(pod("ready", running), "node-1"));
    world.put(PODS, bound(pod("not-ready", json!({"phase": "Running"})), "node-1"));
    world.put(PODS, bound(pod("pending", json!({"phase": "Pending"})), "node-2"));
    world.put(PODS, pod("unassigned", json!({"phase": "Pending"})));

    let plan = world.reconcile(&key(), at(10));

    assert_eq!(names(&plan, Verb::Delete, PODS), ["unassigned", "pending", "not-ready"]);
}

#[test]
fn an_orphan_is_adopted_after_the_api_server_says_that_the_owner_lives() {
    let mut world = world(1);
    let mut orphan = pod("orphan", json!({}));
    orphan["metadata"]["ownerReferences"] = Value::Null;
    assert_eq!(world.put(PODS, orphan), [key()]);

    let question = world.reconcile(&key(), at(10));
    let answer = json!({"metadata": {"uid": "uid-web"}});
    world.grant(&key(), &question.requests[0], answer);
    let plan = world.reconcile(&key(), at(10));

    assert_eq!(names(&question, Verb::Get, REPLICA_SETS), ["web"]);
    assert_eq!(question.requests.len(), 1);
    assert_eq!(names(&plan, Verb::StrategicMergePatch, PODS), ["orphan"]);
    assert!(requests(&plan, Verb::Create, PODS).is_empty());
}

#[test]
fn a_pod_is_available_after_it_was_ready_for_long_enough() {
    let mut world = world(1);
    let mut replica_set = replica_set(1);
    replica_set["spec"]["minReadySeconds"] = Value::from(30);
    world.put(REPLICA_SETS, replica_set);
    let ready = json!([{"type": "Ready", "status": "True", "lastTransitionTime": time_text(5)}]);
    world.put(PODS, pod("web-a", json!({"phase": "Running", "conditions": ready})));

    let early = world.reconcile(&key(), at(10));
    let late = world.reconcile(&key(), at(35));

    let status = |plan: &crate::Plan| {
        requests(plan, Verb::Update, REPLICA_SETS)[0].body.clone().unwrap()["status"].clone()
    };
    assert_eq!(early.look_again, Some(at(35)));
    assert_eq!(status(&early)["readyReplicas"], 1);
    assert_eq!(status(&early)["availableReplicas"], Value::Null);
    assert_eq!(status(&late)["availableReplicas"], 1);
}

fn key() -> Key {
    Key::new("default", "web")
}

fn world(replicas: i32) -> World<ReplicaSetController> {
    let mut world = World::new(ReplicaSetController::default());
    world.put(REPLICA_SETS, replica_set(replicas));
    world
}

fn replica_set(replicas: i32) -> Value {
    json!({
        "metadata": {"name": "web", "namespace": "default", "generation": 1},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web"}]},
            },
        },
    })
}

fn pod(name: &str, status: Value) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "default", "labels": {"app": "web"},
            "ownerReferences": owned_by("apps/v1", "ReplicaSet", "web"),
        },
        "spec": {"containers": [{"name": "web"}]},
        "status": status,
    })
}

fn bound(mut pod: Value, node: &str) -> Value {
    pod["spec"]["nodeName"] = Value::from(node);
    pod
}

#[test]
fn a_replication_controller_keeps_pods_as_a_replica_set_does() {
    let mut world = World::new(ReplicationManager::default());
    world.put(REPLICATION_CONTROLLERS, replication_controller());
    let mut terminating = pod("web-b", json!({}));
    terminating["metadata"]["ownerReferences"] = owned_by("v1", "ReplicationController", "web");
    terminating["metadata"]["deletionTimestamp"] = time_text(5).into();
    world.put(PODS, terminating);

    let plan = world.reconcile(&key(), at(10));

    let creations = requests(&plan, Verb::Create, PODS);
    assert_eq!(creations.len(), 2);
    let owners = &creations[0].body.as_ref().unwrap()["metadata"]["ownerReferences"];
    assert_eq!(owners, &owned_by("v1", "ReplicationController", "web"));
    let status = requests(&plan, Verb::Update, REPLICATION_CONTROLLERS)[0].body.clone().unwrap();
    assert_eq!(status["status"], json!({"replicas": 0, "observedGeneration": 1}));
}

#[test]
fn a_replication_controller_does_not_write_a_status_that_it_has() {
    let mut world = World::new(ReplicationManager::default());
    let mut controller = replication_controller();
    controller["spec"]["replicas"] = 0.into();
    controller["status"] = json!({"replicas": 0, "observedGeneration": 1});
    world.put(REPLICATION_CONTROLLERS, controller);

    let plan = world.reconcile(&key(), at(10));

    assert!(plan.requests.is_empty(), "{plan:?}");
}

#[test]
fn a_replica_set_and_a_replication_controller_of_one_name_leave_each_others_pods_alone() {
    let mut world = World::new(ReplicationManager::default());
    world.put(REPLICATION_CONTROLLERS, replication_controller());

    let due = world.put(PODS, pod("web-a", json!({})));

    assert!(due.is_empty());
}

fn replication_controller() -> Value {
    let mut controller = replica_set(2);
    controller["spec"]["selector"] = json!({"app": "web"});
    controller
}
