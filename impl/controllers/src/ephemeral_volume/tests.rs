//! Pods that bring their own volumes.

use api::Reason;
use serde_json::{Value, json};

use super::*;
use crate::testing::{World, at, events, owned_by, requests, time_text};

const CLAIMS: &api::ApiResource = &resources::PERSISTENT_VOLUME_CLAIMS;

fn world() -> World<EphemeralVolumeController> {
    World::new(EphemeralVolumeController::default())
}

fn key() -> Key {
    Key::new("n", "web")
}

/// A pod with two volumes of its own and one of somebody else.
fn pod() -> Value {
    let own = |name: &str| {
        let template = json!({"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}},
            "spec": {"accessModes": ["ReadWriteOnce"]}});
        json!({"name": name, "ephemeral": {"volumeClaimTemplate": template}})
    };
    let other = json!({"name": "other", "persistentVolumeClaim": {"claimName": "x"}});
    json!({"metadata": {"name": "web", "namespace": "n"},
        "spec": {"containers": [], "volumes": [own("tmp"), other, own("log")]}})
}

fn claim(name: &str, owners: Value) -> Value {
    json!({"metadata": {"name": name, "namespace": "n", "ownerReferences": owners}, "spec": {}})
}

#[test]
fn a_pod_gets_the_claims_of_its_own_volumes() {
    let mut world = world();
    let due = world.put(&resources::PODS, pod());

    let plan = world.reconcile(&due[0], at(10));

    let created: Vec<Value> =
        requests(&plan, Verb::Create, CLAIMS).iter().map(|one| one.body.clone().unwrap()).collect();
    let names: Vec<&Value> = created.iter().map(|claim| &claim["metadata"]["name"]).collect();
    assert_eq!(names, ["web-tmp", "web-log"]);
    assert_eq!(
        created[0]["metadata"],
        json!({"name": "web-tmp", "namespace": "n", "labels": {"a": "b"}, "annotations": {"c": "d"},
            "ownerReferences": owned_by("v1", "Pod", "web")})
    );
    assert_eq!(created[0]["spec"], json!({"accessModes": ["ReadWriteOnce"]}));
}

#[test]
fn a_claim_that_is_there_is_not_made_again_until_it_goes() {
    let mut world = world();
    let pods = owned_by("v1", "Pod", "web");
    for name in ["web-tmp", "web-log"] {
        assert!(world.put(CLAIMS, claim(name, pods.clone())).is_empty());
    }
    world.put(&resources::PODS, pod());
    let before = world.reconcile(&key(), at(10));

    let due = world.remove(CLAIMS, &Key::new("n", "web-tmp"));
    let after = world.reconcile(&key(), at(11));

    assert_eq!(before, Plan::default());
    assert_eq!(due, [key()]);
    assert_eq!(requests(&after, Verb::Create, CLAIMS).len(), 1);
}

#[test]
fn a_pod_is_told_of_a_claim_that_is_not_its_own() {
    let mut world = world();
    world.put(CLAIMS, claim("web-tmp", json!([])));
    world.put(&resources::PODS, pod());

    let plan = world.reconcile(&key(), at(10));

    let why =
        "ephemeral volume tmp: PVC n/web-tmp was not created for pod n/web (pod is not owner)";
    assert_eq!(events(&plan), [format!("FailedBinding: {why}")]);
    assert_eq!(requests(&plan, Verb::Create, CLAIMS).len(), 0);
}

#[test]
fn a_pod_is_told_when_its_claim_cannot_be_made() {
    let mut world = world();
    world.put(&resources::PODS, pod());
    let first = world.reconcile(&key(), at(10));
    let create = requests(&first, Verb::Create, CLAIMS)[0].clone();
    world.refuse(&key(), &create, Reason::Forbidden);

    let second = world.reconcile(&key(), at(11));

    assert_eq!(
        events(&second),
        ["FailedBinding: ephemeral volume tmp: create PVC web-tmp: refused"]
    );
}

#[test]
fn a_pod_that_goes_or_has_no_volumes_of_its_own_gets_nothing() {
    let mut world = world();
    let mut going = pod();
    going["metadata"]["deletionTimestamp"] = json!(time_text(5));
    let mut plain = pod();
    plain["metadata"]["name"] = json!("plain");
    plain["spec"]["volumes"] = json!([]);

    assert!(world.put(&resources::PODS, going).is_empty());
    assert!(world.put(&resources::PODS, plain).is_empty());
    assert_eq!(world.reconcile(&key(), at(10)), Plan::default());
}
