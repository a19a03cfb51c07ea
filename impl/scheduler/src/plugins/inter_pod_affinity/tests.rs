//! Pods near to others, and far from them.

mod rule;

use serde_json::{Value, json};

use super::*;
use crate::testing::{labelled, node, scores_of_all, stored};

/// A cluster with two zones of one node each, `a` in zone 1 and `b` in zone 2, and `c` in none.
fn cluster() -> Cluster {
    let mut cluster = Cluster::default();
    for (name, labels) in [
        ("a", json!({"zone": "1", "kubernetes.io/hostname": "a"})),
        ("b", json!({"zone": "2", "kubernetes.io/hostname": "b"})),
        ("c", json!({"kubernetes.io/hostname": "c"})),
    ] {
        cluster.snapshot.set_node(node(name, json!({"metadata": {"labels": labels}})));
    }
    cluster
}

/// A term that means pods with `app` of this value.
fn term(app: &str) -> Value {
    json!({"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": app}}})
}

fn near(terms: Value) -> Value {
    json!({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}})
}

fn far(terms: Value) -> Value {
    json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}})
}

fn pod(name: &str, app: &str, affinity: &Value) -> PodInfo {
    labelled(name, json!({"app": app}), json!({"containers": [], "affinity": affinity}))
}

fn verdicts(pod: &PodInfo, cluster: &Cluster) -> Vec<Verdict> {
    let cycle = crate::testing::cycle(pod, cluster).unwrap();
    cluster.snapshot.nodes().map(|node| InterPodAffinity::default().filter(&cycle, node)).collect()
}

fn refused(why: &str) -> Verdict {
    Verdict::Unschedulable(vec![why.to_owned()])
}

#[test]
fn a_pod_runs_near_the_pods_that_it_needs() {
    let mut cluster = cluster();
    cluster.snapshot.add_pod(pod("db", "db", &Value::Null), "a");

    let found = verdicts(&pod("web", "web", &near(json!([term("db")]))), &cluster);

    let nowhere = Verdict::unresolvable("node(s) didn't match pod affinity rules");
    assert_eq!(found, [Verdict::Feasible, nowhere.clone(), nowhere]);
}

#[test]
fn one_pod_must_be_meant_by_all_terms() {
    let mut cluster = cluster();
    let tier = json!({"topologyKey": "zone", "labelSelector": {"matchLabels": {"tier": "1"}}});
    let web = pod("web", "web", &near(json!([term("db"), tier])));
    cluster.snapshot.add_pod(pod("db", "db", &Value::Null), "a");
    cluster.snapshot.add_pod(labelled("first", json!({"tier": "1"}), json!({})), "a");
    assert!(!verdicts(&web, &cluster).contains(&Verdict::Feasible));

    let both = labelled("both", json!({"app": "db", "tier": "1"}), json!({}));
    cluster.snapshot.add_pod(both, "b");

    assert_eq!(verdicts(&web, &cluster)[1], Verdict::Feasible);
}

#[test]
fn the_first_of_a_group_runs_wherever_there_is_a_topology() {
    let cluster = cluster();
    let nowhere = Verdict::unresolvable("node(s) didn't match pod affinity rules");

    let first = verdicts(&pod("web", "web", &near(json!([term("web")]))), &cluster);
    let other = verdicts(&pod("web", "web", &near(json!([term("db")]))), &cluster);

    assert_eq!(first, [Verdict::Feasible, Verdict::Feasible, nowhere.clone()]);
    assert_eq!(other, [nowhere.clone(), nowhere.clone(), nowhere]);
}

#[test]
fn a_pod_runs_far_from_the_pods_that_it_avoids() {
    let mut cluster = cluster();
    cluster.snapshot.add_pod(pod("db", "db", &Value::Null), "a");

    let found = verdicts(&pod("web", "web", &far(json!([term("db")]))), &cluster);

    let why = refused("node(s) didn't match pod anti-affinity rules");
    assert_eq!(found, [why, Verdict::Feasible, Verdict::Feasible]);
}

#[test]
fn a_pod_runs_far_from_the_pods_that_avoid_it() {
    let mut cluster = cluster();
    cluster.snapshot.add_pod(pod("db", "db", &far(json!([term("web")]))), "b");

    let found = verdicts(&pod("web", "web", &Value::Null), &cluster);

    let why = refused("node(s) didn't satisfy existing pods anti-affinity rules");
    assert_eq!(found, [Verdict::Feasible, why, Verdict::Feasible]);
}

#[test]
fn a_term_means_pods_of_its_own_namespace_or_those_that_it_names() {
    let mut cluster = cluster();
    let labels = json!({"team": "x"});
    let namespace = json!({"metadata": {"name": "elsewhere", "labels": labels}});
    cluster = {
        let mut known =
            crate::testing::cluster_with(vec![stored(&api::resources::NAMESPACES, namespace)]);
        known.snapshot = cluster.snapshot;
        known
    };
    let mut there = (*pod("db", "db", &Value::Null).pod).clone();
    there.metadata.namespace = Some("elsewhere".to_owned());
    cluster.snapshot.add_pod(PodInfo::new(there.into()), "a");
    let is_near = |more: Value| {
        let mut term = term("db");
        term.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        verdicts(&pod("web", "web", &near(json!([term]))), &cluster)[0] == Verdict::Feasible
    };

    assert!(!is_near(json!({})));
    assert!(is_near(json!({"namespaces": ["elsewhere"]})));
    assert!(is_near(json!({"namespaceSelector": {}})));
    assert!(is_near(json!({"namespaceSelector": {"matchLabels": {"team": "x"}}})));
    assert!(!is_near(json!({"namespaceSelector": {"matchLabels": {"team": "y"}}})));
}

#[test]
fn a_term_without_a_selector_means_nobody() {
    let mut cluster = cluster();
    cluster.snapshot.add_pod(pod("db", "db", &Value::Null), "a");
    let web = pod("web", "web", &far(json!([{"topologyKey": "zone"}])));

    assert!(verdicts(&web, &cluster).iter().all(|verdict| *verdict == Verdict::Feasible));
}

#[test]
fn a_pod_that_is_taken_away_to_try_something_counts_no_more() {
    let mut cluster = cluster();
    let (db, web) = (pod("db", "db", &far(json!([term("web")]))), pod("web", "web", &Value::Null));
    cluster.snapshot.add_pod(db.clone(), "a");
    let mut cycle = crate::testing::cycle(&web, &cluster).unwrap();
    let node = cluster.snapshot.node("a").unwrap();

    cycle.remove_pod(&db, node);
    let without = InterPodAffinity::default().filter(&cycle, node);
    cycle.add_pod(&db, node);

    assert_eq!(without, Verdict::Feasible);
    assert_ne!(InterPodAffinity::default().filter(&cycle, node), Verdict::Feasible);
}

fn preferred(weight: i64, app: &str) -> Value {
    json!([{"weight": weight, "podAffinityTerm": term(app)}])
}

/// The weights are those of the terms; the least becomes 0, the most 100.
#[test]
fn preferred_terms_of_both_sides_are_weighed() {
    let would_be_near = |weight: i64, app: &str| {
        let terms = preferred(weight, app);
        json!({"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}})
    };
    let would_be_far = |weight: i64, app: &str| {
        let terms = preferred(weight, app);
        json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}})
    };
    let cases = [
        (would_be_near(5, "db"), Value::Null, [100, 0, 0]),
        (would_be_far(5, "db"), Value::Null, [0, 100, 100]),
        (Value::Null, would_be_near(5, "web"), [100, 0, 0]),
        (Value::Null, would_be_far(5, "web"), [0, 100, 100]),
        (Value::Null, near(json!([term("web")])), [100, 0, 0]),
        (would_be_far(5, "db"), would_be_near(5, "web"), [0, 0, 0]),
        (would_be_near(5, "other"), Value::Null, [0, 0, 0]),
    ];

    for (own, others, expected) in cases {
        let mut cluster = cluster();
        cluster.snapshot.add_pod(pod("db", "db", &others), "a");
        let scores =
            scores_of_all(&InterPodAffinity::default(), &pod("web", "web", &own), &cluster);
        assert_eq!(scores, expected, "{own} {others}");
    }
}

#[test]
fn scores_lie_between_the_least_and_the_most() {
    let mut cluster = cluster();
    let terms = json!([
        {"weight": 8, "podAffinityTerm": term("db")},
        {"weight": 2, "podAffinityTerm": term("cache")},
    ]);
    let affinity =
        json!({"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}});
    cluster.snapshot.add_pod(pod("db", "db", &Value::Null), "a");
    cluster.snapshot.add_pod(pod("cache", "cache", &Value::Null), "b");

    let scores =
        scores_of_all(&InterPodAffinity::default(), &pod("web", "web", &affinity), &cluster);

    assert_eq!(scores, [100, 25, 0]);
}

#[test]
fn only_changes_of_pods_that_matter_may_help() {
    let cluster = cluster();
    let (db, other) = (pod("db", "db", &Value::Null), pod("other", "other", &Value::Null));
    let hater = pod("hater", "hater", &far(json!([term("web")])));
    let wants = pod("web", "web", &near(json!([term("db")])));
    let avoids = pod("web", "web", &far(json!([term("db")])));
    let helps = |pod: &PodInfo, old: Option<&PodInfo>, new: Option<&PodInfo>| {
        InterPodAffinity::default().may_help(pod, Event::Pod { old, new }, &cluster)
    };

    assert!(helps(&wants, None, Some(&db)));
    assert!(helps(&wants, Some(&other), Some(&db)));
    assert!(!helps(&wants, None, Some(&other)));
    assert!(!helps(&wants, Some(&db), None));
    assert!(helps(&avoids, Some(&db), None));
    assert!(helps(&avoids, Some(&db), Some(&other)));
    assert!(!helps(&avoids, None, Some(&db)));
    assert!(helps(&wants, Some(&hater), None));
    assert!(!helps(&avoids, Some(&other), None));
}

#[test]
fn a_node_with_other_labels_may_help() {
    let cluster = cluster();
    let web = pod("web", "web", &Value::Null);
    let (one, two) =
        (node("a", json!({"metadata": {"labels": {"zone": "1"}}})), node("a", json!({})));
    let helps =
        |old, new| InterPodAffinity::default().may_help(&web, Event::Node { old, new }, &cluster);

    assert!(helps(None, Some(&*one)));
    assert!(helps(Some(&*one), Some(&*two)));
    assert!(!helps(Some(&*one), Some(&*one)));
    assert!(!helps(Some(&*one), None));
}
