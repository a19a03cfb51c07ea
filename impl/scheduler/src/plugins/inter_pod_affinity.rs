//! InterPodAffinity: pods that must or would be near to others, or far from them.
//!
//! Source: framework/plugins/interpodaffinity (v1.36). Nodes are near when a label, the topology key, has
//! the same value.

mod preference;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use client::Cache;
use k8s_openapi::api::core::v1::Namespace;

use crate::affinity::{AffinityTerm, AffinityTerms};
use crate::cluster::Cluster;
use crate::config::InterPodAffinityArgs;
use crate::cycle::{Cycle, CycleState};
use crate::event::Event;
use crate::framework::{Filter, Plugin, PreFilter, Verdict};
use crate::node_info::{NodeInfo, PodInfo};

pub use preference::PreScoreState;

const NOT_NEAR: &str = "node(s) didn't match pod affinity rules";
const NOT_FAR: &str = "node(s) didn't match pod anti-affinity rules";
const OTHERS_NOT_FAR: &str = "node(s) didn't satisfy existing pods anti-affinity rules";

/// How many pods that a term means there are, by topology key and value.
#[derive(Clone, Debug, Default)]
struct Counts(BTreeMap<(String, String), i64>);

impl Counts {
    fn update(&mut self, term: &AffinityTerm, node: &NodeInfo, change: i64) {
        let Some(value) = node.label(&term.topology_key) else { return };
        let place = (term.topology_key.clone(), value.to_owned());
        let count = self.0.entry(place.clone()).or_default();
        *count += change;
        if *count == 0 {
            self.0.remove(&place);
        }
    }

    fn has_any(&self, key: &str, value: &str) -> bool {
        let count = self.0.get(&(key.to_owned(), value.to_owned()));
        count.is_some_and(|count| *count > 0)
    }
}

/// Which pods there are that matter.
#[derive(Clone, Debug, Default)]
pub struct PreFilterState {
    /// Those that all required terms of the pod mean.
    near: Counts,
    /// Those that a required anti-affinity term of the pod means.
    far: Counts,
    /// Those of which a required anti-affinity term means the pod.
    others_far: Counts,
}

impl PreFilterState {
    /// Counts a pod more or less.
    pub fn update(
        &mut self,
        (pod, cluster): (&PodInfo, &Cluster),
        (other, node): (&PodInfo, &NodeInfo),
        change: i64,
    ) {
        let namespaces = &cluster.namespaces;
        for term in required_anti(other).filter(|term| term.matches(pod, namespaces)) {
            self.others_far.update(term, node, change);
        }
        if all_match(required(pod), other, namespaces) {
            for term in required(pod) {
                self.near.update(term, node, change);
            }
        }
        for term in required_anti(pod).filter(|term| term.matches(other, namespaces)) {
            self.far.update(term, node, change);
        }
    }

    fn is_near(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> bool {
        let terms = required(cycle.pod);
        let mut all_there = true;
        for term in terms {
            let Some(value) = node.label(&term.topology_key) else { return false };
            all_there &= self.near.has_any(&term.topology_key, value);
        }
        // The first of a group of pods that must be near each other has nobody to be near to.
        let is_first =
            || self.near.0.is_empty() && all_match(terms, cycle.pod, &cycle.cluster.namespaces);
        all_there || is_first()
    }

    fn is_far(&self, pod: &PodInfo, node: &NodeInfo) -> bool {
        let mut terms = required_anti(pod);
        terms.all(|term| {
            let value = node.label(&term.topology_key);
            value.is_none_or(|value| !self.far.has_any(&term.topology_key, value))
        })
    }

    fn others_are_far(&self, node: &NodeInfo) -> bool {
        self.others_far.0.is_empty()
            || node.labels().iter().all(|(key, value)| !self.others_far.has_any(key, value))
    }
}

/// Which pods there are that matter to a pod.
pub fn pre_filter(pod: &PodInfo, cluster: &Cluster) -> PreFilterState {
    let mut state = PreFilterState::default();
    let mut count = |other, node| state.update((pod, cluster), (other, node), 1);
    if required(pod).is_empty() && required_anti(pod).next().is_none() {
        for node in cluster.snapshot.nodes_with_affinity() {
            node.pods_with_affinity().for_each(|other| count(other, node));
        }
    } else {
        for node in cluster.snapshot.nodes() {
            node.pods().for_each(|other| count(other, node));
        }
    }
    state
}

fn terms(pod: &PodInfo) -> Option<&AffinityTerms> {
    pod.affinity.as_deref()
}

fn required(pod: &PodInfo) -> &[AffinityTerm] {
    terms(pod).map(|terms| terms.required.as_slice()).unwrap_or_default()
}

fn required_anti(pod: &PodInfo) -> impl Iterator<Item = &AffinityTerm> {
    terms(pod).into_iter().flat_map(|terms| &terms.required_anti)
}

/// Whether there are terms, and all of them mean a pod.
fn all_match(terms: &[AffinityTerm], pod: &PodInfo, namespaces: &Cache<Namespace>) -> bool {
    !terms.is_empty() && terms.iter().all(|term| term.matches(pod, namespaces))
}

/// Compares what pods say of each other.
#[derive(Clone, Copy, Debug, Default)]
pub struct InterPodAffinity(pub InterPodAffinityArgs);

impl Plugin for InterPodAffinity {
    fn name(&self) -> &'static str {
        "InterPodAffinity"
    }
}

impl PreFilter for InterPodAffinity {
    fn pre_filter(
        &self,
        (pod, cluster): (&PodInfo, &Cluster),
        state: &mut CycleState,
    ) -> Result<(), String> {
        state.affinity = Some(pre_filter(pod, cluster));
        Ok(())
    }
}

impl Filter for InterPodAffinity {
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict {
        let Some(state) = &cycle.state.affinity else { return Verdict::Feasible };
        if !state.is_near(cycle, node) {
            Verdict::unresolvable(NOT_NEAR)
        } else if !state.is_far(cycle.pod, node) {
            Verdict::Unschedulable(vec![NOT_FAR.to_owned()])
        } else if !state.others_are_far(node) {
            Verdict::Unschedulable(vec![OTHERS_NOT_FAR.to_owned()])
        } else {
            Verdict::Feasible
        }
    }

    fn may_help(&self, pod: &PodInfo, event: Event<'_>, cluster: &Cluster) -> bool {
        match event {
            Event::Pod { old, new } => pod_may_help(pod, (old, new), &cluster.namespaces),
            Event::Node { .. } | Event::Volumes(_) => event.has_new_labels(),
        }
    }
}

/// A pod that is near now, or one that is not far any more.
fn pod_may_help(
    pod: &PodInfo,
    (old, new): (Option<&PodInfo>, Option<&PodInfo>),
    namespaces: &Cache<Namespace>,
) -> bool {
    let is_meant = |other: Option<&PodInfo>| {
        other.is_some_and(|other| all_match(required(pod), other, namespaces))
    };
    let is_hated = |other: Option<&PodInfo>| {
        let Some(other) = other else { return false };
        required_anti(pod).any(|term| term.matches(other, namespaces))
            || required_anti(other).any(|term| term.matches(pod, namespaces))
    };
    (is_meant(new) && !is_meant(old)) || (is_hated(old) && !is_hated(new))
}
