//! Mirrors of Endpoints, as these change.

use api::Verb;
use serde_json::{Value, json};

use super::*;
use crate::testing::{World, at, names, requests};

const SLICES: &api::ApiResource = &resources::ENDPOINT_SLICES;

fn key() -> Key {
    Key::new("n", "db")
}

fn endpoints(addresses: &Value) -> Value {
    json!({"metadata": {"name": "db", "namespace": "n", "labels": {"a": "b"},
            "annotations": {"c": "d", LAST_APPLIED: "x"}},
        "subsets": [{"addresses": addresses, "ports": [{"port": 80, "protocol": "TCP"}]}]})
}

fn world(addresses: &Value) -> World<EndpointSliceMirroringController> {
    let mut world = World::new(EndpointSliceMirroringController::default());
    world.put(
        &resources::SERVICES,
        json!({"metadata": {"name": "db", "namespace": "n"}, "spec": {}}),
    );
    world.put(&resources::ENDPOINTS, endpoints(addresses));
    world
}

/// Grants what the next reconciliation creates, and shows it.
fn settle(world: &mut World<EndpointSliceMirroringController>) -> Value {
    let plan = world.reconcile(&key(), at(1));
    let request = requests(&plan, Verb::Create, SLICES)[0];
    let mut slice = request.body.clone().unwrap();
    slice["metadata"]["name"] = json!("db-0");
    slice["metadata"]["uid"] = json!("uid-db-0");
    world.grant(&key(), request, slice.clone());
    world.put(SLICES, slice.clone());
    slice
}

#[test]
fn endpoints_written_by_hand_are_mirrored() {
    let mut world = world(&json!([{"ip": "10.1.2.3", "nodeName": "n1"}]));

    let slice = settle(&mut world);

    let metadata = &slice["metadata"];
    assert_eq!(
        slice["endpoints"],
        json!([{"addresses": ["10.1.2.3"], "conditions": {"ready": true}, "nodeName": "n1"}])
    );
    assert_eq!(slice["ports"], json!([{"name": "", "port": 80, "protocol": "TCP"}]));
    assert_eq!(metadata["labels"], json!({"a": "b", SERVICE_NAME: "db", MANAGED_BY: CONTROLLER}));
    assert_eq!(metadata["annotations"], json!({"c": "d"}));
    assert_eq!(metadata["ownerReferences"][0]["kind"], "Endpoints");
    assert_eq!(world.reconcile(&key(), at(2)).requests, []);
}

#[test]
fn a_change_is_mirrored_under_the_same_name() {
    let mut world = world(&json!([{"ip": "10.1.2.3"}]));
    settle(&mut world);
    let due = world.put(&resources::ENDPOINTS, endpoints(&json!([{"ip": "10.2.3.4"}])));

    let plan = world.reconcile(&key(), at(2));

    assert_eq!((due, plan.requests.len()), (vec![key()], 1));
    assert_eq!(names(&plan, Verb::Update, SLICES), ["db-0"]);
}

#[test]
fn each_family_of_addresses_has_a_slice_and_what_is_none_is_told() {
    let mut world = world(&json!([{"ip": "10.1.2.3"}, {"ip": "fd00::1"}, {"ip": "here"}]));

    let plan = world.reconcile(&key(), at(1));

    let slices = requests(&plan, Verb::Create, SLICES);
    let families =
        slices.iter().map(|request| request.body.clone().unwrap()["addressType"].clone());
    assert_eq!(families.collect::<Vec<_>>(), ["IPv4", "IPv6"]);
    let event = requests(&plan, Verb::Create, &resources::EVENTS)[0].body.clone().unwrap();
    assert_eq!(event["message"], "Skipped 1 invalid IP addresses when mirroring to EndpointSlices");
}

#[test]
fn the_mirror_goes_with_what_it_mirrors() {
    let skips = |world: &mut World<_>| {
        let mut endpoints = endpoints(&json!([{"ip": "10.1.2.3"}]));
        endpoints["metadata"]["labels"][SKIP_MIRROR] = json!("true");
        world.put(&resources::ENDPOINTS, endpoints);
    };
    let selects = |world: &mut World<_>| {
        let service =
            json!({"metadata": {"name": "db", "namespace": "n"}, "spec": {"selector": {"a": "b"}}});
        world.put(&resources::SERVICES, service);
    };
    let gone = |world: &mut World<_>| drop(world.remove(&resources::ENDPOINTS, &key()));
    let without = |world: &mut World<_>| drop(world.remove(&resources::SERVICES, &key()));
    let changes: [fn(&mut World<EndpointSliceMirroringController>); 4] =
        [skips, selects, gone, without];
    for change in changes {
        let mut world = world(&json!([{"ip": "10.1.2.3"}]));
        settle(&mut world);
        change(&mut world);

        let plan = world.reconcile(&key(), at(2));

        assert_eq!(names(&plan, Verb::Delete, SLICES), ["db-0"]);
        assert_eq!(plan.requests.len(), 1);
    }
}

#[test]
fn what_was_written_and_is_not_seen_yet_is_not_forgotten_when_nothing_is_to_be_mirrored() {
    let mut world = world(&json!([{"ip": "10.1.2.3"}]));
    let plan = world.reconcile(&key(), at(1));
    let request = requests(&plan, Verb::Create, SLICES)[0];
    let mut slice = request.body.clone().unwrap();
    slice["metadata"]["name"] = json!("db-0");
    slice["metadata"]["uid"] = json!("uid-db-0");
    world.grant(&key(), request, slice.clone());

    world.remove(&resources::ENDPOINTS, &key());
    assert_eq!(world.reconcile(&key(), at(2)).requests, []);
    world.put(&resources::ENDPOINTS, endpoints(&json!([{"ip": "10.1.2.3"}])));
    assert_eq!(world.reconcile(&key(), at(3)).requests, []);

    world.remove(&resources::ENDPOINTS, &key());
    assert_eq!(world.put(SLICES, slice), vec![key()]);
    let plan = world.reconcile(&key(), at(4));
    assert_eq!(names(&plan, Verb::Delete, SLICES), ["db-0"]);
}
