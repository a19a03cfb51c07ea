//! Which nodes are nearest to the pods that a pod would be near to.
//!
//! Source: framework/plugins/interpodaffinity/scoring.go (v1.36), with `hardPodAffinityWeight` 1: a pod that must be
//! near this one counts as one that would be, too.

use std::collections::BTreeMap;

use super::{InterPodAffinity, required, terms};
use crate::affinity::AffinityTerm;
use crate::cluster::Cluster;
use crate::cycle::Cycle;
use crate::framework::{SCORE_MAX, Score};
use crate::node_info::{NodeInfo, PodInfo};
use crate::scoring::Scoring;

/// What a pod counts that must be near this one.
const HARD_POD_AFFINITY_WEIGHT: i64 = 1;

/// The sum of the weights for each value of each topology key.
#[derive(Clone, Debug, Default)]
pub struct PreScoreState {
    weights: BTreeMap<String, BTreeMap<String, i64>>,
}

impl PreScoreState {
    fn add(&mut self, term: &AffinityTerm, node: &NodeInfo, weight: i64) {
        if let Some(value) = node.label(&term.topology_key) {
            let values = self.weights.entry(term.topology_key.clone()).or_default();
            *values.entry(value.to_owned()).or_default() += weight;
        }
    }

    /// What the pod and another say of each other.
    fn weigh(&mut self, pod: &PodInfo, (other, node): (&PodInfo, &NodeInfo), cluster: &Cluster) {
        let namespaces = &cluster.namespaces;
        for (term, weight) in preferred(pod) {
            if term.matches(other, namespaces) {
                self.add(term, node, *weight);
            }
        }
        for term in required(other) {
            if term.matches(pod, namespaces) {
                self.add(term, node, HARD_POD_AFFINITY_WEIGHT);
            }
        }
        for (term, weight) in preferred(other) {
            if term.matches(pod, namespaces) {
                self.add(term, node, *weight);
            }
        }
    }
}

fn preferred(pod: &PodInfo) -> &[(AffinityTerm, i64)] {
    terms(pod).map(|terms| terms.preferred.as_slice()).unwrap_or_default()
}

/// Weighs every pod that may matter.
pub fn pre_score(cycle: &Cycle<'_>) -> PreScoreState {
    let (pod, cluster) = (cycle.pod, cycle.cluster);
    let mut state = PreScoreState::default();
    if preferred(pod).is_empty() {
        for node in cluster.snapshot.nodes_with_affinity() {
            node.pods_with_affinity().for_each(|other| state.weigh(pod, (other, node), cluster));
        }
    } else {
        for node in cluster.snapshot.nodes() {
            node.pods().for_each(|other| state.weigh(pod, (other, node), cluster));
        }
    }
    state
}

impl Score for InterPodAffinity {
    fn name(&self) -> &'static str {
        "InterPodAffinity"
    }

    fn weight(&self) -> i64 {
        2
    }

    fn score(&self, scoring: &Scoring<'_>, node: &NodeInfo) -> i64 {
        let of_key = |(key, values): (&String, &BTreeMap<String, i64>)| {
            node.label(key).and_then(|value| values.get(value)).copied()
        };
        scoring.affinity.weights.iter().filter_map(of_key).sum()
    }

    /// The least becomes 0, the most 100.
    fn normalize_score(&self, scoring: &Scoring<'_>, scores: &mut [i64]) {
        if scoring.affinity.weights.is_empty() {
            return;
        }
        let least = scores.iter().copied().min().unwrap_or(0);
        let span = scores.iter().copied().max().unwrap_or(0) - least;
        for score in scores {
            let share = if span > 0 { (*score - least) as f64 / span as f64 } else { 0.0 };
            *score = (SCORE_MAX as f64 * share) as i64;
        }
    }
}
