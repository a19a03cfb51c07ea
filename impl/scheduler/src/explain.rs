//! What every plugin says of a pod on every node, also where the first that is against a node would speak for all.
//!
//! Extenders are not asked.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use serde::Serialize;

use crate::cycle::Cycle;
use crate::framework::{Rejection, Verdict};
use crate::node_info::{NodeInfo, PodInfo};
use crate::scoring::Scoring;

/// What becomes of a pod, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// `NAMESPACE/NAME`.
    pub pod: String,
    /// Its profile.
    pub scheduler_name: String,
    /// The node that would be taken.
    pub node: Option<String>,
    /// Why none would be.
    pub message: Option<String>,
    /// What is said of each node; empty where a plugin is against the pod everywhere.
    pub nodes: Vec<NodeExplained>,
}

/// What is said of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeExplained {
    /// The node.
    pub node: String,
    /// Whether all filters let the pod run there.
    pub feasible: bool,
    /// What each filter says, in their order.
    pub filters: Vec<FilterSaid>,
    /// How good each plugin finds it, in their order; none where it is not feasible.
    pub scores: Vec<ScoreSaid>,
    /// The sum of the weighted scores.
    pub total: i64,
}

/// What a filter says of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FilterSaid {
    /// The plugin.
    pub plugin: &'static str,
    /// `Success`, `Unschedulable`, `UnschedulableAndUnresolvable` or `Error`.
    pub verdict: &'static str,
    /// Why not.
    pub reasons: Vec<String>,
}

impl FilterSaid {
    fn new(plugin: &'static str, verdict: Verdict) -> Self {
        let (name, reasons) = match verdict {
            Verdict::Feasible => ("Success", vec![]),
            Verdict::Unschedulable(reasons) => ("Unschedulable", reasons),
            Verdict::UnschedulableAndUnresolvable(reasons) => {
                ("UnschedulableAndUnresolvable", reasons)
            }
            Verdict::Error(why) => ("Error", vec![why]),
        };
        Self { plugin, verdict: name, reasons }
    }
}

/// How good a plugin finds a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ScoreSaid {
    /// The plugin.
    pub plugin: &'static str,
    /// As it counts itself.
    pub raw: i64,
    /// 0 to 100.
    pub normalized: i64,
    /// How much it counts.
    pub weight: i64,
    /// What is added to the total.
    pub weighted: i64,
}

/// The pod as it was before it had a node.
pub(crate) fn without_node(pod: &Pod) -> PodInfo {
    let mut pod = pod.clone();
    if let Some(spec) = &mut pod.spec {
        spec.node_name = None;
    }
    if let Some(status) = &mut pod.status {
        status.nominated_node_name = None;
    }
    PodInfo::new(Arc::new(pod))
}

/// What is said of every node.
pub(crate) fn nodes(cycle: &Cycle<'_>) -> Vec<NodeExplained> {
    let all: Vec<&NodeInfo> = cycle.cluster.snapshot.nodes().collect();
    let mut explained: Vec<NodeExplained> = all.iter().map(|node| filtered(cycle, node)).collect();
    let feasible: Vec<usize> = (0..all.len()).filter(|index| explained[*index].feasible).collect();
    let nodes: Vec<&NodeInfo> = feasible.iter().map(|index| all[*index]).collect();
    let scoring = Scoring::pre_score(cycle, &nodes);
    for (plugin, weight) in &cycle.profile.scores {
        let raw = scoring.raw(&**plugin);
        let mut normalized = raw.clone();
        plugin.normalize_score(&scoring, &mut normalized);
        for (place, index) in feasible.iter().enumerate() {
            let (raw, normalized, weight) = (raw[place], normalized[place], *weight);
            let weighted = normalized * weight;
            let said = ScoreSaid { plugin: plugin.name(), raw, normalized, weight, weighted };
            explained[*index].scores.push(said);
            explained[*index].total += weighted;
        }
    }
    explained
}

fn filtered(cycle: &Cycle<'_>, node: &NodeInfo) -> NodeExplained {
    let filters = cycle.profile.filters.iter();
    let mut filters: Vec<FilterSaid> = filters
        .map(|plugin| FilterSaid::new(plugin.name(), cycle.verdict(&**plugin, node)))
        .collect();
    let rejection = cycle.rejection(node);
    let feasible = rejection.is_none();
    // It may be against the node only because of pods for which room is being made there.
    if let Some(Rejection { plugin, verdict }) = rejection
        && filters.iter().all(|said| said.reasons.is_empty())
        && let Some(said) = filters.iter_mut().find(|said| said.plugin == plugin)
    {
        *said = FilterSaid::new(plugin, verdict);
    }
    let node = node.name().to_owned();
    NodeExplained { node, feasible, filters, scores: vec![], total: 0 }
}
