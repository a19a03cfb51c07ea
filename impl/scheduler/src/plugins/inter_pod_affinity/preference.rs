//! Which nodes are nearest to the pods that a pod would be near to.
//!
//! Source: framework/plugins/interpodaffinity/scoring.go (v1.36). A pod that must be near this one counts as one
//! that would be, too.

use super::counts::Counts;
use super::{InterPodAffinity, required, terms};
use crate::affinity::AffinityTerm;
use crate::cluster::Cluster;
use crate::crowds::Crowd;
use crate::cycle::Cycle;
use crate::framework::{PreScore, SCORE_MAX, Score};
use crate::node_info::{NodeInfo, PodInfo};
use crate::scoring::Scoring;

/// The sum of the weights for each value of each topology key.
#[derive(Clone, Debug, Default)]
pub struct PreScoreState {
    weights: Counts,
}

impl PreScoreState {
    /// What the pod and those of a crowd say of each other. Where they must be near the pod, that counts `hard_weight`.
    fn weigh(&mut self, (pod, hard_weight): (&PodInfo, i64), crowd: &Crowd, cluster: &Cluster) {
        let (snapshot, namespaces) = (&cluster.snapshot, &cluster.namespaces);
        let mut add = |term: &AffinityTerm, weight: i64| {
            let key = &term.topology_key;
            self.weights.add(key, snapshot.places(crowd, key), weight);
        };
        for (term, weight) in preferred(pod) {
            if term.matches(&crowd.pod, namespaces) {
                add(term, *weight);
            }
        }
        for term in required(&crowd.pod).iter().filter(|_| hard_weight > 0) {
            if term.matches(pod, namespaces) {
                add(term, hard_weight);
            }
        }
        for (term, weight) in preferred(&crowd.pod) {
            if term.matches(pod, namespaces) {
                add(term, *weight);
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
        let crowds = cluster.snapshot.crowds();
        if !preferred(pod).is_empty() {
            crowds.all().for_each(|crowd| state.weigh(of_pod, crowd, cluster));
        } else if !self.0.ignore_preferred_terms_of_existing_pods {
            crowds.with_terms().for_each(|crowd| state.weigh(of_pod, crowd, cluster));
        }
        state.weights = std::mem::take(&mut state.weights).added_up();
    }
}

impl Score for InterPodAffinity {
    fn score(&self, scoring: &Scoring<'_>, node: &NodeInfo) -> i64 {
        scoring.affinity.weights.of_node(node)
    }

    fn skips(&self, cycle: &Cycle<'_>) -> bool {
        let says_nothing = preferred(cycle.pod).is_empty();
        says_nothing
            && (self.0.ignore_preferred_terms_of_existing_pods
                || cycle.cluster.snapshot.crowds().with_terms().next().is_none())
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
