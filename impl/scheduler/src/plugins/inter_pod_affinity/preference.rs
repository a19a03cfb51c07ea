//! Which nodes are nearest to the pods that a pod would be near to.
//!
//! Source: framework/plugins/interpodaffinity/scoring.go (v1.36). A pod that must be near this one counts as one
//! that would be, too.

use std::collections::BTreeMap;

use super::{InterPodAffinity, required, terms};
use crate::affinity::AffinityTerm;
use crate::cluster::Cluster;
use crate::framework::{PreScore, SCORE_MAX, Score};
use crate::node_info::{NodeInfo, PodInfo};
use crate::scoring::Scoring;

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

    /// What the pod and another say of each other. Where the other must be near the pod, that counts `hard_weight`.
    fn weigh(
        &mut self,
        (pod, hard_weight): (&PodInfo, i64),
        (other, node): (&PodInfo, &NodeInfo),
        cluster: &Cluster,
    ) {
        let namespaces = &cluster.namespaces;
        for (term, weight) in preferred(pod) {
            if term.matches(other, namespaces) {
                self.add(term, node, *weight);
            }
        }
        for term in required(other).iter().filter(|_| hard_weight > 0) {
            if term.matches(pod, namespaces) {
                self.add(term, node, hard_weight);
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

impl PreScore for InterPodAffinity {
    /// Weighs every pod that may matter.
    fn pre_score(&self, scoring: &mut Scoring<'_>) {
        let (pod, cluster) = (scoring.cycle.pod, scoring.cycle.cluster);
        let of_pod = (pod, i64::from(self.0.hard_pod_affinity_weight));
        let state = &mut scoring.affinity;
        let mut weigh = |other, node| state.weigh(of_pod, (other, node), cluster);
        if !preferred(pod).is_empty() {
            for node in cluster.snapshot.nodes() {
                node.pods().for_each(|other| weigh(other, node));
            }
        } else if !self.0.ignore_preferred_terms_of_existing_pods {
            for node in cluster.snapshot.nodes_with_affinity() {
                node.pods_with_affinity().for_each(|other| weigh(other, node));
            }
        }
    }
}

impl Score for InterPodAffinity {
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
