//! How many pods there are with which labels. Pods of one controller have the same, so that one look tells of them all.

use std::collections::BTreeMap;

use api::selector::Selector;

use crate::node_info::{Labels, PodInfo};

/// The pods of a node that are not being deleted, by namespace and labels.
#[derive(Clone, Debug, Default)]
pub struct LabelCounts {
    counts: BTreeMap<String, BTreeMap<Labels, usize>>,
}

impl LabelCounts {
    /// Counts a pod.
    pub fn add(&mut self, pod: &PodInfo) {
        if pod.is_terminating() {
            return;
        }
        let of_namespace = self.counts.entry(pod.namespace().to_owned()).or_default();
        match of_namespace.get_mut(pod.labels()) {
            Some(count) => *count += 1,
            None => drop(of_namespace.insert(pod.labels().clone(), 1)),
        }
    }

    /// Counts a pod no more.
    pub fn remove(&mut self, pod: &PodInfo) {
        if pod.is_terminating() {
            return;
        }
        let Some(of_namespace) = self.counts.get_mut(pod.namespace()) else { return };
        if let Some(count) = of_namespace.get_mut(pod.labels()) {
            *count -= 1;
            if *count == 0 {
                of_namespace.remove(pod.labels());
            }
        }
        if of_namespace.is_empty() {
            self.counts.remove(pod.namespace());
        }
    }

    /// How many pods of a namespace a selector selects.
    pub fn count(&self, namespace: &str, selector: &Selector) -> usize {
        let of_namespace = self.counts.get(namespace).into_iter().flatten();
        of_namespace.filter(|(labels, _)| selector.matches(labels)).map(|(_, count)| count).sum()
    }
}
