//! InterPodAffinity: pods that must or would be near to others, or far from them.
//!
//! Source: framework/plugins/interpodaffinity (v1.36). Nodes are near when a label, the topology key, has
//! the same value.

mod counts;
mod preference;
#[cfg(test)]
mod tests;

use client::Cache;
use k8s_openapi::api::core::v1::Namespace;

use crate::affinity::{AffinityTerm, AffinityTerms};
use crate::cluster::Cluster;
use crate::config::InterPodAffinityArgs;
use crate::cycle::{Cycle, CycleState};
use crate::event::Event;
use crate::framework::{Filter, Plugin, PreFilter, Verdict};
use crate::node_info::{NodeInfo, PodInfo};

use counts::Counts;
pub use preference::PreScoreState;

const NOT_NEAR: &str = "node(s) didn't match pod affinity rules";
const NOT_FAR: &str = "node(s) didn't match pod anti-affinity rules";
const OTHERS_NOT_FAR: &str = "node(s) didn't satisfy existing pods anti-affinity rules";

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
            all_there &= self.near.at(&term.topology_key, value) > 0;
        }
        // The first of a group of pods that must be near each other has nobody to be near to.
        let is_first =
            || self.near.is_empty() && all_match(terms, cycle.pod, &cycle.cluster.namespaces);
        all_there || is_first()
    }

    fn is_far(&self, pod: &PodInfo, node: &NodeInfo) -> bool {
        let mut terms = required_anti(pod);
        terms.all(|term| {
            let value = node.label(&term.topology_key);
            value.is_none_or(|value| self.far.at(&term.topology_key, value) <= 0)
        })
    }
}

/// Which pods there are that matter to a pod.
pub fn pre_filter(pod: &PodInfo, cluster: &Cluster) -> PreFilterState {
    let Cluster { snapshot, namespaces, .. } = cluster;
    let mut state = PreFilterState::default();
    for crowd in snapshot.crowds().with_terms() {
        for term in required_anti(&crowd.pod).filter(|term| term.matches(pod, namespaces)) {
            let key = &term.topology_key;
            state.others_far.add(key, snapshot.places(crowd, key), 1);
        }
    }
    if !required(pod).is_empty() || required_anti(pod).next().is_some() {
        for crowd in snapshot.crowds().all() {
            let is_near = all_match(required(pod), &crowd.pod, namespaces);
            for term in required(pod).iter().filter(|_| is_near) {
                let key = &term.topology_key;
                state.near.add(key, snapshot.places(crowd, key), 1);
            }
            for term in required_anti(pod).filter(|term| term.matches(&crowd.pod, namespaces)) {
                let key = &term.topology_key;
                state.far.add(key, snapshot.places(crowd, key), 1);
            }
        }
    }
    let PreFilterState { near, far, others_far } = state;
    PreFilterState { near: near.added_up(), far: far.added_up(), others_far: others_far.added_up() }
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
        } else if state.others_far.has_any_at(node) {
            Verdict::Unschedulable(vec![OTHERS_NOT_FAR.to_owned()])
        } else {
            Verdict::Feasible
        }
    }

    fn skips(&self, cycle: &Cycle<'_>) -> bool {
        let says_nothing =
            required(cycle.pod).is_empty() && required_anti(cycle.pod).next().is_none();
        let affinity = cycle.state.affinity.as_ref();
        says_nothing && affinity.is_some_and(|affinity| affinity.others_far.is_empty())
    }

    fn may_help(&self, pod: &PodInfo, event: Event<'_>, cluster: &Cluster) -> bool {
        match event {
            Event::Pod { old, new } => pod_may_help(pod, (old, new), &cluster.namespaces),
            Event::Node { .. } | Event::Volumes(_) | Event::Devices(_) | Event::FreedDevices => {
                event.has_new_labels()
            }
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
