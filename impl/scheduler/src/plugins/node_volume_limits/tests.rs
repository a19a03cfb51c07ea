//! How many volumes a node attaches.

use std::sync::Arc;

use api::{AnyObject, resources};
use client::Change;
use serde_json::{Value, json};

use super::*;
use crate::testing::{bound, claim, class, cluster_with, node, pod_using, stored, volume};

const DRIVER: &str = "example.com/p";

fn csi_node(count: Value) -> AnyObject {
    let drivers = json!([{"name": DRIVER, "nodeID": "n", "allocatable": {"count": count}}]);
    stored(&resources::CSI_NODES, json!({"metadata": {"name": "a"}, "spec": {"drivers": drivers}}))
}

fn csi_volume(name: &str) -> AnyObject {
    let mut volume = volume(name, "a");
    volume["spec"]["local"] = Value::Null;
    volume["spec"]["csi"] = json!({"driver": DRIVER, "volumeHandle": name});
    stored(&resources::PERSISTENT_VOLUMES, volume)
}

fn bound_claim(name: &str, volume: &str) -> AnyObject {
    stored(&resources::PERSISTENT_VOLUME_CLAIMS, bound(claim(name), volume))
}

fn attachment(volume: &str) -> AnyObject {
    let spec =
        json!({"attacher": DRIVER, "nodeName": "a", "source": {"persistentVolumeName": volume}});
    stored(&resources::VOLUME_ATTACHMENTS, json!({"metadata": {"name": "x"}, "spec": spec}))
}

/// A node with one volume of a pod, and a second volume.
fn cluster(limit: Value, more: Vec<AnyObject>) -> Cluster {
    let mut objects = vec![class(DRIVER), csi_node(limit)];
    for name in ["one", "two"] {
        objects.extend([csi_volume(name), bound_claim(name, name)]);
    }
    objects.extend(more);
    let mut cluster = cluster_with(objects);
    cluster.snapshot.set_node(node("a", json!({})));
    cluster.snapshot.add_pod(PodInfo::new(pod_using("first", &["one"])), "a");
    cluster
}

fn verdict(cluster: &Cluster, claims: &[&str]) -> Verdict {
    let pod = PodInfo::new(pod_using("web", claims));
    let cycle = Cycle::pre_filter(&pod, cluster).unwrap();
    NodeVolumeLimits.filter(&cycle, cluster.snapshot.node("a").unwrap())
}

fn too_many() -> Verdict {
    Verdict::Unschedulable(vec!["node(s) exceed max volume count".to_owned()])
}

#[test]
fn a_node_attaches_no_more_volumes_than_its_limit() {
    assert_eq!(verdict(&cluster(json!(2), vec![]), &["two"]), Verdict::Feasible);
    assert_eq!(verdict(&cluster(json!(1), vec![]), &["two"]), too_many());
    assert_eq!(verdict(&cluster(Value::Null, vec![]), &["two"]), Verdict::Feasible);
    assert_eq!(verdict(&cluster(json!(1), vec![]), &[]), Verdict::Feasible);
}

#[test]
fn a_volume_that_two_pods_share_counts_once() {
    assert_eq!(verdict(&cluster(json!(1), vec![]), &["one"]), Verdict::Feasible);
}

#[test]
fn what_is_attached_for_nobody_counts() {
    let left = vec![csi_volume("left"), attachment("left")];

    assert_eq!(verdict(&cluster(json!(2), left), &["two"]), too_many());
    assert_eq!(verdict(&cluster(json!(2), vec![attachment("one")]), &["two"]), Verdict::Feasible);
}

#[test]
fn a_claim_without_a_volume_counts_as_one_of_its_class() {
    let waiting = || vec![stored(&resources::PERSISTENT_VOLUME_CLAIMS, claim("new"))];

    assert_eq!(verdict(&cluster(json!(1), waiting()), &["new"]), too_many());
    assert_eq!(verdict(&cluster(json!(2), waiting()), &["new"]), Verdict::Feasible);
}

#[test]
fn a_pod_is_tried_again_when_a_volume_less_is_attached_or_more_may_be() {
    let cluster = Cluster::default();
    let pod = PodInfo::new(pod_using("web", &["two"]));
    let helps = |old: Option<AnyObject>, new: Option<AnyObject>| {
        NodeVolumeLimits.may_help(&pod, Event::Volumes(&Change { old, new }), &cluster)
    };
    let freed = |claims: &[&str]| {
        let gone = PodInfo::new(pod_using("gone", claims));
        NodeVolumeLimits.may_help(&pod, Event::freed(&gone), &cluster)
    };

    assert!(helps(Some(csi_node(json!(1))), Some(csi_node(json!(2)))));
    assert!(!helps(Some(csi_node(json!(2))), Some(csi_node(json!(2)))));
    assert!(helps(None, Some(csi_node(json!(1)))));
    assert!(!helps(Some(csi_node(json!(1))), None));
    assert!(helps(Some(attachment("one")), None));
    assert!(!helps(None, Some(attachment("one"))));
    assert!(helps(None, Some(bound_claim("two", "two"))));
    assert!(!helps(None, Some(bound_claim("other", "two"))));
    assert!(!helps(None, Some(AnyObject::from(Arc::clone(&pod.pod)))));
    assert_eq!((freed(&["one"]), freed(&[])), (true, false));
}
