//! Which volumes fit which claims.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Node;
use serde_json::{Value, json};

use super::*;

const BINDER: Seeker<'_> = Seeker::Binder { waits: false };

#[test]
fn the_smallest_volume_that_fits_is_found() {
    let volumes = [volume("big", "5Gi"), volume("fits", "2Gi"), volume("small", "1Gi")];

    assert_eq!(found(&claim(json!({})), &volumes, BINDER), Some("fits".to_owned()));
}

#[test]
fn a_volume_that_is_kept_for_the_claim_is_taken_before_smaller_ones() {
    let mut kept = volume("kept", "5Gi");
    kept["spec"]["claimRef"] = json!({"namespace": "n", "name": "data"});
    let mut others = volume("others", "2Gi");
    others["spec"]["claimRef"] = json!({"namespace": "n", "name": "other"});
    let volumes = [volume("free", "2Gi"), others, kept];

    for waits in [false, true] {
        let seeker = Seeker::Binder { waits };
        assert_eq!(found(&claim(json!({})), &volumes, seeker), Some("kept".to_owned()));
    }
}

#[test]
fn a_claim_that_waits_gets_no_free_volume_from_the_binder() {
    let seeker = Seeker::Binder { waits: true };

    assert_eq!(found(&claim(json!({})), &[volume("free", "2Gi")], seeker), None);
}

#[test]
fn a_volume_that_differs_in_anything_does_not_fit() {
    let free = volume("v", "2Gi");
    let with = |field: &str, value: Value| {
        let mut volume = free.clone();
        volume["spec"][field] = value;
        volume
    };
    let mut going = free.clone();
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let mut pending = free.clone();
    pending["status"]["phase"] = json!("Pending");
    let cases = [
        with("storageClassName", json!("other")),
        with("volumeMode", json!("Block")),
        with("volumeAttributesClassName", json!("gold")),
        with("capacity", json!({"storage": "1Gi"})),
        going,
        pending,
    ];

    for volume in cases {
        assert_eq!(
            found(&claim(json!({})), std::slice::from_ref(&volume), BINDER),
            None,
            "{volume}"
        );
    }
    assert_eq!(found(&claim(json!({})), &[free], BINDER), Some("v".to_owned()));
}

#[test]
fn a_claim_selects_volumes_by_their_labels() {
    let claim = claim(json!({"selector": {"matchLabels": {"disk": "fast"}}}));
    let mut fast = volume("fast", "9Gi");
    fast["metadata"]["labels"] = json!({"disk": "fast"});

    assert_eq!(found(&claim, &[volume("slow", "2Gi"), fast], BINDER), Some("fast".to_owned()));
}

#[test]
fn the_scheduler_takes_volumes_that_the_node_reaches_and_no_other_claim_gets() {
    let node: Node =
        serde_json::from_value(json!({"metadata": {"name": "a", "labels": {"z": "1"}}})).unwrap();
    let at = |name: &str, zone: &str| {
        let requirement = json!({"key": "z", "operator": "In", "values": [zone]});
        let terms = json!([{"matchExpressions": [requirement]}]);
        let mut volume = volume(name, "2Gi");
        volume["spec"]["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": terms}});
        volume
    };
    let volumes = [at("far", "2"), at("taken", "1"), at("near", "1")];
    let taken = BTreeSet::from(["taken".to_owned()]);
    let seeker = Seeker::Scheduler { place: Place::of(&node), taken: &taken };

    assert_eq!(found(&claim(json!({})), &volumes, seeker), Some("near".to_owned()));
    let many = claim(json!({"accessModes": ["ReadWriteMany"]}));
    assert_eq!(found(&many, &volumes, seeker), None);
}

#[test]
fn of_several_default_classes_the_newest_counts() {
    let class = |name: &str, created: &str, is_default: &str| -> StorageClass {
        let annotations = json!({"storageclass.kubernetes.io/is-default-class": is_default});
        let metadata =
            json!({"name": name, "creationTimestamp": created, "annotations": annotations});
        serde_json::from_value(json!({"metadata": metadata, "provisioner": "p"})).unwrap()
    };
    let classes = [
        class("old", "2026-01-01T00:00:00Z", "true"),
        class("newer-b", "2026-01-02T00:00:00Z", "true"),
        class("newer-a", "2026-01-02T00:00:00Z", "true"),
        class("newest", "2026-01-03T00:00:00Z", "false"),
    ];

    let found = default_class(classes.iter()).and_then(|class| class.metadata.name.clone());

    assert_eq!(found, Some("newer-a".to_owned()));
}

#[test]
fn a_volume_is_bound_by_the_uid_of_its_claim_and_only_once() {
    let claim = claim(json!({}));
    let free: PersistentVolume = serde_json::from_value(volume("v", "2Gi")).unwrap();

    let bound = bind_to(&free, &claim).unwrap();

    assert_eq!(annotation(&bound.metadata, BOUND_BY_CONTROLLER), Some("yes"));
    assert_eq!(
        claim_reference(&bound).and_then(|reference| reference.uid.clone()),
        claim.metadata.uid
    );
    assert_eq!(bind_to(&bound, &claim), None);
}

#[test]
fn a_volume_that_a_person_keeps_for_a_claim_is_not_marked_as_bound_by_a_controller() {
    let mut kept = volume("v", "2Gi");
    kept["spec"]["claimRef"] = json!({"namespace": "n", "name": "data"});
    let kept: PersistentVolume = serde_json::from_value(kept).unwrap();

    let bound = bind_to(&kept, &claim(json!({}))).unwrap();

    assert_eq!(annotation(&bound.metadata, BOUND_BY_CONTROLLER), None);
}

fn found(claim: &PersistentVolumeClaim, volumes: &[Value], seeker: Seeker<'_>) -> Option<String> {
    let decoded = volumes.iter().map(|volume| serde_json::from_value(volume.clone()).unwrap());
    let volumes: Vec<Arc<PersistentVolume>> = decoded.map(Arc::new).collect();
    let found = find_matching_volume(claim, volumes.iter(), seeker)?;
    found.metadata.name.clone()
}

/// A claim of 2 GiB with these fields.
fn claim(fields: Value) -> PersistentVolumeClaim {
    let mut spec = json!({"accessModes": ["ReadWriteOnce"], "storageClassName": "c",
        "resources": {"requests": {"storage": "2Gi"}}});
    for (name, value) in fields.as_object().unwrap() {
        spec[name] = value.clone();
    }
    let metadata = json!({"name": "data", "namespace": "n", "uid": "uid-data"});
    serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
}

fn volume(name: &str, storage: &str) -> Value {
    json!({"metadata": {"name": name}, "status": {"phase": "Available"},
        "spec": {"capacity": {"storage": storage}, "accessModes": ["ReadWriteOnce"], "storageClassName": "c"}})
}
