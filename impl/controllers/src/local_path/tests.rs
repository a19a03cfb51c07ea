//! Claims of the class that comes with a cluster, and their volumes.

use api::storage::PROVISIONER_FINALIZER;
use serde_json::Value;

use super::*;
use crate::testing::{World, at, events, names, requests};

const CLAIMS: &api::ApiResource = &resources::PERSISTENT_VOLUME_CLAIMS;
const VOLUMES: &api::ApiResource = &resources::PERSISTENT_VOLUMES;

/// A provisioner with a class and a node.
fn world(mode: &str) -> World<LocalPathProvisioner> {
    let mut world = World::new(LocalPathProvisioner::new("/volumes"));
    let class = json!({"metadata": {"name": "local-path"}, "provisioner": LOCAL_PATH,
        "volumeBindingMode": mode, "reclaimPolicy": "Delete"});
    world.put(&resources::STORAGE_CLASSES, class);
    let labels = json!({"kubernetes.io/hostname": "node-1"});
    world.put(&resources::NODES, json!({"metadata": {"name": "node-1", "labels": labels}}));
    world
}

fn claim(node: Option<&str>, fields: Value) -> Value {
    let mut spec = json!({"accessModes": ["ReadWriteOnce"], "storageClassName": "local-path",
        "resources": {"requests": {"storage": "1Gi"}}});
    for (name, value) in fields.as_object().unwrap() {
        spec[name] = value.clone();
    }
    let mut annotations = json!({"volume.kubernetes.io/storage-provisioner": LOCAL_PATH});
    if let Some(node) = node {
        annotations["volume.kubernetes.io/selected-node"] = json!(node);
    }
    json!({"metadata": {"name": "data", "namespace": "n", "annotations": annotations}, "spec": spec})
}

fn key() -> Key {
    Key::new("n", "data")
}

#[test]
fn a_claim_gets_a_folder_of_the_node_that_was_selected() {
    let mut world = world("WaitForFirstConsumer");
    world.put(CLAIMS, claim(Some("node-1"), json!({})));

    let plan = world.reconcile(&key(), at(10));

    let volume = requests(&plan, Verb::Create, VOLUMES)[0].body.clone().unwrap();
    assert_eq!(volume["metadata"]["name"], "pvc-uid-data");
    assert_eq!(volume["metadata"]["finalizers"], json!([PROVISIONER_FINALIZER]));
    assert_eq!(volume["spec"]["local"]["path"], "/volumes/node-1/pvc-uid-data_n_data");
    assert_eq!(volume["spec"]["claimRef"]["uid"], "uid-data");
    assert_eq!(volume["spec"]["capacity"], json!({"storage": "1Gi"}));
    let requirement =
        json!([{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-1"]}]);
    let terms = json!([{"matchExpressions": requirement}]);
    assert_eq!(volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"], terms);
    assert_eq!(
        events(&plan),
        ["Provisioning: External provisioner is provisioning volume for claim \"n/data\""]
    );
}

#[test]
fn a_volume_is_made_once_though_the_cache_is_behind() {
    let mut world = world("WaitForFirstConsumer");
    world.put(CLAIMS, claim(Some("node-1"), json!({})));
    let first = world.reconcile(&key(), at(10));
    let create = requests(&first, Verb::Create, VOLUMES)[0].clone();
    world.grant(&key(), &create, create.body.clone().unwrap());

    let second = world.reconcile(&key(), at(11));

    assert_eq!(requests(&second, Verb::Create, VOLUMES).len(), 0);
    assert_eq!(
        events(&second),
        ["ProvisioningSucceeded: Successfully provisioned volume pvc-uid-data"]
    );
}

#[test]
fn a_claim_that_waits_for_its_first_pod_gets_nothing_before_a_node_is_selected() {
    let mut world = world("WaitForFirstConsumer");
    world.put(CLAIMS, claim(None, json!({})));

    assert_eq!(world.reconcile(&key(), at(10)), Plan::default());
}

#[test]
fn a_claim_that_a_folder_cannot_satisfy_is_told_why() {
    let node = Some("node-1");
    let cases = [
        (claim(None, json!({})), "no node was specified"),
        (
            claim(node, json!({"accessModes": ["ReadWriteMany"]})),
            "only the access modes ReadWriteOnce and ReadWriteOncePod are supported",
        ),
        (
            claim(node, json!({"volumeMode": "Block"})),
            "only the volume mode Filesystem is supported",
        ),
        (claim(node, json!({"selector": {}})), "claims with a selector are not supported"),
        (
            claim(node, json!({"dataSource": {"kind": "VolumeSnapshot", "name": "s"}})),
            "claims with a data source are not supported",
        ),
    ];

    for (claim, why) in cases {
        let mut world = world("Immediate");
        world.put(CLAIMS, claim);
        let plan = world.reconcile(&key(), at(10));
        let message = format!(
            "ProvisioningFailed: failed to provision volume with StorageClass \"local-path\": {why}"
        );
        assert_eq!(events(&plan), [message]);
        assert_eq!(plan.requests.len(), 1, "{why}");
    }
}

#[test]
fn the_scheduler_is_asked_for_another_node_when_the_selected_one_is_gone() {
    let mut world = world("WaitForFirstConsumer");
    world.put(CLAIMS, claim(Some("node-2"), json!({})));

    let plan = world.reconcile(&key(), at(10));

    let patch = requests(&plan, Verb::MergePatch, CLAIMS)[0].body.clone().unwrap();
    assert_eq!(
        patch["metadata"]["annotations"],
        json!({"volume.kubernetes.io/selected-node": null})
    );
    assert_eq!(
        events(&plan),
        [
            "ProvisioningFailed: failed to provision volume with StorageClass \"local-path\": node \"node-2\" not found"
        ]
    );
}

fn volume(phase: &str, policy: &str, finalizers: Value) -> Value {
    let annotations = json!({"pv.kubernetes.io/provisioned-by": LOCAL_PATH});
    json!({"metadata": {"name": "v", "annotations": annotations, "finalizers": finalizers},
        "spec": {"persistentVolumeReclaimPolicy": policy, "local": {"path": "/v"}}, "status": {"phase": phase}})
}

fn wanted(volume: Value) -> Plan {
    let mut world = world("WaitForFirstConsumer");
    let due = world.put(VOLUMES, volume);
    world.reconcile(&due[0], at(10))
}

#[test]
fn a_released_volume_is_deleted_and_no_other() {
    let kept = json!([PROVISIONER_FINALIZER]);

    let released = wanted(volume("Released", "Delete", kept.clone()));
    let bound = wanted(volume("Bound", "Delete", kept));

    assert_eq!(names(&released, Verb::Delete, VOLUMES), ["v"]);
    assert_eq!(bound, Plan::default());
    assert_eq!(wanted(volume("Released", "Retain", json!([]))), Plan::default());
}

#[test]
fn the_finalizer_follows_the_policy() {
    let finalizers = |plan: &Plan| {
        let patch = requests(plan, Verb::MergePatch, VOLUMES)[0].body.clone().unwrap();
        patch["metadata"]["finalizers"].clone()
    };

    let retained = wanted(volume("Bound", "Retain", json!(["other", PROVISIONER_FINALIZER])));
    let deleted = wanted(volume("Bound", "Delete", json!(["other"])));

    assert_eq!(finalizers(&retained), json!(["other"]));
    assert_eq!(finalizers(&deleted), json!(["other", PROVISIONER_FINALIZER]));
}
