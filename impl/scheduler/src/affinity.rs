//! What a pod says of other pods: the terms of its affinity and anti-affinity.
//!
//! Source: `AffinityTerm` in kube-scheduler/framework/types.go (v1.36). The API server has put `matchLabelKeys` and
//! `mismatchLabelKeys` into the selectors.

use std::collections::BTreeSet;

use api::Key;
use api::selector::Selector;
use client::Cache;
use k8s_openapi::api::core::v1::{Namespace, Pod, PodAffinityTerm, WeightedPodAffinityTerm};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use crate::node_info::{Labels, PodInfo};

/// One term: pods, and the label of nodes by whose value they are near or far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffinityTerm {
    /// The label of nodes.
    pub topology_key: String,
    selector: Selector,
    namespaces: BTreeSet<String>,
    namespace_selector: Selector,
}

impl AffinityTerm {
    fn of(pod: &Pod, term: &PodAffinityTerm) -> Self {
        let mut namespaces: BTreeSet<String> = term.namespaces.iter().flatten().cloned().collect();
        if namespaces.is_empty() && term.namespace_selector.is_none() {
            namespaces.extend(pod.metadata.namespace.clone());
        }
        Self {
            topology_key: term.topology_key.clone(),
            selector: selector(term.label_selector.as_ref()),
            namespaces,
            namespace_selector: selector(term.namespace_selector.as_ref()),
        }
    }

    /// Whether it means a pod.
    pub fn matches(&self, pod: &PodInfo, namespaces: &Cache<Namespace>) -> bool {
        self.is_in_namespaces(pod.namespace(), namespaces) && self.selector.matches(pod.labels())
    }

    fn is_in_namespaces(&self, name: &str, namespaces: &Cache<Namespace>) -> bool {
        let by_labels = || {
            let namespace = namespaces.get(&Key::cluster(name));
            let labels = namespace.and_then(|namespace| namespace.metadata.labels.as_ref());
            self.namespace_selector.matches(labels.unwrap_or(&Labels::new()))
        };
        self.namespaces.contains(name) || by_labels()
    }
}

/// A selector. None selects nothing, and neither does one that cannot be read; the API server lets none through.
fn selector(selector: Option<&LabelSelector>) -> Selector {
    selector
        .and_then(|selector| Selector::from_label_selector(selector).ok())
        .unwrap_or_else(Selector::nothing)
}

/// All terms of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AffinityTerms {
    /// It must be near a pod that all of these mean.
    pub required: Vec<AffinityTerm>,
    /// It must be far from the pods that any of these means.
    pub required_anti: Vec<AffinityTerm>,
    /// It had better be near these pods, or far where the weight is negative.
    pub preferred: Vec<(AffinityTerm, i64)>,
}

impl AffinityTerms {
    /// The labels of nodes that its terms name.
    pub fn topology_keys(&self) -> impl Iterator<Item = &str> {
        let preferred = self.preferred.iter().map(|(term, _)| term);
        let all = self.required.iter().chain(&self.required_anti).chain(preferred);
        all.map(|term| term.topology_key.as_str())
    }

    /// The terms of a pod, if it has any.
    pub fn of(pod: &Pod) -> Option<Self> {
        let affinity = pod.spec.as_ref()?.affinity.as_ref()?;
        let mut terms = Self::default();
        let read = |required: &Option<Vec<PodAffinityTerm>>| {
            required.iter().flatten().map(|term| AffinityTerm::of(pod, term)).collect()
        };
        let weigh = |preferred: &Option<Vec<WeightedPodAffinityTerm>>, sign: i64| {
            let weigh = |term: &WeightedPodAffinityTerm| {
                (AffinityTerm::of(pod, &term.pod_affinity_term), sign * i64::from(term.weight))
            };
            preferred.iter().flatten().map(weigh).collect::<Vec<_>>()
        };
        if let Some(near) = &affinity.pod_affinity {
            terms.required = read(&near.required_during_scheduling_ignored_during_execution);
            let preferred = &near.preferred_during_scheduling_ignored_during_execution;
            terms.preferred.extend(weigh(preferred, 1));
        }
        if let Some(far) = &affinity.pod_anti_affinity {
            terms.required_anti = read(&far.required_during_scheduling_ignored_during_execution);
            let preferred = &far.preferred_during_scheduling_ignored_during_execution;
            terms.preferred.extend(weigh(preferred, -1));
        }
        (terms != Self::default()).then_some(terms)
    }
}
