//! What is told of a pod without deciding about it.

use super::*;
use crate::explain::{NodeExplained, ScoreSaid};

fn reasons(node: &NodeExplained) -> Vec<(&str, &str)> {
    let filters = node.filters.iter();
    filters.flat_map(|said| said.reasons.iter().map(|why| (said.plugin, why.as_str()))).collect()
}

#[test]
fn every_filter_says_what_it_has_against_a_node_and_every_plugin_scores_the_others() {
    let tainted =
        json!({"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}], "unschedulable": true}});
    let nodes = [node("a", json!({})), node("b", json!({})), node("c", tainted)];
    let mut scheduler = scheduler(&nodes);
    let busy = json!({"nodeName": "a", "containers": [{"name": "c", "resources": cpu("1")}]});
    observe_pod(&mut scheduler, pod_with("busy", busy));
    let web = json!({"nodeName": "b", "containers": [{"name": "c", "resources": cpu("500m")}]});
    observe_pod(&mut scheduler, pod_with("web", web.clone()));

    let explained = scheduler.explain(&pod_with("web", web)).unwrap();

    assert_eq!((explained.node.as_deref(), explained.message), (Some("b"), None));
    let [a, b, c] = &*explained.nodes else { panic!() };
    assert_eq!(
        reasons(c),
        [
            ("NodeUnschedulable", "node(s) were unschedulable"),
            ("TaintToleration", "node(s) had untolerated taint(s)"),
        ]
    );
    assert!(c.scores.is_empty() && !c.feasible);
    assert_eq!(a.filters.len(), 13);
    let fit = |node: &NodeExplained| {
        *node.scores.iter().find(|said| said.plugin == "NodeResourcesFit").unwrap()
    };
    let said = |raw: i64| ScoreSaid {
        plugin: "NodeResourcesFit",
        raw,
        normalized: raw,
        weight: 1,
        weighted: raw,
    };
    assert_eq!((fit(a), fit(b)), (said(52), said(82)));
    let taints = b.scores.iter().find(|said| said.plugin == "TaintToleration").unwrap();
    assert_eq!((taints.raw, taints.normalized, taints.weighted), (0, 100, 300));
    assert_eq!(b.total, b.scores.iter().map(|said| said.weighted).sum::<i64>());
}

#[test]
fn a_pod_of_no_profile_cannot_be_explained() {
    let other = pod_with("web", json!({"schedulerName": "x", "containers": []}));

    assert_eq!(scheduler(&[]).explain(&other), Err("no profile is named x".to_owned()));
}
