//! Where pods that are alike can run, and where it is best.

mod rule;
mod scores;

use serde_json::{Value, json};

use super::*;
use crate::testing::{labelled, node, node_info};

/// A pod with the label `foo` and this constraint.
fn pod(constraint: &Value) -> PodInfo {
    pod_with("web", &json!([constraint]), json!({}))
}

fn pod_with(name: &str, constraints: &Value, more: Value) -> PodInfo {
    let mut spec = more;
    spec["topologySpreadConstraints"] = constraints.clone();
    labelled(name, json!({"foo": ""}), spec)
}

/// A constraint that pods with `foo` are spread over zones.
fn zones(max_skew: i64) -> Value {
    json!({"maxSkew": max_skew, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"foo": ""}}})
}

fn with(mut constraint: Value, field: &str, value: Value) -> Value {
    constraint[field] = value;
    constraint
}

/// Nodes with a zone each, and so many pods with `foo`.
fn cluster(nodes: &[(&str, &str, usize)]) -> Cluster {
    let mut cluster = Cluster::default();
    for (name, zone, pods) in nodes {
        let labels = json!({"zone": zone, "kubernetes.io/hostname": name});
        cluster.snapshot.set_node(node(name, json!({"metadata": {"labels": labels}})));
        for number in 0..*pods {
            let pod = labelled(&format!("{name}-{number}"), json!({"foo": ""}), json!({}));
            cluster.snapshot.add_pod(pod, name);
        }
    }
    cluster
}

/// The names of the nodes where a pod can run.
fn feasible(cluster: &Cluster, pod: &PodInfo) -> String {
    let cycle = crate::testing::cycle(pod, cluster).unwrap();
    let fits =
        |node: &&NodeInfo| PodTopologySpread::default().filter(&cycle, node) == Verdict::Feasible;
    cluster.snapshot.nodes().filter(fits).map(NodeInfo::name).collect::<Vec<_>>().join(" ")
}

#[test]
fn no_domain_exceeds_the_least_by_more_than_the_skew() {
    let cluster = cluster(&[("a", "1", 2), ("b", "1", 1), ("x", "2", 2), ("y", "2", 0)]);

    assert_eq!(feasible(&cluster, &pod(&zones(1))), "x y");
    assert_eq!(feasible(&cluster, &pod(&zones(2))), "a b x y");
}

#[test]
fn it_is_said_why_a_node_is_no_good() {
    let cluster = cluster(&[("a", "1", 1), ("x", "2", 0)]);
    let pod = pod(&zones(1));
    let cycle = crate::testing::cycle(&pod, &cluster).unwrap();
    let bare = node_info("bare", json!({}));

    let uneven = PodTopologySpread::default().filter(&cycle, cluster.snapshot.node("a").unwrap());
    let without_label = PodTopologySpread::default().filter(&cycle, &bare);

    let why = "node(s) didn't match pod topology spread constraints";
    assert_eq!(uneven, Verdict::Unschedulable(vec![why.to_owned()]));
    let why = format!("{why} (missing required label)");
    assert_eq!(without_label, Verdict::unresolvable(&why));
}

#[test]
fn with_too_few_domains_the_least_has_none() {
    let cluster = cluster(&[("a", "1", 1), ("x", "2", 1)]);

    assert_eq!(feasible(&cluster, &pod(&with(zones(1), "minDomains", json!(2)))), "a x");
    assert_eq!(feasible(&cluster, &pod(&with(zones(1), "minDomains", json!(3)))), "");
}

#[test]
fn a_node_that_the_pod_does_not_select_counts_unless_that_is_ignored() {
    let cluster = cluster(&[("a", "1", 1), ("x", "2", 0)]);
    let only_a = || json!({"nodeSelector": {"kubernetes.io/hostname": "a"}});
    let on = |policy: Value| {
        let constraint = with(zones(1), "nodeAffinityPolicy", policy);
        feasible(&cluster, &pod_with("web", &json!([constraint]), only_a()))
    };

    assert_eq!(on(Value::Null), "a x");
    assert_eq!(on(json!("Honor")), "a x");
    assert_eq!(on(json!("Ignore")), "x");
}

#[test]
fn a_tainted_node_counts_unless_taints_are_honored() {
    let mut cluster = cluster(&[("a", "1", 1)]);
    let labels = json!({"zone": "2", "kubernetes.io/hostname": "x"});
    let taints = json!([{"key": "gpu", "effect": "NoSchedule"}]);
    let tainted = json!({"metadata": {"labels": labels}, "spec": {"taints": taints}});
    cluster.snapshot.set_node(node("x", tainted));
    let on = |policy: Value| feasible(&cluster, &pod(&with(zones(1), "nodeTaintsPolicy", policy)));

    assert_eq!(on(Value::Null), "x");
    assert_eq!(on(json!("Ignore")), "x");
    assert_eq!(on(json!("Honor")), "a x");
}

#[test]
fn only_pods_with_the_same_value_of_a_named_label_count() {
    let mut cluster = cluster(&[("a", "1", 1), ("x", "2", 0)]);
    let old = labelled("old", json!({"foo": "", "revision": "1"}), json!({}));
    cluster.snapshot.add_pod(old, "x");
    let constraint = with(zones(1), "matchLabelKeys", json!(["revision"]));
    let spec = json!({"topologySpreadConstraints": [constraint]});
    let new = labelled("new", json!({"foo": "", "revision": "2"}), spec.clone());
    let same = labelled("same", json!({"foo": "", "revision": "1"}), spec);

    assert_eq!((feasible(&cluster, &new), feasible(&cluster, &same)), ("a x".into(), "a".into()));
}

#[test]
fn pods_of_other_namespaces_and_those_being_deleted_do_not_count() {
    let mut cluster = cluster(&[("a", "1", 0), ("x", "2", 0)]);
    for (name, namespace, deleted) in [("elsewhere", "other", None), ("going", "default", Some(()))]
    {
        let mut pod = (*labelled(name, json!({"foo": ""}), json!({})).pod).clone();
        pod.metadata.namespace = Some(namespace.to_owned());
        pod.metadata.deletion_timestamp = deleted.map(|()| api::time::time(crate::testing::NOW));
        cluster.snapshot.add_pod(PodInfo::new(pod.into()), "a");
    }

    assert_eq!(feasible(&cluster, &pod(&zones(1))), "a x");
}

#[test]
fn a_selector_of_nothing_or_of_everything_counts_no_pods() {
    let cluster = cluster(&[("a", "1", 3), ("x", "2", 0)]);

    assert_eq!(feasible(&cluster, &pod(&with(zones(1), "labelSelector", Value::Null))), "a x");
    assert_eq!(feasible(&cluster, &pod(&with(zones(1), "labelSelector", json!({})))), "a x");
}

#[test]
fn a_node_must_have_the_labels_of_all_constraints_to_count() {
    let mut cluster = cluster(&[("a", "1", 1)]);
    let host_only = json!({"metadata": {"labels": {"kubernetes.io/hostname": "h"}}});
    cluster.snapshot.set_node(node("h", host_only));
    let hosts = with(zones(1), "topologyKey", json!("kubernetes.io/hostname"));

    assert_eq!(feasible(&cluster, &pod(&hosts)), "h");
    assert_eq!(feasible(&cluster, &pod_with("web", &json!([zones(1), hosts]), json!({}))), "a");
}

#[test]
fn a_pod_that_is_taken_away_to_try_something_counts_no_more() {
    let cluster = cluster(&[("a", "1", 1), ("x", "2", 0)]);
    let pod = pod(&zones(1));
    let mut cycle = crate::testing::cycle(&pod, &cluster).unwrap();
    let node = cluster.snapshot.node("a").unwrap();
    let victim = node.pods().next().unwrap().clone();

    cycle.remove_pod(&victim, node);
    let without = PodTopologySpread::default().filter(&cycle, node);
    cycle.add_pod(&victim, node);

    assert_eq!(without, Verdict::Feasible);
    assert_ne!(PodTopologySpread::default().filter(&cycle, node), Verdict::Feasible);
}

#[test]
fn what_did_not_count_is_not_taken_away() {
    let mut cluster = cluster(&[("a", "1", 1), ("x", "2", 0)]);
    let mut going = (*labelled("going", json!({"foo": ""}), json!({})).pod).clone();
    going.metadata.deletion_timestamp = Some(api::time::time(crate::testing::NOW));
    let going = PodInfo::new(going.into());
    cluster.snapshot.add_pod(going.clone(), "a");
    let hosts = with(zones(9), "topologyKey", json!("kubernetes.io/hostname"));
    let web = pod_with("web", &json!([zones(1), hosts]), json!({}));
    let mut cycle = crate::testing::cycle(&web, &cluster).unwrap();
    let (node, zone) = (cluster.snapshot.node("a").unwrap(), json!({"zone": "1"}));
    let without_host = node_info("bare", json!({"metadata": {"labels": zone}}));

    cycle.remove_pod(&going, node);
    cycle.remove_pod(&labelled("other", json!({"foo": ""}), json!({})), &without_host);

    assert_ne!(PodTopologySpread::default().filter(&cycle, node), Verdict::Feasible);
}

#[test]
fn only_changes_that_move_the_count_may_help() {
    let cluster = Cluster::default();
    let waits = pod(&zones(1));
    let (alike, other) =
        (labelled("p", json!({"foo": ""}), json!({})), labelled("p", json!({}), json!({})));
    let helps = |old: Option<&PodInfo>, new: Option<&PodInfo>| {
        PodTopologySpread::default().may_help(&waits, Event::Pod { old, new }, &cluster)
    };

    assert!(helps(None, Some(&alike)));
    assert!(helps(Some(&alike), None));
    assert!(helps(Some(&alike), Some(&other)));
    assert!(!helps(Some(&alike), Some(&alike)));
    assert!(!helps(None, Some(&other)));
}

#[test]
fn only_nodes_of_a_domain_may_help() {
    let cluster = Cluster::default();
    let waits = pod(&zones(1));
    let zone = |zone: &str| node("a", json!({"metadata": {"labels": {"zone": zone}}}));
    let (one, two, none) = (zone("1"), zone("2"), node("a", json!({})));
    let taints = json!([{"key": "gpu", "effect": "NoSchedule"}]);
    let tainted = json!({"metadata": {"labels": {"zone": "1"}}, "spec": {"taints": taints}});
    let tainted = node("a", tainted);
    let helps = |old: Option<&Node>, new: Option<&Node>| {
        PodTopologySpread::default().may_help(&waits, Event::Node { old, new }, &cluster)
    };

    assert!(helps(None, Some(&one)) && helps(Some(&one), None));
    assert!(helps(Some(&one), Some(&two)) && helps(Some(&tainted), Some(&one)));
    assert!(!helps(None, Some(&none)) && !helps(Some(&none), None));
    assert!(!helps(Some(&one), Some(&one)));
}
