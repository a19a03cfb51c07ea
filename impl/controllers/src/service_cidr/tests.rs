//! Tests of which ranges are ready, and which are kept.

use api::Reason;

use super::*;
use crate::testing::{World, at, events, requests, time_text};

const CIDRS: &api::ApiResource = &resources::SERVICE_CIDRS;
const ADDRESSES: &api::ApiResource = &resources::IP_ADDRESSES;

fn world() -> World<ServiceCidrController> {
    World::new(ServiceCidrController::default())
}

fn cidr(name: &str, cidrs: &[&str]) -> Value {
    json!({"metadata": {"name": name, "finalizers": [FINALIZER]}, "spec": {"cidrs": cidrs}})
}

/// The same, deleted at second 100.
fn deleted(name: &str, cidrs: &[&str]) -> Value {
    let mut cidr = cidr(name, cidrs);
    cidr["metadata"]["deletionTimestamp"] = json!(time_text(100));
    cidr
}

fn address(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {ALLOCATOR.0: ALLOCATOR.1}}})
}

fn condition(plan: &Plan) -> Option<Value> {
    let request = requests(plan, Verb::Apply, CIDRS).into_iter().next()?;
    assert_eq!((request.subresource, request.field_manager), ("status", NAME));
    Some(request.body.clone().unwrap()["status"]["conditions"][0].clone())
}

/// The finalizers that are taken away.
fn let_go(plan: &Plan) -> Option<Value> {
    let request = requests(plan, Verb::StrategicMergePatch, CIDRS).into_iter().next()?;
    Some(request.body.clone()?["metadata"]["$deleteFromPrimitiveList/finalizers"].clone())
}

#[test]
fn a_new_range_gets_its_finalizer_and_is_ready() {
    let mut world = world();
    let mut new = cidr("a", &["10.0.0.0/24"]);
    new["metadata"]["finalizers"] = json!([]);
    let due = world.put(CIDRS, new);

    let plan = world.reconcile(&due[0], at(10));

    let patch = requests(&plan, Verb::StrategicMergePatch, CIDRS)[0].body.clone().unwrap();
    assert_eq!(patch, json!({"metadata": {"finalizers": [FINALIZER]}}));
    let expected = json!({"type": "Ready", "status": "True", "reason": "",
        "message": "Kubernetes Service CIDR is ready", "lastTransitionTime": time_text(10)});
    assert_eq!(condition(&plan), Some(expected));
}

#[test]
fn a_range_that_is_ready_is_left_alone() {
    let mut world = world();
    let mut ready = cidr("a", &["10.0.0.0/24"]);
    let condition = json!({"type": "Ready", "status": "True", "reason": "",
        "message": "Kubernetes Service CIDR is ready", "lastTransitionTime": time_text(5)});
    ready["status"] = json!({"conditions": [condition]});
    let due = world.put(CIDRS, ready);

    assert_eq!(world.reconcile(&due[0], at(10)), Plan::default());
}

#[test]
fn a_status_that_cannot_be_written_is_told() {
    let mut world = world();
    let due = world.put(CIDRS, cidr("a", &["10.0.0.0/24"]));
    let plan = world.reconcile(&due[0], at(10));
    world.refuse(&due[0], &plan.requests[0], Reason::InternalError);

    let plan = world.reconcile(&due[0], at(11));

    let expected =
        "KubernetesServiceCIDRError: The ServiceCIDR Status can not be set to Ready=True";
    assert_eq!(events(&plan), [expected]);
}

#[test]
fn a_range_stays_while_an_address_is_of_no_other() {
    let mut world = world();
    let due = world.put(CIDRS, deleted("a", &["10.0.0.0/24"]));
    world.put(CIDRS, cidr("other", &["10.1.0.0/24"]));
    assert_eq!(world.put(ADDRESSES, address("10.0.0.7")), due);

    let kept = world.reconcile(&due[0], at(1000));
    assert_eq!(world.remove(ADDRESSES, &Key::cluster("10.0.0.7")), due);
    let free = world.reconcile(&due[0], at(1000));

    let condition = condition(&kept).unwrap();
    assert_eq!(
        (&condition["status"], &condition["reason"]),
        (&json!("False"), &json!("Terminating"))
    );
    assert_eq!(let_go(&kept), None);
    assert_eq!(let_go(&free), Some(json!([FINALIZER])));
}

#[test]
fn a_range_goes_ten_seconds_after_its_deletion() {
    let mut world = world();
    let due = world.put(CIDRS, deleted("a", &["10.0.0.0/24"]));

    let early = world.reconcile(&due[0], at(109));
    let late = world.reconcile(&due[0], at(110));

    assert_eq!((early.requests.len(), early.look_again), (0, Some(at(110))));
    assert_eq!(let_go(&late), Some(json!([FINALIZER])));
}

#[test]
fn a_range_within_another_goes_with_its_addresses() {
    let mut world = world();
    world.put(ADDRESSES, address("10.0.0.7"));
    let due = world.put(CIDRS, deleted("a", &["10.0.0.0/24"]));
    let kept = world.reconcile(&due[0], at(1000));

    let both = world.put(CIDRS, cidr("wide", &["10.0.0.0/16"]));
    let free = world.reconcile(&due[0], at(1000));

    assert!(condition(&kept).is_some());
    assert_eq!(both, [Key::cluster("a"), Key::cluster("wide")]);
    assert!(let_go(&free).is_some());
}

#[test]
fn an_address_that_no_service_was_given_keeps_nothing() {
    let mut world = world();
    let due = world.put(CIDRS, deleted("a", &["10.0.0.0/24"]));
    let foreign = json!({"metadata": {"name": "10.0.0.7"}});

    assert!(world.put(ADDRESSES, foreign).is_empty());
    assert!(let_go(&world.reconcile(&due[0], at(1000))).is_some());
}
