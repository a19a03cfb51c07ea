//! The slices of Services, as their pods come and go.

use api::Verb;
use serde_json::{Value, json};

use super::*;
use crate::services::testing::{SERVICE, pod, service};
use crate::testing::{World, at, names, requests, time_text};

const SLICES: &api::ApiResource = &resources::ENDPOINT_SLICES;

fn key() -> Key {
    Key::new("n", "web")
}

fn world(service: Value) -> World<EndpointSliceController> {
    let mut world = World::new(EndpointSliceController::default());
    world.put(&resources::NODES, json!({"metadata": {"name": "n1", "labels": {ZONE: "here"}}}));
    world.put(SERVICE, service);
    world
}

/// The slices that the next reconciliation writes.
fn written(world: &mut World<EndpointSliceController>, verb: Verb) -> Vec<Value> {
    let plan = world.reconcile(&key(), at(100));
    requests(&plan, verb, SLICES).iter().map(|request| request.body.clone().unwrap()).collect()
}

/// Grants what the next reconciliation creates, and shows it.
fn settle(world: &mut World<EndpointSliceController>) {
    let plan = world.reconcile(&key(), at(100));
    for (index, request) in requests(&plan, Verb::Create, SLICES).into_iter().enumerate() {
        let mut slice = request.body.clone().unwrap();
        slice["metadata"]["name"] = json!(format!("web-{index}"));
        slice["metadata"]["uid"] = json!(format!("uid-web-{index}"));
        slice["metadata"]["generation"] = json!(1);
        world.grant(&key(), request, slice.clone());
        world.put(SLICES, slice);
    }
}

#[test]
fn a_slice_says_of_each_pod_whether_it_is_ready_serves_and_ends() {
    let mut world = world(service());
    let mut doomed = pod("b", "10.0.0.2", true);
    doomed["metadata"]["deletionTimestamp"] = json!(time_text(9));
    world.put(&resources::PODS, pod("a", "10.0.0.1", true));
    world.put(&resources::PODS, doomed);

    let slices = written(&mut world, Verb::Create);

    let endpoint = |name: &str, ip: &str, terminating: bool| {
        json!({"addresses": [ip], "nodeName": "n1", "zone": "here",
            "conditions": {"ready": !terminating, "serving": true, "terminating": terminating},
            "targetRef": {"kind": "Pod", "namespace": "n", "name": name, "uid": format!("uid-{name}")}})
    };
    assert_eq!(slices.len(), 1);
    let (slice, metadata) = (&slices[0], &slices[0]["metadata"]);
    assert_eq!(
        slice["endpoints"],
        json!([endpoint("a", "10.0.0.1", false), endpoint("b", "10.0.0.2", true)])
    );
    assert_eq!(slice["ports"], json!([{"name": "http", "port": 8080, "protocol": "TCP"}]));
    assert_eq!(
        (&slice["addressType"], &metadata["generateName"]),
        (&json!("IPv4"), &json!("web-"))
    );
    assert_eq!(
        metadata["labels"],
        json!({"of": "service", SERVICE_NAME: "web", MANAGED_BY: CONTROLLER})
    );
    assert_eq!(metadata["ownerReferences"][0]["uid"], "uid-web");
    assert_eq!(
        metadata["annotations"]["endpoints.kubernetes.io/last-change-trigger-time"],
        time_text(5)
    );
}

#[test]
fn a_service_without_pods_has_one_empty_slice() {
    let mut world = world(service());
    settle(&mut world);

    let again = world.reconcile(&key(), at(101));

    let slice = world.view.endpoint_slices.get(&Key::new("n", "web-0")).unwrap();
    assert!(slice.endpoints.is_none() && slice.ports.is_none());
    assert_eq!(again, Plan::default());
}

#[test]
fn the_empty_slice_becomes_that_of_the_first_pod() {
    let mut world = world(service());
    settle(&mut world);
    world.put(&resources::PODS, pod("a", "10.0.0.1", true));

    let plan = world.reconcile(&key(), at(101));

    assert_eq!(plan.requests.len(), 1);
    assert_eq!(names(&plan, Verb::Update, SLICES), ["web-0"]);
}

#[test]
fn a_cache_that_does_not_show_what_was_written_is_not_decided_on() {
    let mut world = world(service());
    let plan = world.reconcile(&key(), at(100));
    let mut slice = plan.requests[0].body.clone().unwrap();
    slice["metadata"]["name"] = json!("web-0");
    slice["metadata"]["uid"] = json!("uid-web-0");
    slice["metadata"]["generation"] = json!(2);
    world.grant(&key(), &plan.requests[0], slice.clone());

    let stale = world.reconcile(&key(), at(101));
    slice["metadata"]["generation"] = json!(1);
    world.put(SLICES, slice.clone());
    world.put(&resources::PODS, pod("a", "10.0.0.1", true));
    let older = world.reconcile(&key(), at(102));
    slice["metadata"]["generation"] = json!(2);
    let due = world.put(SLICES, slice);
    let fresh = world.reconcile(&key(), at(103));

    assert_eq!((stale, older), (Plan::default(), Plan::default()));
    assert_eq!((due, names(&fresh, Verb::Update, SLICES).len()), (vec![key()], 1));
}

#[test]
fn pods_that_name_a_port_differently_stand_in_slices_of_their_own() {
    let mut world = world(service());
    let mut other = pod("b", "10.0.0.2", true);
    other["spec"]["containers"][0]["ports"][0]["containerPort"] = json!(9090);
    world.put(&resources::PODS, pod("a", "10.0.0.1", true));
    world.put(&resources::PODS, other);

    let slices = written(&mut world, Verb::Create);

    let ports: Vec<_> = slices.iter().map(|slice| slice["ports"][0]["port"].clone()).collect();
    assert_eq!(ports, [8080, 9090]);
}

#[test]
fn a_pod_of_an_unknown_node_waits_for_its_node() {
    let mut world = world(service());
    let mut lost = pod("a", "10.0.0.1", true);
    lost["spec"]["nodeName"] = json!("n2");
    world.put(&resources::PODS, lost);
    let before = written(&mut world, Verb::Create);

    let due = world.put(&resources::NODES, json!({"metadata": {"name": "n2"}}));

    assert_eq!(before[0]["endpoints"], Value::Null);
    assert_eq!(due, [key()]);
    assert_eq!(written(&mut world, Verb::Create)[0]["endpoints"][0]["nodeName"], "n2");
}

#[test]
fn a_slice_of_a_service_that_was_there_before_goes() {
    let mut world = world(service());
    world.put(&resources::PODS, pod("a", "10.0.0.1", true));
    settle(&mut world);
    let mut again = service();
    again["metadata"]["uid"] = json!("another");
    world.put(SERVICE, again);

    let plan = world.reconcile(&key(), at(101));

    assert_eq!(names(&plan, Verb::Delete, SLICES), ["web-0"]);
    assert_eq!(names(&plan, Verb::Create, SLICES).len(), 1);
}

#[test]
fn a_service_of_two_families_has_slices_of_each() {
    let mut both = service();
    both["spec"]["ipFamilies"] = json!(["IPv6", "IPv4"]);
    let mut world = world(both);
    let mut dual = pod("a", "10.0.0.1", true);
    dual["status"]["podIPs"] = json!([{"ip": "10.0.0.1"}, {"ip": "fd00:0::1"}]);
    world.put(&resources::PODS, dual);

    let slices = written(&mut world, Verb::Create);

    let addresses = slices.iter().map(|slice| slice["endpoints"][0]["addresses"].clone());
    assert_eq!(addresses.collect::<Vec<_>>(), [json!(["10.0.0.1"]), json!(["fd00::1"])]);
}

#[test]
fn a_label_of_the_service_reaches_its_slices() {
    let mut world = world(service());
    world.put(&resources::PODS, pod("a", "10.0.0.1", true));
    settle(&mut world);
    let mut labelled = service();
    labelled["metadata"]["labels"]["more"] = json!("yes");
    world.put(SERVICE, labelled);

    let slices = written(&mut world, Verb::Update);

    assert_eq!(slices[0]["metadata"]["labels"]["more"], "yes");
    assert_eq!(slices[0]["endpoints"].as_array().unwrap().len(), 1);
}
