//! Pods that get devices for their extended resources.

use k8s_openapi::api::core::v1::ContainerExtendedResourceRequest;
use k8s_openapi::api::resource::v1::DeviceRequest;

use super::*;
use crate::testing::{class_for, pod, pod_info};

const GPU: &str = "example.com/gpu";

/// A world where node `a` has so many devices, and a class that stands for `example.com/gpu`.
fn world(devices: usize) -> World {
    let devices = (0..devices).map(|index| json!({"name": format!("gpu-{index}")})).collect();
    let mut world = World::default();
    world.hear(devices_on("a", devices));
    world.hear(class_for("gpu", GPU));
    world
}

fn wants(amount: &str) -> PodInfo {
    PodInfo::new(pod("web", json!({"requests": {GPU: amount}})))
}

fn node_with(resources: Value) -> NodeInfo {
    let mut allocatable = json!({"cpu": "2", "memory": "2Gi", "pods": "10"});
    allocatable.as_object_mut().unwrap().extend(resources.as_object().unwrap().clone());
    node_info("a", json!({"status": {"allocatable": allocatable}}))
}

/// What is reserved for a pod on a node, if anything, or why it cannot run there.
fn reserve(world: &World, pod: &PodInfo, node: &NodeInfo) -> Result<Option<Reserved>, String> {
    let cycle = cycle(pod, &world.cluster).map_err(|why| why.verdict.reasons().join(", "))?;
    let plugin = DynamicResources::new(&DynamicResourcesArgs::default());
    match plugin.filter(&cycle, node) {
        Verdict::Feasible => Ok(plugin.reserve(&cycle, node)),
        verdict @ (Verdict::Unschedulable(_)
        | Verdict::UnschedulableAndUnresolvable(_)
        | Verdict::Error(_)) => Err(verdict.reasons().join(", ")),
    }
}

/// The requests of a pod's containers, `NAME=CLASS*COUNT`, and for whom they are, `CONTAINER: REQUEST`.
fn asked(world: &World, spec: Value) -> (Vec<String>, Vec<String>) {
    let reserved = reserve(world, &pod_info(spec), &node_with(json!({}))).unwrap().unwrap();
    let (extended, _) = reserved.extended.unwrap();
    let request = |request: &DeviceRequest| {
        let exactly = request.exactly.as_ref().unwrap();
        format!("{}={}*{}", request.name, exactly.device_class_name, exactly.count.unwrap())
    };
    let mapping = |mapping: &ContainerExtendedResourceRequest| {
        format!("{}: {}", mapping.container_name, mapping.request_name)
    };
    let requests = request::requests_of(&extended.claim).iter().map(request).collect();
    (requests, extended.mappings.iter().map(mapping).collect())
}

fn container(name: &str, requests: Value) -> Value {
    json!({"name": name, "resources": {"requests": requests}})
}

#[test]
fn a_claim_is_made_for_what_a_class_stands_for() {
    let world = world(3);

    let reserved = reserve(&world, &wants("2"), &node_with(json!({}))).unwrap().unwrap();

    let (extended, allocation) = reserved.extended.unwrap();
    let results = allocation.devices.unwrap().results.unwrap();
    let devices: Vec<&str> = results.iter().map(|result| result.device.as_str()).collect();
    assert_eq!(devices, ["gpu-0", "gpu-1"]);
    let metadata = serde_json::to_value(&to_create(&extended.claim).metadata).unwrap();
    assert_eq!(
        metadata,
        json!({
            "namespace": "default",
            "generateName": "web-extended-resources-",
            "annotations": {"resource.kubernetes.io/extended-resource-claim": "true"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "uid-web", "controller": true}],
        })
    );
    assert!(reserved.claims.is_empty());
}

#[test]
fn a_node_that_gives_the_resource_itself_needs_no_claim() {
    let given = |resources: Value| reserve(&world(0), &wants("1"), &node_with(resources));

    assert!(given(json!({GPU: "1"})).unwrap().is_none());
    assert_eq!(given(json!({GPU: "0"})).unwrap_err(), NONE);
    assert_eq!(given(json!({})).unwrap_err(), NONE);
}

#[test]
fn a_pod_with_claims_of_its_own_gets_another_one_where_it_needs_it() {
    let mut world = world(2);
    world.claim("data", json!({"requests": [request("one", json!({}))]}));
    let mut spec = json!({"containers": [container("c", json!({GPU: "1"}))]});
    spec["resourceClaims"] = json!([{"name": "data", "resourceClaimName": "data"}]);
    let pod = pod_info(spec);
    let device = |allocation: &AllocationResult| {
        allocation.devices.as_ref().unwrap().results.as_ref().unwrap()[0].device.clone()
    };

    let without = reserve(&world, &pod, &node_with(json!({}))).unwrap().unwrap();
    let with = reserve(&world, &pod, &node_with(json!({GPU: "1"}))).unwrap().unwrap();

    assert_eq!(device(without.claims[0].1.as_ref().unwrap()), "gpu-0");
    assert_eq!(device(&without.extended.unwrap().1), "gpu-1");
    assert_eq!(device(with.claims[0].1.as_ref().unwrap()), "gpu-0");
    assert!(with.extended.is_none());
}

#[test]
fn what_neither_the_node_nor_a_class_gives_cannot_be_had() {
    let requests = json!({GPU: "1", "example.com/other": "1"});
    let pod = PodInfo::new(pod("web", json!({"requests": requests})));
    let mut world = world(1);
    let on = |world: &World, resources| reserve(world, &pod, &node_with(resources));

    assert_eq!(on(&world, json!({})).unwrap_err(), "cannot fit resource");
    assert!(on(&world, json!({"example.com/other": "0"})).unwrap().is_some());
    world.hear(class_for("other", "example.com/other"));
    assert_eq!(on(&world, json!({})).unwrap_err(), NONE);
}

#[test]
fn every_class_stands_for_a_resource_of_its_name() {
    let name = "deviceclass.resource.kubernetes.io/gpu";
    let pod = PodInfo::new(pod("web", json!({"requests": {name: "1"}})));

    let reserved = reserve(&world(1), &pod, &node_with(json!({}))).unwrap().unwrap();

    assert_eq!(reserved.extended.unwrap().0.mappings[0].resource_name, name);
}

#[test]
fn of_classes_that_stand_for_the_same_the_newest_is_meant() {
    let mut world = world(1);
    let spec = json!({"containers": [container("c", json!({GPU: "1"}))]});
    let mut class = |name: &str, created: Option<&str>| {
        let metadata = json!({"name": name, "creationTimestamp": created});
        let object = json!({"metadata": metadata, "spec": {"extendedResourceName": GPU}});
        world.hear(stored(&resources::DEVICE_CLASSES, object));
        asked(&world, spec.clone()).0.remove(0)
    };

    assert_eq!(class("hpu", None), "container-0-request-0=gpu*1");
    assert_eq!(class("newer", Some("2026-01-01T00:00:00Z")), "container-0-request-0=newer*1");
    assert_eq!(class("older", Some("2025-01-01T00:00:00Z")), "container-0-request-0=newer*1");
}

#[test]
fn requests_are_named_by_the_places_of_containers_and_of_resources_there() {
    let mut world = world(8);
    world.hear(class_for("other", "example.com/other"));
    let both = json!({"cpu": "1", GPU: "2", "example.com/other": "1"});
    let containers = json!([container("a", json!({GPU: "1"})), container("b", both)]);

    let (requests, mappings) = asked(&world, json!({"containers": containers}));

    assert_eq!(
        requests,
        [
            "container-0-request-0=gpu*1",
            "container-1-request-1=gpu*2",
            "container-1-request-2=other*1"
        ]
    );
    assert_eq!(
        mappings,
        ["a: container-0-request-0", "b: container-1-request-1", "b: container-1-request-2"]
    );
}

#[test]
fn init_containers_use_what_later_containers_will_have() {
    let mut sidecar = container("sidecar", json!({GPU: "1"}));
    sidecar["restartPolicy"] = json!("Always");
    let init = [
        container("small", json!({GPU: "1"})),
        sidecar,
        container("large", json!({GPU: "4"})),
        container("larger", json!({GPU: "5"})),
    ];
    let spec = json!({"initContainers": init, "containers": [container("c", json!({GPU: "2"}))]});

    let (requests, mappings) = asked(&world(8), spec);

    assert_eq!(
        requests,
        [
            "container-1-request-0=gpu*1",
            "container-3-request-0=gpu*3",
            "container-4-request-0=gpu*2"
        ]
    );
    assert_eq!(
        mappings,
        [
            "sidecar: container-1-request-0",
            "c: container-4-request-0",
            "small: container-1-request-0",
            "large: container-4-request-0",
            "large: container-3-request-0",
            "larger: container-4-request-0",
            "larger: container-3-request-0",
        ]
    );
}

#[test]
fn a_claim_that_an_earlier_attempt_has_left_is_in_the_way() {
    let mut world = world(2);
    let left = |uid: &str| {
        let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": uid, "controller": true});
        json!({"metadata": {"name": "left", "resourceVersion": "1", "ownerReferences": [owner],
            "annotations": {"resource.kubernetes.io/extended-resource-claim": "true"}}, "spec": {}})
    };

    world.hear(stored(CLAIMS, left("uid-other")));
    let of_other = reserve(&world, &wants("1"), &node_with(json!({})));
    world.hear(stored(CLAIMS, left("uid-web")));
    let own = reserve(&world, &wants("1"), &node_with(json!({})));

    assert!(of_other.unwrap().is_some());
    assert_eq!(own.unwrap_err(), "cannot schedule extended resource claim");
}

#[test]
fn a_pod_that_gives_back_such_devices_may_help() {
    let (world, gone) = (world(1), wants("1"));
    let plugin = DynamicResources::new(&DynamicResourcesArgs::default());
    let helps = |cluster: &Cluster| plugin.may_help(&wants("1"), Event::freed(&gone), cluster);

    assert!(helps(&world.cluster));
    assert!(!helps(&Cluster::default()));
}
