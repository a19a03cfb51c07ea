//! Where pods with claims can run.

use api::{AnyObject, resources};
use client::Change;
use serde_json::{Value, json};

use super::*;
use crate::testing::{bound, claim, class, node_info, pod_info, pod_using, stored, volume};

const NOWHERE: &str = "kubernetes.io/no-provisioner";

fn volumes(objects: Vec<AnyObject>) -> Volumes {
    let mut volumes = Volumes::default();
    for object in objects {
        assert!(volumes.observe(&Change { old: None, new: Some(object) }));
    }
    volumes
}

fn a_claim(claim: Value) -> AnyObject {
    stored(&resources::PERSISTENT_VOLUME_CLAIMS, claim)
}

fn a_volume(volume: Value) -> AnyObject {
    stored(&resources::PERSISTENT_VOLUMES, volume)
}

fn pod(claims: &[&str]) -> PodInfo {
    PodInfo::new(pod_using("web", claims))
}

/// What is said of a pod with the claim `data`.
fn verdict(node: &str, objects: Vec<AnyObject>) -> Verdict {
    let volumes = volumes(objects);
    let claims = pre_filter(&pod(&["data"]), &volumes).unwrap();
    filter(&claims, &node_info(node, json!({})), &volumes)
}

#[test]
fn a_pod_without_claims_can_run_anywhere() {
    let volumes = Volumes::default();
    let claims = pre_filter(&pod(&[]), &volumes).unwrap();

    assert_eq!(filter(&claims, &node_info("a", json!({})), &volumes), Verdict::Feasible);
}

#[test]
fn a_pod_can_run_nowhere_when_a_claim_is_not_usable() {
    let mut immediate = claim("data");
    immediate["spec"]["storageClassName"] = json!("");
    let mut lost = claim("data");
    lost["status"]["phase"] = json!("Lost");
    lost["spec"]["volumeName"] = json!("v");
    let mut going = claim("data");
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let mut named = claim("data");
    named["spec"]["volumeName"] = json!("v");
    let cases = [
        (vec![], "persistentvolumeclaim \"data\" not found"),
        (vec![a_claim(immediate)], "pod has unbound immediate PersistentVolumeClaims"),
        (vec![class("p"), a_claim(named)], "pod has unbound immediate PersistentVolumeClaims"),
        (
            vec![a_claim(lost)],
            "persistentvolumeclaim \"data\" bound to non-existent persistentvolume \"v\"",
        ),
        (vec![a_claim(going)], "persistentvolumeclaim \"data\" is being deleted"),
    ];

    for (objects, why) in cases {
        let refused = pre_filter(&pod(&["data"]), &volumes(objects)).map(|_| ());
        assert_eq!(refused, Err(why.to_owned()));
    }
}

#[test]
fn a_pods_own_claim_must_be_there_and_its_own() {
    let own = pod_info(json!({"containers": [], "volumes": [{"name": "tmp", "ephemeral": {}}]}));

    let missing = pre_filter(&own, &Volumes::default()).map(|_| ());
    let foreign = pre_filter(&own, &volumes(vec![a_claim(claim("web-tmp"))])).map(|_| ());

    let waits =
        "waiting for ephemeral volume controller to create the persistentvolumeclaim \"web-tmp\"";
    assert_eq!(missing, Err(waits.to_owned()));
    let why = "PVC default/web-tmp was not created for pod default/web (pod is not owner)";
    assert_eq!(foreign, Err(why.to_owned()));
}

#[test]
fn a_bound_claim_leads_to_the_nodes_that_reach_its_volume() {
    let objects = || vec![a_claim(bound(claim("data"), "v")), a_volume(volume("v", "a"))];

    assert_eq!(verdict("a", objects()), Verdict::Feasible);
    assert_eq!(verdict("b", objects()), Verdict::unresolvable(BOUND_ELSEWHERE));
}

#[test]
fn a_claim_that_is_bound_to_nothing_leads_nowhere() {
    let objects = vec![a_claim(bound(claim("data"), "v"))];

    assert_eq!(verdict("a", objects), Verdict::unresolvable(BOUND_TO_NOTHING));
}

#[test]
fn a_claim_that_waits_leads_to_free_volumes_or_where_they_can_be_made() {
    let with = |provisioner: &str| {
        vec![class(provisioner), a_claim(claim("data")), a_volume(volume("v", "a"))]
    };

    assert_eq!(verdict("a", with(NOWHERE)), Verdict::Feasible);
    assert_eq!(verdict("b", with(NOWHERE)), Verdict::unresolvable(NOTHING_TO_BIND));
    assert_eq!(verdict("b", with("example.com/p")), Verdict::Feasible);
}

#[test]
fn a_class_allows_volumes_for_the_nodes_of_its_topologies() {
    let expressions = json!([{"key": "zone", "values": ["1"]}]);
    let class = json!({"metadata": {"name": "local"}, "provisioner": "example.com/p",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowedTopologies": [{"matchLabelExpressions": expressions}]});
    let objects = vec![stored(&resources::STORAGE_CLASSES, class), a_claim(claim("data"))];
    let volumes = volumes(objects);
    let claims = pre_filter(&pod(&["data"]), &volumes).unwrap();
    let on = |zone: &str| {
        let node = node_info("a", json!({"metadata": {"labels": {"zone": zone}}}));
        filter(&claims, &node, &volumes)
    };

    assert_eq!(on("1"), Verdict::Feasible);
    assert_eq!(on("2"), Verdict::unresolvable(NOTHING_TO_BIND));
}

#[test]
fn a_claim_whose_node_is_selected_leads_there_only() {
    let mut selected = claim("data");
    selected["metadata"]["annotations"] = json!({"volume.kubernetes.io/selected-node": "a"});
    let objects = || vec![class("example.com/p"), a_claim(selected.clone())];

    assert_eq!(verdict("a", objects()), Verdict::Feasible);
    assert_eq!(verdict("b", objects()), Verdict::unresolvable(NOTHING_TO_BIND));
}

#[test]
fn two_claims_of_a_pod_need_two_volumes() {
    let mut objects = vec![class(NOWHERE), a_claim(claim("data")), a_claim(claim("logs"))];
    objects.push(a_volume(volume("v", "a")));
    let fits = |objects: Vec<AnyObject>| {
        let volumes = volumes(objects);
        let claims = pre_filter(&pod(&["data", "logs"]), &volumes).unwrap();
        filter(&claims, &node_info("a", json!({})), &volumes)
    };

    assert_eq!(fits(objects.clone()), Verdict::unresolvable(NOTHING_TO_BIND));
    objects.push(a_volume(volume("w", "a")));
    assert_eq!(fits(objects), Verdict::Feasible);
}
