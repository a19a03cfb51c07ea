//! Which hints endpoints get, and what is said of them.

use api::{Verb, resources};
use serde_json::{Value, json};

use super::*;
use crate::Controller;
use crate::endpoint_slice::EndpointSliceController;
use crate::services::testing::{SERVICE, pod, service};
use crate::testing::{World, at, events, requests};

const SLICES: &api::ApiResource = &resources::ENDPOINT_SLICES;

/// Zones with their CPU, the zones of pods, and what comes of them.
type Case<'a, T> = (&'a [(&'a str, &'a str)], &'a [&'a str], T);

fn key() -> Key {
    Key::new("n", "web")
}

/// A node of a zone with so much CPU.
fn node(name: &str, zone: &str, cpu: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": zone}},
        "status": {"allocatable": {"cpu": cpu}, "conditions": [{"type": "Ready", "status": "True"}]}})
}

/// A world with nodes that are named as their zones, with their CPU, and a ready pod on each of some.
fn world(service: Value, zones: &[(&str, &str)], pods: &[&str]) -> World<EndpointSliceController> {
    let mut world = World::new(EndpointSliceController::default());
    for (zone, cpu) in zones {
        world.put(&resources::NODES, node(zone, zone, cpu));
    }
    for (index, zone) in pods.iter().enumerate() {
        put_pod(&mut world, index, zone, true);
    }
    world.put(SERVICE, service);
    world
}

fn put_pod(world: &mut World<EndpointSliceController>, index: usize, node: &str, ready: bool) {
    let mut pod = pod(&format!("p{index}"), &format!("10.0.0.{index}"), ready);
    pod["spec"]["nodeName"] = json!(node);
    world.put(&resources::PODS, pod);
}

fn distributed(distribution: &str) -> Value {
    let mut service = service();
    service["spec"]["trafficDistribution"] = json!(distribution);
    service
}

fn annotated(annotations: Value) -> Value {
    let mut service = service();
    service["metadata"]["annotations"] = annotations;
    service
}

fn topology_aware() -> Value {
    annotated(json!({TOPOLOGY_MODE: "Auto"}))
}

/// For whom the endpoints of written slices are, in the order of the pods, and the events.
fn sync(world: &mut World<EndpointSliceController>) -> (Vec<String>, Vec<String>) {
    let plan = world.reconcile(&key(), at(100));
    let (created, updated) =
        (requests(&plan, Verb::Create, SLICES), requests(&plan, Verb::Update, SLICES));
    let mut hints = vec![];
    for (index, request) in created.into_iter().chain(updated).enumerate() {
        let mut slice = request.body.clone().unwrap();
        slice["metadata"]["name"] = json!(format!("web-{index}"));
        slice["metadata"]["generation"] = json!(1);
        let endpoints = slice["endpoints"].as_array().into_iter().flatten();
        hints.extend(endpoints.map(|endpoint| text(&endpoint["hints"])));
        world.put(SLICES, slice);
    }
    (hints, events(&plan))
}

fn text(hints: &Value) -> String {
    let names = |field: &str| {
        let names = hints[field].as_array().into_iter().flatten();
        names.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(",")
    };
    format!("{}/{}", names("forZones"), names("forNodes"))
}

#[test]
fn a_traffic_distribution_says_whom_endpoints_are_for() {
    let table = [
        ("", ["/", "/"]),
        ("PreferClose", ["a/", "b/"]),
        ("PreferSameZone", ["a/", "b/"]),
        ("PreferSameNode", ["a/a", "b/b"]),
    ];
    for (distribution, expected) in table {
        let zones = [("a", "1"), ("b", "1")];
        let mut world = world(distributed(distribution), &zones, &["a", "b"]);

        let (hints, events) = sync(&mut world);

        assert_eq!(hints, expected, "{distribution}");
        assert_eq!(events, [""; 0]);
    }
}

#[test]
fn an_endpoint_that_is_not_ready_gets_no_hint() {
    let mut world = world(distributed("PreferSameNode"), &[("a", "1")], &["a"]);
    put_pod(&mut world, 1, "a", false);

    assert_eq!(sync(&mut world).0, ["a/a", "/"]);
}

#[test]
fn an_endpoint_without_a_zone_is_for_its_node_at_most() {
    for (distribution, expected) in [("PreferSameNode", "/a"), ("PreferSameZone", "/")] {
        let mut world = world(distributed(distribution), &[], &["a"]);
        world.put(&resources::NODES, json!({"metadata": {"name": "a"}}));

        assert_eq!(sync(&mut world).0, [expected]);
    }
}

#[test]
fn hints_follow_the_traffic_distribution_and_go_with_it() {
    let mut world = world(distributed("PreferSameNode"), &[("a", "1")], &["a"]);
    let mut seen = vec![sync(&mut world).0, sync(&mut world).0];
    for distribution in ["PreferSameZone", ""] {
        world.put(SERVICE, distributed(distribution));
        seen.extend([sync(&mut world).0, sync(&mut world).0]);
    }

    let written = |hints: &str| vec![hints.to_owned()];
    let unchanged = vec![];
    assert_eq!(
        seen,
        [
            written("a/a"),
            unchanged.clone(),
            written("a/"),
            unchanged.clone(),
            written("/"),
            unchanged
        ]
    );
}

#[test]
fn each_zone_has_about_as_many_endpoints_as_cpu() {
    let equal = [("a", "1"), ("b", "1")];
    let table: [Case<'_, &[&str]>; 6] = [
        (&equal, &["a", "b"], &["a/", "b/"]),
        (&equal, &["a", "a"], &["b/", "a/"]),
        (&equal, &["a", "a", "a", "b"], &["b/", "a/", "a/", "b/"]),
        (&[("a", "3"), ("b", "1000m")], &["a", "b", "b", "b"], &["a/", "a/", "a/", "b/"]),
        (&[("a", "1"), ("b", "1"), ("c", "1")], &["a", "a", "a"], &["b/", "c/", "a/"]),
        (&[("a", "3"), ("b", "2"), ("c", "1")], &["c"; 6], &["a/", "a/", "a/", "b/", "b/", "c/"]),
    ];
    for (zones, pods, expected) in table {
        let mut world = world(topology_aware(), zones, pods);

        let (hints, events) = sync(&mut world);

        assert_eq!(hints, expected, "{zones:?} {pods:?}");
        let enabled = "TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, \
                       addressType: IPv4";
        assert_eq!(events, [enabled]);
        assert_eq!(sync(&mut world), (vec![], vec![]));
    }
}

#[test]
fn there_are_no_hints_where_some_endpoints_would_be_overloaded_or_too_little_is_known() {
    let insufficient = "Insufficient Node information: allocatable CPU or zone not specified on one \
                        or more nodes";
    let overload = "Unable to allocate minimum required endpoints to each zone without exceeding \
                    overload threshold (4 endpoints, 3 zones)";
    let few = "Insufficient number of endpoints (1 endpoints, 2 zones)";
    let equal = [("a", "1"), ("b", "1"), ("c", "1")];
    let table: [Case<'_, &str>; 5] = [
        (&equal, &["a", "b", "c", "a"], overload),
        (&equal[..2], &["a"], few),
        (&equal[..1], &["a", "a"], insufficient),
        (&[("a", "1"), ("b", "0")], &["a", "b"], insufficient),
        (&[("a", "1"), ("", "1"), ("b", "1")], &["a", "b"], insufficient),
    ];
    for (zones, pods, why) in table {
        let mut world = world(topology_aware(), zones, pods);

        let (hints, events) = sync(&mut world);

        assert!(hints.iter().all(|hint| hint == "/"), "{hints:?}");
        let expected = format!("TopologyAwareHintsDisabled: {why}, addressType: IPv4");
        assert_eq!(events, [expected]);
    }
}

#[test]
fn an_endpoint_without_a_zone_takes_all_hints_away() {
    let mut world = world(topology_aware(), &[("a", "1"), ("b", "1")], &["a", "b", "a", "master"]);
    let mut master = node("master", "", "8");
    master["metadata"]["labels"]["node-role.kubernetes.io/control-plane"] = json!("");
    world.put(&resources::NODES, master);

    let (hints, events) = sync(&mut world);

    assert_eq!(hints, ["/"; 4]);
    let why = "TopologyAwareHintsDisabled: One or more endpoints do not have a zone specified, \
               addressType: IPv4";
    assert_eq!(events, [why]);
}

#[test]
fn the_older_annotation_comes_before_the_newer_and_both_before_the_field() {
    let zones = [("a", "1"), ("b", "1")];
    let table = [
        (json!({TOPOLOGY_MODE: "auto"}), ["b/", "a/"]),
        (json!({TOPOLOGY_AWARE_HINTS: "Auto"}), ["b/", "a/"]),
        (json!({TOPOLOGY_MODE: "Auto", TOPOLOGY_AWARE_HINTS: "Disabled"}), ["a/a", "a/a"]),
        (json!({TOPOLOGY_MODE: "AUTO"}), ["a/a", "a/a"]),
    ];
    for (annotations, expected) in table {
        let mut service = annotated(annotations.clone());
        service["spec"]["trafficDistribution"] = json!("PreferSameNode");
        let mut world = world(service, &zones, &["a", "a"]);

        assert_eq!(sync(&mut world).0, expected, "{annotations}");
    }
}

#[test]
fn hints_go_with_the_annotation_and_that_is_said_once() {
    let mut world = world(topology_aware(), &[("a", "1"), ("b", "1")], &["a", "b"]);
    sync(&mut world);
    world.put(SERVICE, service());

    let (hints, events) = sync(&mut world);

    assert_eq!(hints, ["/", "/"]);
    let disabled = "TopologyAwareHintsDisabled: Topology Aware Hints has been disabled, \
                    addressType: IPv4";
    assert_eq!(events, [disabled]);
    assert_eq!(sync(&mut world), (vec![], vec![]));
}

#[test]
fn a_service_is_due_when_a_lost_node_leaves_a_zone_with_too_few_of_its_endpoints() {
    let zones = [("a", "1"), ("b", "1"), ("c", "1")];
    let mut world = world(topology_aware(), &zones, &["a", "a", "b", "b", "c", "c"]);
    let before = world.remove(&resources::NODES, &Key::cluster("c"));
    world.put(&resources::NODES, node("c", "c", "1"));
    sync(&mut world);

    let cpu_alone = world.put(&resources::NODES, node("a", "a", "8"));
    let mut lost = node("c", "c", "1");
    lost["status"]["conditions"][0]["status"] = json!("False");
    let lost = world.put(&resources::NODES, lost);
    let again = sync(&mut world);

    assert_eq!((before, cpu_alone, lost), (vec![], vec![], vec![key()]));
    assert_eq!(again.0, ["a/", "a/", "a/", "b/", "c/", "c/"]);
}

#[test]
fn a_node_that_returns_makes_no_service_due_that_has_enough() {
    let zones = [("a", "1"), ("b", "1")];
    let mut world = world(topology_aware(), &zones, &["a", "b"]);
    sync(&mut world);

    let due = world.put(&resources::NODES, node("b2", "b", "100m"));

    assert_eq!(due, []);
}

#[test]
fn a_service_that_is_gone_is_forgotten() {
    let mut world = world(topology_aware(), &[("a", "1"), ("b", "1")], &["a", "b"]);
    sync(&mut world);
    world.remove(SERVICE, &key());
    world.controller.reconcile(&world.view, &key(), at(101));

    let due = world.remove(&resources::NODES, &Key::cluster("b"));

    assert_eq!(due, []);
}
