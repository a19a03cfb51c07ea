//! How many volumes a node attaches.

use std::sync::Arc;

use api::{AnyObject, resources};
use client::Change;
use proptest::prelude::*;
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
    let cycle = crate::testing::cycle(&pod, cluster).unwrap();
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

proptest! {
    /// The rule said once more: the volumes that would be attached are listed, and those of the driver counted.
    #[test]
    fn a_node_never_has_more_volumes_of_new_pods_than_its_limit(
        limit in 0..4_usize,
        running in proptest::collection::vec(proptest::collection::btree_set(0..5_usize, 0..3), 0..3),
        left in proptest::option::of(0..5_usize),
        wanted in proptest::collection::btree_set(0..5_usize, 0..3),
    ) {
        let name = |number: usize| format!("v{number}");
        let mut objects = vec![csi_node(json!(limit))];
        for number in 0..5 {
            objects.extend([csi_volume(&name(number)), bound_claim(&name(number), &name(number))]);
        }
        objects.extend(left.map(|number| attachment(&name(number))));
        let mut cluster = cluster_with(objects);
        cluster.snapshot.set_node(node("a", json!({})));
        let pod = |pod: &str, volumes: &std::collections::BTreeSet<usize>| {
            let names: Vec<String> = volumes.iter().map(|number| name(*number)).collect();
            PodInfo::new(pod_using(pod, &names.iter().map(String::as_str).collect::<Vec<_>>()))
        };
        for (number, volumes) in running.iter().enumerate() {
            cluster.snapshot.add_pod(pod(&number.to_string(), volumes), "a");
        }
        let used: std::collections::BTreeSet<usize> = running.iter().flatten().copied().collect();
        let new = wanted.difference(&used).count();
        let held = used.len() + usize::from(left.is_some_and(|left| !used.contains(&left)));
        let web = pod("web", &wanted);
        let cycle = crate::testing::cycle(&web, &cluster).unwrap();

        let found = NodeVolumeLimits.filter(&cycle, cluster.snapshot.node("a").unwrap());

        prop_assert_eq!(found == Verdict::Feasible, new == 0 || held + new <= limit);
    }
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
