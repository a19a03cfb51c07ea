//! Who has to go, and from where.

mod choice;
mod rule;

use std::collections::BTreeMap;

use api::resources;
use serde_json::{Value, json};

use super::*;
use crate::cluster::Cluster;
use crate::testing::{NOW, labelled, node, stored};

/// A pod of this priority that wants so much cpu.
fn pod(name: &str, priority: i32, cpu: &str) -> PodInfo {
    pod_with(name, priority, json!({"resources": {"requests": {"cpu": cpu}}}), json!({}))
}

fn pod_with(name: &str, priority: i32, mut container: Value, more: Value) -> PodInfo {
    container["name"] = json!("c");
    let mut spec = more;
    spec["priority"] = json!(priority);
    let mut pod = (*labelled(name, json!({"app": name}), spec).pod).clone();
    let container = serde_json::from_value(container).unwrap();
    pod.spec.as_mut().unwrap().containers = vec![container];
    PodInfo::new(pod.into())
}

/// A cluster with these nodes of two cpus, and these pods on them.
fn cluster(nodes: &[&str], pods: Vec<(&str, PodInfo)>) -> Cluster {
    let mut cluster = Cluster::default();
    for name in nodes {
        cluster.snapshot.set_node(node(name, json!({})));
    }
    for (node, pod) in pods {
        cluster.snapshot.add_pod(pod, node);
    }
    cluster
}

fn preempt(cluster: &Cluster, pod: &PodInfo) -> Preemption {
    let cycle = crate::testing::cycle(pod, cluster).unwrap();
    let refusal = |node| {
        let rejection = cycle.rejection(node);
        (node.name(), rejection.expect("the pod fits nowhere"))
    };
    let mut refusals = cluster.snapshot.nodes().map(refusal).collect();
    crate::testing::post_filter(&cycle, &mut refusals)
}

/// The node and the victims, as `NODE: VICTIM …`, with a mark for each that a budget protects.
fn found(cluster: &Cluster, pod: &PodInfo) -> String {
    match preempt(cluster, pod) {
        Preemption::Possible(Candidate { node, victims, violations, .. }) => {
            let names: Vec<String> = victims.iter().map(|victim| victim.key().name).collect();
            format!("{node}: {}{}", names.join(" "), "!".repeat(violations))
        }
        Preemption::NotEligible(why) => why.to_owned(),
        Preemption::Impossible { message, .. } | Preemption::Failed(message) => message,
    }
}

#[test]
fn only_less_important_pods_go_and_no_more_than_must() {
    let cluster = cluster(
        &["a"],
        vec![
            ("a", pod("small", 0, "500m")),
            ("a", pod("large", 1, "1")),
            ("a", pod("high", 9, "500m")),
        ],
    );

    assert_eq!(found(&cluster, &pod("web", 5, "500m")), "a: small");
    assert_eq!(found(&cluster, &pod("web", 5, "1")), "a: large");
    assert_eq!(found(&cluster, &pod("web", 5, "1500m")), "a: large small");
}

#[test]
fn it_is_said_why_no_room_can_be_made() {
    let low = || pod("low", 0, "1");
    let tainted = json!({"spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}]}});
    let mut three = cluster(&["a", "b"], vec![("a", pod("high", 9, "1500m")), ("b", low())]);
    three.snapshot.add_pod(pod("high-too", 9, "1"), "b");
    three.snapshot.set_node(node("c", tainted));
    let equal = cluster(&["a"], vec![("a", pod("equal", 5, "2"))]);

    assert_eq!(
        found(&three, &pod("web", 5, "1500m")),
        "0/3 nodes are available: 1 Insufficient cpu, 1 No preemption victims found for incoming pod, \
         1 Preemption is not helpful for scheduling."
    );
    assert_eq!(
        found(&equal, &pod("web", 5, "1")),
        "0/1 nodes are available: 1 No preemption victims found for incoming pod."
    );
    assert_eq!(
        found(&equal, &pod("web", 9, "3")),
        "0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    );
}

#[test]
fn a_pod_that_never_preempts_has_no_victims() {
    let cluster = cluster(&["a"], vec![("a", pod("low", 0, "2"))]);
    let container = json!({"resources": {"requests": {"cpu": "1"}}});
    let never = pod_with("web", 5, container, json!({"preemptionPolicy": "Never"}));

    assert_eq!(found(&cluster, &never), "not eligible due to preemptionPolicy=Never.");
}

/// A pod that is nominated to node `a`.
fn nominated() -> PodInfo {
    let mut pod = (*pod("web", 5, "2").pod).clone();
    pod.status = serde_json::from_value(json!({"nominatedNodeName": "a"})).unwrap();
    PodInfo::new(pod.into())
}

fn going(name: &str, reason: &str) -> PodInfo {
    let mut pod = (*pod(name, 0, "2").pod).clone();
    pod.metadata.deletion_timestamp = Some(api::time::time(NOW));
    let condition = json!({"type": "DisruptionTarget", "status": "True", "reason": reason});
    pod.status = serde_json::from_value(json!({"conditions": [condition]})).unwrap();
    PodInfo::new(pod.into())
}

#[test]
fn a_pod_waits_for_its_victims_before_it_has_others() {
    let with =
        |victim: PodInfo| cluster(&["a", "b"], vec![("a", victim), ("b", pod("low", 0, "2"))]);
    let waits = "not eligible due to a terminating pod on the nominated node.";

    assert_eq!(found(&with(going("gone", "PreemptionByScheduler")), &nominated()), waits);
    assert_eq!(found(&with(going("gone", "EvictionByEvictionAPI")), &nominated()), "a: gone");
}

#[test]
fn a_pod_whose_nominated_node_is_no_good_any_more_has_others() {
    let mut cluster = cluster(
        &["a", "b"],
        vec![("a", going("gone", "PreemptionByScheduler")), ("b", pod("low", 0, "2"))],
    );
    let taints = json!([{"key": "gpu", "effect": "NoSchedule"}]);
    cluster.snapshot.set_node(node("a", json!({"spec": {"taints": taints}})));

    assert_eq!(found(&cluster, &nominated()), "b: low");
}

fn budget(app: &str, allowed: i32, disrupted: &[&str]) -> api::AnyObject {
    let since = "2026-01-01T00:00:00Z";
    let disrupted: BTreeMap<&str, &str> = disrupted.iter().map(|name| (*name, since)).collect();
    let status = json!({"disruptionsAllowed": allowed, "disruptedPods": disrupted,
        "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1});
    let spec = json!({"selector": {"matchLabels": {"app": app}}});
    let budget = json!({"metadata": {"name": app}, "spec": spec, "status": status});
    stored(&resources::POD_DISRUPTION_BUDGETS, budget)
}

fn protect(cluster: &mut Cluster, budget: api::AnyObject) {
    cluster.observe(&client::Change { old: None, new: Some(budget) });
}

#[test]
fn a_protected_pod_is_spared_before_a_more_important_one() {
    let pods = vec![("a", pod("low", 0, "1")), ("a", pod("mid", 1, "1"))];
    let mut cluster = cluster(&["a"], pods);
    let web = pod("web", 5, "1");
    assert_eq!(found(&cluster, &web), "a: low");

    protect(&mut cluster, budget("low", 1, &[]));
    assert_eq!(found(&cluster, &web), "a: low");
    protect(&mut cluster, budget("low", 0, &["low"]));
    assert_eq!(found(&cluster, &web), "a: low");
    protect(&mut cluster, budget("low", 0, &[]));
    assert_eq!(found(&cluster, &web), "a: mid");
    protect(&mut cluster, budget("mid", 0, &[]));
    assert_eq!(found(&cluster, &web), "a: low!");
}

#[test]
fn a_node_where_no_budget_is_broken_is_better() {
    let pods = vec![("a", pod("low", 0, "2")), ("b", pod("mid", 1, "2"))];
    let mut cluster = cluster(&["a", "b"], pods);

    protect(&mut cluster, budget("low", 0, &[]));

    assert_eq!(found(&cluster, &pod("web", 5, "2")), "b: mid");
}

#[test]
fn a_pod_goes_that_is_avoided_or_takes_the_port() {
    let avoids = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
        [{"topologyKey": "host", "labelSelector": {"matchLabels": {"app": "low"}}}]}});
    let mut first =
        cluster(&[], vec![("a", pod("low", 0, "100m")), ("a", pod("other", 0, "100m"))]);
    first.snapshot.set_node(node("a", json!({"metadata": {"labels": {"host": "a"}}})));
    let port = json!({"ports": [{"hostPort": 80}]});
    let low = pod_with("low", 0, port.clone(), json!({}));
    let second = cluster(&["a"], vec![("a", low), ("a", pod("other", 0, "100m"))]);

    let avoiding = pod_with("web", 5, json!({}), json!({"affinity": avoids}));
    assert_eq!(found(&first, &avoiding), "a: low");
    assert_eq!(found(&second, &pod_with("web", 5, port, json!({}))), "a: low");
}

#[test]
fn room_that_is_kept_for_an_equally_important_pod_cannot_be_made() {
    let mut cluster = cluster(&["a"], vec![("a", pod("low", 0, "1"))]);
    cluster.nominations.add(pod("other", 5, "1500m"), "a");

    assert_eq!(
        found(&cluster, &pod("web", 5, "1")),
        "0/1 nodes are available: 1 Insufficient cpu."
    );
    assert_eq!(found(&cluster, &pod("more", 6, "1500m")), "a: low");
}
