//! Pods for which room is being made on a node: they count there for all that are not more important.
//!
//! Source: pkg/scheduler/backend/queue/nominator.go (v1.36).

use std::collections::{BTreeMap, BTreeSet};

use api::Key;

use crate::changes::Changes;
use crate::node_info::PodInfo;

/// Where each pod is nominated.
#[derive(Clone, Debug, Default)]
pub struct Nominations {
    pods: BTreeMap<Key, (String, PodInfo)>,
    by_node: BTreeMap<String, BTreeSet<Key>>,
    /// How many say something of other pods.
    with_terms: usize,
    changes: Changes,
}

impl Nominations {
    /// Nominates a pod to a node, and to no other.
    pub fn add(&mut self, pod: PodInfo, node: &str) {
        let key = pod.key();
        self.remove(&key);
        self.by_node.entry(node.to_owned()).or_default().insert(key.clone());
        self.with_terms += usize::from(pod.affinity.is_some());
        self.changes.add(node);
        self.pods.insert(key, (node.to_owned(), pod));
    }

    /// Nominates a pod nowhere.
    pub fn remove(&mut self, key: &Key) {
        let Some((node, pod)) = self.pods.remove(key) else { return };
        self.with_terms -= usize::from(pod.affinity.is_some());
        self.changes.add(&node);
        if let Some(pods) = self.by_node.get_mut(&node) {
            pods.remove(key);
            if pods.is_empty() {
                self.by_node.remove(&node);
            }
        }
    }

    /// Where a pod is nominated.
    pub fn node_of(&self, key: &Key) -> Option<&str> {
        self.pods.get(key).map(|(node, _)| node.as_str())
    }

    /// Every nominated pod, with its node.
    pub fn all(&self) -> impl Iterator<Item = (&Key, &str)> {
        self.pods.iter().map(|(key, (node, _))| (key, node.as_str()))
    }

    /// Whether one of them says something of other pods.
    pub fn have_terms(&self) -> bool {
        self.with_terms > 0
    }

    /// The nodes to which others are nominated than before.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The pods that are nominated to a node.
    pub fn on(&self, node: &str) -> impl Iterator<Item = &PodInfo> {
        let keys = self.by_node.get(node).into_iter().flatten();
        keys.filter_map(|key| self.pods.get(key)).map(|(_, pod)| pod)
    }
}
