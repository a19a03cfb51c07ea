//! A node with a pod whose volume a driver attaches, beside another.

use api::{ApiResource, Verb, resources};
use serde_json::{Value, json};

use super::*;
use crate::testing::{World, at, events, names, requests, time_text};

const ATTACHMENTS: &ApiResource = &resources::VOLUME_ATTACHMENTS;
/// SHA-256 of `h`, `example.com` and `a`.
const ON_A: &str = "csi-31a08b4c53a24b6d8ad2a1218a7910ee48cf9ebf8f5743e631f36b3e6ed561ab";
const REPORTED: &str = "kubernetes.io/csi/example.com^h";

/// A pod on node `a` with a claim of a volume that a driver attaches.
fn world() -> World<AttachDetachController> {
    let mut world = World::new(AttachDetachController::default());
    for node in ["a", "b"] {
        world.put(&resources::NODES, a_node(node, json!({})));
    }
    world.put(&resources::PERSISTENT_VOLUMES, volume(json!(["ReadWriteOnce"])));
    let claim = json!({"metadata": {"name": "c", "namespace": "n"}, "spec": {"volumeName": "v"},
        "status": {"phase": "Bound"}});
    world.put(&resources::PERSISTENT_VOLUME_CLAIMS, claim);
    assert_eq!(world.put(&resources::PODS, pod("p", "a")), [Key::cluster("a")]);
    world
}

fn a_node(name: &str, status: Value) -> Value {
    let mut status = status;
    status["conditions"] = json!([{"type": "Ready", "status": "True"}]);
    let annotations = json!({"volumes.kubernetes.io/controller-managed-attach-detach": "true"});
    json!({"metadata": {"name": name, "annotations": annotations}, "status": status})
}

fn volume(modes: Value) -> Value {
    let claim_ref = json!({"namespace": "n", "name": "c", "uid": "uid-c"});
    json!({"metadata": {"name": "v"}, "spec": {"accessModes": modes, "claimRef": claim_ref,
        "csi": {"driver": "example.com", "volumeHandle": "h"}}})
}

fn pod(name: &str, node: &str) -> Value {
    let volumes = json!([{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}]);
    json!({"metadata": {"name": name, "namespace": "n"},
        "spec": {"nodeName": node, "containers": [], "volumes": volumes}})
}

/// The attachment of the volume to a node, as the controller names it.
fn attachment(world: &mut World<AttachDetachController>, node: &str, status: Value) -> Value {
    let source = world.view.persistent_volumes.get(&Key::cluster("v")).unwrap().clone();
    let name = attachment::name(wanted::driver_source(&source).unwrap(), node);
    json!({"metadata": {"name": name}, "status": status, "spec": {"attacher": "example.com",
        "nodeName": node, "source": {"persistentVolumeName": "v"}}})
}

fn reconcile(world: &mut World<AttachDetachController>, node: &str, seconds: i64) -> Plan {
    world.reconcile(&Key::cluster(node), at(seconds))
}

fn reported(plan: &Plan) -> Vec<Value> {
    let patches = requests(plan, Verb::MergePatch, &resources::NODES);
    patches
        .iter()
        .map(|patch| patch.body.clone().unwrap()["status"]["volumesAttached"].clone())
        .collect()
}

#[test]
fn a_volume_of_a_pod_is_to_be_attached_to_its_node() {
    let mut world = world();

    let plan = reconcile(&mut world, "a", 10);

    let body = requests(&plan, Verb::Create, ATTACHMENTS)[0].body.clone().unwrap();
    assert_eq!(body["metadata"]["name"], ON_A);
    assert_eq!(
        body["spec"],
        json!({"attacher": "example.com", "nodeName": "a", "source": {"persistentVolumeName": "v"}})
    );
    assert_eq!(reconcile(&mut world, "b", 10), Plan::default());
}

#[test]
fn what_was_asked_for_counts_before_it_is_seen() {
    let mut world = world();
    world.put(&resources::PODS, pod("q", "b"));
    let first = reconcile(&mut world, "a", 10);

    let unseen = reconcile(&mut world, "b", 10);
    world.refuse(&Key::cluster("a"), &first.requests[0], Reason::Forbidden);
    let refused = reconcile(&mut world, "b", 11);

    assert_eq!(names(&unseen, Verb::Create, ATTACHMENTS), Vec::<String>::new());
    let said = "FailedAttachVolume: Multi-Attach error for volume \"v\" Volume is already used by pod(s) p";
    assert_eq!(events(&unseen), [said]);
    assert_eq!(requests(&refused, Verb::Create, ATTACHMENTS).len(), 1);
}

#[test]
fn an_attached_volume_is_reported_and_told_once() {
    let mut world = world();
    let attached = attachment(&mut world, "a", json!({"attached": true}));
    assert_eq!(world.put(ATTACHMENTS, attached), [Key::cluster("a")]);

    let first = reconcile(&mut world, "a", 10);
    let node = a_node("a", json!({"volumesAttached": [{"name": REPORTED, "devicePath": ""}]}));
    world.put(&resources::NODES, node);
    let second = reconcile(&mut world, "a", 11);

    assert_eq!(reported(&first), [json!([{"name": REPORTED, "devicePath": ""}])]);
    let message = "SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume \"v\" ";
    assert_eq!(events(&first), [message]);
    assert_eq!(second, Plan::default());
}

#[test]
fn a_pod_is_told_why_its_volume_cannot_be_attached_and_not_again() {
    let mut world = world();
    let failed = json!({"attached": false, "attachError": {"message": "no room"}});
    let failed = attachment(&mut world, "a", failed);
    world.put(ATTACHMENTS, failed);

    let first = reconcile(&mut world, "a", 10);
    let second = reconcile(&mut world, "a", 11);

    let message = "FailedAttachVolume: AttachVolume.Attach failed for volume \"v\" : no room";
    assert_eq!(events(&first), [message]);
    assert_eq!(second, Plan::default());
}

#[test]
fn a_volume_that_no_pod_needs_is_detached_once_the_node_does_not_report_it() {
    let mut world = world();
    let attached = attachment(&mut world, "a", json!({"attached": true}));
    world.put(ATTACHMENTS, attached);
    let shown = json!([{"name": REPORTED, "devicePath": ""}]);
    world.put(
        &resources::NODES,
        a_node("a", json!({"volumesAttached": shown, "volumesInUse": [REPORTED]})),
    );
    assert_eq!(world.remove(&resources::PODS, &Key::new("n", "p")), [Key::cluster("a")]);

    let mounted = reconcile(&mut world, "a", 10);
    world.put(&resources::NODES, a_node("a", json!({"volumesAttached": shown})));
    let unmounted = reconcile(&mut world, "a", 11);
    world.put(&resources::NODES, a_node("a", json!({})));
    let done = reconcile(&mut world, "a", 12);

    assert_eq!(mounted.requests, []);
    assert_eq!(reported(&unmounted), [json!([])]);
    assert_eq!(names(&unmounted, Verb::Delete, ATTACHMENTS), Vec::<String>::new());
    assert_eq!(names(&done, Verb::Delete, ATTACHMENTS), [ON_A]);
}

#[test]
fn an_attachment_whose_volume_is_gone_ends_as_any_other() {
    let mut world = world();
    let attached = attachment(&mut world, "a", json!({"attached": true}));
    world.put(ATTACHMENTS, attached);
    let shown = json!([{"name": REPORTED, "devicePath": ""}]);
    let in_use = json!({"volumesAttached": shown, "volumesInUse": [REPORTED]});
    world.put(&resources::NODES, a_node("a", in_use));
    world.remove(&resources::PODS, &Key::new("n", "p"));
    world.remove(&resources::PERSISTENT_VOLUMES, &Key::cluster("v"));

    let mounted = reconcile(&mut world, "a", 10);
    world.put(&resources::NODES, a_node("a", json!({"volumesAttached": shown})));
    let unmounted = reconcile(&mut world, "a", 11);
    world.put(&resources::NODES, a_node("a", json!({})));
    let done = reconcile(&mut world, "a", 12);

    assert_eq!(mounted.requests, []);
    assert_eq!(reported(&unmounted), [json!([])]);
    assert_eq!(names(&unmounted, Verb::Delete, ATTACHMENTS), Vec::<String>::new());
    assert_eq!(names(&done, Verb::Delete, ATTACHMENTS), [ON_A]);
}

#[test]
fn a_node_that_is_not_ready_keeps_a_mounted_volume_for_six_minutes() {
    let mut world = world();
    let attached = attachment(&mut world, "a", json!({"attached": true}));
    world.put(ATTACHMENTS, attached);
    let shown = json!([{"name": REPORTED, "devicePath": ""}]);
    let mut node = a_node("a", json!({"volumesAttached": shown, "volumesInUse": [REPORTED]}));
    node["status"]["conditions"] = json!([{"type": "Ready", "status": "Unknown"}]);
    world.put(&resources::NODES, node.clone());
    world.remove(&resources::PODS, &Key::new("n", "p"));

    let early = reconcile(&mut world, "a", 10);
    let late = reconcile(&mut world, "a", 370);
    node["spec"]["taints"] =
        json!([{"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}]);
    world.controller = AttachDetachController::default();
    world.put(&resources::NODES, node);
    let out_of_service = reconcile(&mut world, "a", 10);

    assert_eq!((early.requests, early.look_again), (vec![], Some(at(370))));
    assert_eq!(reported(&late), [json!([])]);
    assert_eq!(reported(&out_of_service), [json!([])]);
}

#[test]
fn a_volume_for_one_node_waits_until_the_other_lets_it_go() {
    let mut world = world();
    world.put(&resources::PODS, pod("q", "b"));
    let attached = attachment(&mut world, "a", json!({"attached": true}));
    let key = Key::cluster(attached["metadata"]["name"].as_str().unwrap());
    world.put(ATTACHMENTS, attached);

    let waits = reconcile(&mut world, "b", 10);
    let due = world.remove(ATTACHMENTS, &key);
    let attaches = reconcile(&mut world, "b", 11);

    let message = "FailedAttachVolume: Multi-Attach error for volume \"v\" Volume is already used by pod(s) p";
    assert_eq!(events(&waits), [message]);
    assert_eq!(names(&waits, Verb::Create, ATTACHMENTS), Vec::<String>::new());
    assert!(due.contains(&Key::cluster("b")));
    assert_eq!(requests(&attaches, Verb::Create, ATTACHMENTS).len(), 1);
}

#[test]
fn a_volume_for_many_nodes_is_attached_to_many() {
    let mut world = world();
    world.put(&resources::PERSISTENT_VOLUMES, volume(json!(["ReadWriteMany"])));
    world.put(&resources::PODS, pod("q", "b"));
    let attached = attachment(&mut world, "a", json!({"attached": true}));
    world.put(ATTACHMENTS, attached);

    assert_eq!(requests(&reconcile(&mut world, "b", 10), Verb::Create, ATTACHMENTS).len(), 1);
}

#[test]
fn nothing_is_attached_that_the_driver_does_not_attach_or_the_node_does_not_want() {
    let mut world = world();
    let driver = json!({"metadata": {"name": "example.com"}, "spec": {"attachRequired": false}});
    world.put(&resources::CSI_DRIVERS, driver);
    let not_required = reconcile(&mut world, "a", 10);
    world.remove(&resources::CSI_DRIVERS, &Key::cluster("example.com"));
    world.put(&resources::NODES, json!({"metadata": {"name": "a"}, "status": {}}));
    let not_managed = reconcile(&mut world, "a", 10);

    assert_eq!(not_required, Plan::default());
    assert_eq!(not_managed, Plan::default());
}

#[test]
fn a_pod_that_has_ended_needs_its_volume_no_more() {
    let mut world = world();
    let mut ended = pod("p", "a");
    ended["metadata"]["deletionTimestamp"] = json!(time_text(5));
    world.put(&resources::PODS, ended);

    assert_eq!(reconcile(&mut world, "a", 10), Plan::default());
}

#[test]
fn an_attachment_that_others_have_made_of_a_volume_that_is_not_there_is_theirs() {
    let mut world = world();
    let mut by_hand = attachment(&mut world, "a", json!({"attached": true}));
    by_hand["metadata"]["name"] = json!("by-hand");
    world.remove(&resources::PODS, &Key::new("n", "p"));
    world.remove(&resources::PERSISTENT_VOLUMES, &Key::cluster("v"));
    world.put(ATTACHMENTS, by_hand);

    let plan = reconcile(&mut world, "a", 10);

    assert_eq!(names(&plan, Verb::Delete, ATTACHMENTS), Vec::<String>::new());
}
