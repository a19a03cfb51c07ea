//! The Endpoints of Services, as their pods come and go.

use api::Reason;
use serde_json::{Value, json};

use super::*;
use crate::services::testing::{SERVICE, pod, service};
use crate::testing::{World, at, names, requests, time_text};

const ENDPOINTS: &api::ApiResource = &resources::ENDPOINTS;

fn key() -> Key {
    Key::new("n", "web")
}

fn world(service: Value) -> World<EndpointsController> {
    let mut world = World::new(EndpointsController::default());
    world.put(SERVICE, service);
    world
}

/// The Endpoints that the next reconciliation writes.
fn written(world: &mut World<EndpointsController>, verb: Verb) -> Value {
    let plan = world.reconcile(&key(), at(100));
    requests(&plan, verb, ENDPOINTS)[0].body.clone().unwrap()
}

#[test]
fn ready_pods_of_a_service_are_its_endpoints() {
    let mut world = world(service());
    let due = world.put(&resources::PODS, pod("a", "10.0.0.2", true));
    world.put(&resources::PODS, pod("b", "10.0.0.1", true));
    world.put(&resources::PODS, pod("c", "10.0.0.3", false));

    let endpoints = written(&mut world, Verb::Create);

    assert_eq!(due, [key()]);
    let address = |name: &str, ip: &str| {
        json!({"ip": ip, "nodeName": "n1", "targetRef": {"kind": "Pod", "namespace": "n", "name": name,
            "uid": format!("uid-{name}")}})
    };
    assert_eq!(
        endpoints["subsets"],
        json!([{"addresses": [address("b", "10.0.0.1"), address("a", "10.0.0.2")],
            "notReadyAddresses": [address("c", "10.0.0.3")],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}])
    );
    let metadata = &endpoints["metadata"];
    assert_eq!(metadata["labels"], json!({"of": "service", MANAGED_BY.0: MANAGED_BY.1}));
    assert_eq!(
        metadata["annotations"]["endpoints.kubernetes.io/last-change-trigger-time"],
        time_text(5)
    );
}

#[test]
fn a_service_without_pods_has_endpoints_without_addresses() {
    let endpoints = written(&mut world(service()), Verb::Create);

    assert_eq!(
        (&endpoints["metadata"]["name"], &endpoints["subsets"]),
        (&json!("web"), &Value::Null)
    );
}

#[test]
fn pods_that_are_not_ready_are_told_of_where_the_service_wants_them() {
    let mut service = service();
    service["spec"]["publishNotReadyAddresses"] = json!(true);
    let mut world = world(service);
    let mut doomed = pod("a", "10.0.0.1", false);
    doomed["metadata"]["deletionTimestamp"] = json!(time_text(9));
    world.put(&resources::PODS, doomed);

    let endpoints = written(&mut world, Verb::Create);

    assert_eq!(endpoints["subsets"][0]["addresses"][0]["ip"], "10.0.0.1");
}

#[test]
fn a_pod_that_is_being_deleted_or_has_finished_is_no_endpoint() {
    let mut world = world(service());
    let (mut doomed, mut finished) = (pod("a", "10.0.0.1", true), pod("b", "10.0.0.2", true));
    doomed["metadata"]["deletionTimestamp"] = json!(time_text(9));
    finished["status"]["phase"] = json!("Succeeded");
    world.put(&resources::PODS, doomed);
    world.put(&resources::PODS, finished);

    assert_eq!(written(&mut world, Verb::Create)["subsets"], Value::Null);
}

#[test]
fn a_headless_service_without_ports_has_addresses_with_names() {
    let mut service = service();
    service["spec"]["clusterIP"] = json!("None");
    service["spec"]["ports"] = Value::Null;
    let mut world = world(service);
    let mut named = pod("a", "10.0.0.1", true);
    named["spec"]["hostname"] = json!("first");
    named["spec"]["subdomain"] = json!("web");
    world.put(&resources::PODS, named);

    let endpoints = written(&mut world, Verb::Create);

    let subset = &endpoints["subsets"][0];
    assert_eq!(
        (&subset["ports"], &subset["addresses"][0]["hostname"]),
        (&Value::Null, &json!("first"))
    );
    assert_eq!(endpoints["metadata"]["labels"][IS_HEADLESS], "");
}

#[test]
fn endpoints_are_written_again_only_when_they_change_and_the_cache_is_new() {
    let mut world = world(service());
    let mut made = written(&mut world, Verb::Create);
    world.put(ENDPOINTS, made.clone());
    let same = world.reconcile(&key(), at(100));
    world.put(&resources::PODS, pod("a", "10.0.0.1", true));
    let plan = world.reconcile(&key(), at(101));
    made["metadata"]["resourceVersion"] = json!("2");
    world.grant(&key(), &plan.requests[0], made.clone());
    world.put(&resources::PODS, pod("b", "10.0.0.2", true));

    let stale = world.reconcile(&key(), at(102));
    let due = world.put(ENDPOINTS, made);
    let fresh = world.reconcile(&key(), at(103));

    assert_eq!((same.requests.len(), stale.requests.len()), (0, 0));
    assert_eq!(due, [key()]);
    assert_eq!(names(&plan, Verb::Update, ENDPOINTS), ["web"]);
    assert_eq!(names(&fresh, Verb::Update, ENDPOINTS), ["web"]);
}

#[test]
fn what_somebody_else_writes_into_endpoints_stays_until_their_service_changes() {
    let mut world = world(service());
    let mut made = written(&mut world, Verb::Create);
    world.put(ENDPOINTS, made.clone());
    made["metadata"]["resourceVersion"] = json!("2");
    made["subsets"] = json!([{"addresses": [{"ip": "10.0.0.9"}], "ports": [{"port": 1}]}]);
    let due = world.put(ENDPOINTS, made);
    let due_with_service = world.put(SERVICE, service());

    assert_eq!((due, due_with_service), (vec![], vec![key()]));
    assert_eq!(written(&mut world, Verb::Update)["subsets"], Value::Null);
}

#[test]
fn endpoints_go_with_their_service_and_stay_without_a_selector() {
    let mut by_hand = service();
    by_hand["spec"]["selector"] = Value::Null;
    let mut world = world(by_hand);
    world.put(ENDPOINTS, json!({"metadata": {"name": "web", "namespace": "n"}}));
    let kept = world.reconcile(&key(), at(100));
    world.remove(SERVICE, &key());

    let gone = world.reconcile(&key(), at(101));

    assert_eq!(kept, Plan::default());
    assert_eq!(names(&gone, Verb::Delete, ENDPOINTS), ["web"]);
}

#[test]
fn a_refusal_is_told_with_the_next_plan() {
    let mut world = world(service());
    let plan = world.reconcile(&key(), at(100));
    world.refuse(&key(), &plan.requests[0], Reason::Forbidden);

    let next = world.reconcile(&key(), at(101));

    let event = requests(&next, Verb::Create, &resources::EVENTS)[0].body.clone().unwrap();
    assert_eq!(event["reason"], "FailedToCreateEndpoint");
}

#[test]
fn only_what_shows_in_endpoints_makes_a_service_due() {
    let mut world = world(service());
    world.put(&resources::PODS, pod("a", "10.0.0.1", true));
    let mut annotated = pod("a", "10.0.0.1", true);
    annotated["metadata"]["annotations"] = json!({"a": "b"});
    let mut left = pod("a", "10.0.0.1", true);
    left["metadata"]["labels"] = json!({});

    let due = [annotated, left.clone(), left].map(|pod| world.put(&resources::PODS, pod));

    assert_eq!(due, [vec![], vec![key()], vec![]]);
}
