//! The device taint eviction controller, driven by hand.

use api::{ApiResource, Key, Reason, Verb, resources};
use serde_json::{Value, json};

use super::DeviceTaintEvictionController;
use crate::Plan;
use crate::testing::{World, at, names, requests, time_text};

const PODS: &ApiResource = &resources::PODS;
const CLAIMS: &ApiResource = &resources::RESOURCE_CLAIMS;
const SLICES: &ApiResource = &resources::RESOURCE_SLICES;

#[test]
fn a_pod_goes_at_once_when_its_device_is_tainted() {
    let mut world = world(&json!([]));

    let due = world.put(SLICES, slice(1, &taint("NoExecute")));
    let plan = world.reconcile(&key(), at(100));

    assert_eq!(due, [key()]);
    assert_eq!(said(&plan), ["DeviceTaintManagerEviction: Marking for deletion"]);
    assert_eq!(names(&plan, Verb::Delete, PODS), ["web"]);
    let deletion = requests(&plan, Verb::Delete, PODS)[0].body.clone().unwrap();
    assert_eq!(deletion["preconditions"]["uid"], "7");
    let marked = requests(&plan, Verb::StrategicMergePatch, PODS)[0].body.clone().unwrap();
    let condition = &marked["status"]["conditions"][0];
    assert_eq!(condition["reason"], "DeletionByDeviceTaintManager");
    assert_eq!(condition["message"], "Device Taint manager: deleting due to NoExecute taint");
}

#[test]
fn a_taint_of_another_effect_evicts_nobody() {
    let mut world = world(&json!([]));

    let due = world.put(SLICES, slice(1, &taint("NoSchedule")));

    assert!(due.is_empty());
    assert_eq!(world.reconcile(&key(), at(100)), Plan::default());
}

#[test]
fn a_pod_stays_for_as_long_as_its_claim_tolerates_the_taint() {
    let mut world = world(&json!([tolerates(300), tolerates(60)]));
    world.put(SLICES, slice(1, &taint("NoExecute")));

    let first = world.reconcile(&key(), at(100));
    let late = world.reconcile(&key(), at(150));

    assert_eq!(first, Plan { requests: vec![], look_again: Some(at(150)) });
    assert_eq!(names(&late, Verb::Delete, PODS), ["web"]);
}

#[test]
fn a_toleration_without_an_end_lasts_for_ever_if_it_names_the_effect() {
    let forever = json!({"key": "broken", "operator": "Exists", "effect": "NoExecute"});
    let of_all = json!({"key": "broken", "operator": "Exists"});

    let mut world_forever = world(&json!([tolerates(60), forever]));
    world_forever.put(SLICES, slice(1, &taint("NoExecute")));
    let mut world_of_all = world(&json!([of_all]));
    world_of_all.put(SLICES, slice(1, &taint("NoExecute")));

    assert_eq!(world_forever.reconcile(&key(), at(10_000)), Plan::default());
    assert_eq!(names(&world_of_all.reconcile(&key(), at(100)), Verb::Delete, PODS), ["web"]);
}

#[test]
fn a_taint_that_goes_away_cancels_the_deletion_once() {
    let mut world = world(&json!([tolerates(300)]));
    world.put(SLICES, slice(1, &taint("NoExecute")));
    world.reconcile(&key(), at(100));
    world.put(SLICES, slice(1, &json!([])));

    let plan = world.reconcile(&key(), at(110));

    assert_eq!(said(&plan), ["DeviceTaintManagerEviction: Cancelling deletion"]);
    assert_eq!(plan.requests.len(), 1);
    assert_eq!(world.reconcile(&key(), at(120)), Plan::default());
}

#[test]
fn a_newer_slice_of_the_pool_has_the_taints_that_count() {
    let mut world = world(&json!([]));
    world.put(SLICES, slice(1, &taint("NoExecute")));
    let mut newer = slice(2, &json!([]));
    newer["metadata"]["name"] = json!("newer");

    let due = world.put(SLICES, newer);

    assert_eq!(due, [key()]);
    assert_eq!(world.reconcile(&key(), at(100)), Plan::default());
}

#[test]
fn a_deletion_is_asked_for_once_unless_it_is_refused() {
    let mut world = world(&json!([]));
    world.put(SLICES, slice(1, &taint("NoExecute")));
    let first = world.reconcile(&key(), at(100));

    let meanwhile = world.reconcile(&key(), at(100));
    let deletion = requests(&first, Verb::Delete, PODS)[0].clone();
    world.refuse(&key(), &deletion, Reason::ServiceUnavailable);
    let afterwards = world.reconcile(&key(), at(101));

    assert_eq!(meanwhile, Plan::default());
    assert_eq!(names(&afterwards, Verb::Delete, PODS), ["web"]);
}

#[test]
fn a_claim_that_is_reserved_for_another_pod_does_not_count() {
    let mut world = world(&json!([]));
    world.put(SLICES, slice(1, &taint("NoExecute")));
    let mut claim = claim(&json!([]));
    claim["status"]["reservedFor"][0]["uid"] = json!("8");
    world.put(CLAIMS, claim);

    assert_eq!(world.reconcile(&key(), at(100)), Plan::default());
}

fn key() -> Key {
    Key::new("default", "web")
}

fn world(tolerations: &Value) -> World<DeviceTaintEvictionController> {
    let mut world = World::new(DeviceTaintEvictionController::default());
    world.put(PODS, pod());
    world.put(CLAIMS, claim(tolerations));
    world
}

fn pod() -> Value {
    json!({
        "metadata": {"name": "web", "namespace": "default", "uid": "7"},
        "spec": {"nodeName": "node-1", "containers": [],
            "resourceClaims": [{"name": "gpu", "resourceClaimName": "gpu"}]},
    })
}

fn claim(tolerations: &Value) -> Value {
    let result = json!({"request": "gpu", "driver": "gpu.example.com", "pool": "node-1",
        "device": "gpu-0", "tolerations": tolerations});
    json!({
        "metadata": {"name": "gpu", "namespace": "default"},
        "spec": {},
        "status": {
            "allocation": {"devices": {"results": [result]}},
            "reservedFor": [{"resource": "pods", "name": "web", "uid": "7"}],
        },
    })
}

fn slice(generation: i64, taints: &Value) -> Value {
    json!({
        "metadata": {"name": "slice"},
        "spec": {
            "driver": "gpu.example.com", "nodeName": "node-1",
            "pool": {"name": "node-1", "generation": generation, "resourceSliceCount": 1},
            "devices": [{"name": "gpu-0", "taints": taints}],
        },
    })
}

fn taint(effect: &str) -> Value {
    json!([{"key": "broken", "effect": effect, "timeAdded": time_text(90)}])
}

fn tolerates(seconds: i64) -> Value {
    json!({"key": "broken", "operator": "Exists", "effect": "NoExecute",
        "tolerationSeconds": seconds})
}

fn said(plan: &Plan) -> Vec<String> {
    let events = requests(plan, Verb::Create, &resources::EVENTS);
    let bodies = events.iter().map(|event| event.body.clone().unwrap());
    bodies.map(|body| format!("{}: {}", body["reason"], body["message"]).replace('"', "")).collect()
}
