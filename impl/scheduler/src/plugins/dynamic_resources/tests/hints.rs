//! Which changes may help a pod that waits for devices.

use super::*;
use crate::testing::claim_of_one;

fn waiting() -> (World, PodInfo) {
    let mut world = World::of(json!([]));
    world.hear(claim_of_one("data"));
    (world, PodInfo::new(pod_claiming("web", &["data"])))
}

fn helps(event: Event<'_>) -> bool {
    let (world, pod) = waiting();
    DynamicResources::new(&DynamicResourcesArgs::default()).may_help(&pod, event, &world.cluster)
}

fn change(old: Option<AnyObject>, new: Option<AnyObject>) -> bool {
    helps(Event::Devices(&Change { old, new }))
}

/// A claim that has something.
fn allocated(name: &str) -> AnyObject {
    let mut claim = device_claim(name, json!({}));
    claim["status"] = json!({"allocation": {}});
    stored(CLAIMS, claim)
}

#[test]
fn new_devices_and_classes_may_help() {
    let slice = devices_on("b", json!([]));

    assert!(change(None, Some(slice.clone())));
    assert!(change(Some(slice.clone()), Some(slice.clone())));
    assert!(!change(Some(slice), None));
    assert!(change(None, Some(crate::testing::device_class())));
}

#[test]
fn a_claim_that_is_the_pods_or_loses_its_devices_may_help() {
    assert!(change(None, Some(claim_of_one("data"))));
    assert!(!change(None, Some(claim_of_one("other"))));
    assert!(change(Some(claim_of_one("data")), Some(allocated("data"))));
    assert!(!change(Some(claim_of_one("data")), Some(claim_of_one("data"))));
    assert!(!change(Some(claim_of_one("other")), Some(allocated("other"))));
    assert!(change(Some(allocated("other")), Some(claim_of_one("other"))));
    assert!(!change(Some(allocated("other")), None));
}

#[test]
fn nodes_and_pods_that_give_back_devices_may_help() {
    let node = node_info("b", json!({}));
    let gone = |claims: &[&str]| helps(Event::freed(&PodInfo::new(pod_claiming("x", claims))));

    assert!(helps(Event::Node { old: None, new: node.node.as_deref() }));
    assert!(helps(Event::FreedDevices));
    assert!(gone(&["x"]));
    assert!(!gone(&[]));
}

#[test]
fn nothing_helps_a_pod_whose_claims_are_not_there() {
    let (world, _) = waiting();
    let pod = PodInfo::new(pod_claiming("web", &["missing"]));
    let plugin = DynamicResources::new(&DynamicResourcesArgs::default());

    assert!(!plugin.may_help(&pod, Event::FreedDevices, &world.cluster));
}
