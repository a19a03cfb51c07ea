//! Every node with its pods, among them those that are assumed: bound by a decision that the cache does
//! not show yet.
//!
//! Source: pkg/scheduler/backend/cache (v1.36). An assumed pod counts until it is seen bound, is deleted,
//! or its binding fails. Pods of a deleted node count when it comes back (k#93938).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Key, storage};
use k8s_openapi::api::core::v1::Node;

use crate::node_info::{NodeInfo, PodInfo};

/// What the scheduler decides on.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    nodes: BTreeMap<String, NodeInfo>,
    /// Where each pod counts.
    places: BTreeMap<Key, Place>,
}

#[derive(Clone, Debug)]
struct Place {
    node: String,
    uid: String,
    assumed: bool,
}

impl Snapshot {
    /// The nodes that are there, by name.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeInfo> {
        self.nodes.values().filter(|info| info.node.is_some())
    }

    /// A node of this name that is there.
    pub fn node(&self, name: &str) -> Option<&NodeInfo> {
        self.nodes.get(name).filter(|info| info.node.is_some())
    }

    /// Whether a pod on any node uses a claim.
    pub fn uses_claim(&self, claim: &Key) -> bool {
        let uses = |pod: &PodInfo| {
            pod.key().namespace == claim.namespace
                && storage::claims_of_pod(&pod.pod).any(|(name, _)| name == claim.name)
        };
        self.nodes.values().flat_map(NodeInfo::pods).any(uses)
    }

    /// Takes a node as it is now.
    pub fn set_node(&mut self, node: Arc<Node>) {
        let name = node.metadata.name.clone().unwrap_or_default();
        self.nodes.entry(name).or_default().set_node(node);
    }

    /// Forgets a node.
    pub fn remove_node(&mut self, name: &str) {
        if let Some(info) = self.nodes.get_mut(name) {
            info.remove_node();
        }
        self.drop_if_empty(name);
    }

    /// Counts a pod that is bound to a node.
    pub fn add_pod(&mut self, pod: PodInfo, node: &str) {
        self.place(pod, node, false);
    }

    /// Counts a pod that is about to be bound to a node.
    pub fn assume(&mut self, pod: PodInfo, node: &str) {
        self.place(pod, node, true);
    }

    /// Whether this pod is assumed, and not seen bound yet.
    pub fn is_assumed(&self, key: &Key, uid: &str) -> bool {
        self.places.get(key).is_some_and(|place| place.assumed && place.uid == uid)
    }

    /// The node on which a pod counts.
    pub fn node_of(&self, key: &Key) -> Option<&str> {
        self.places.get(key).map(|place| place.node.as_str())
    }

    /// Counts an assumed pod no more, because it was not bound. A pod that was seen bound stays.
    pub fn forget(&mut self, key: &Key, uid: &str) {
        if self.is_assumed(key, uid) {
            self.remove_pod(key);
        }
    }

    /// Counts a pod no more.
    pub fn remove_pod(&mut self, key: &Key) {
        if let Some(place) = self.places.remove(key) {
            if let Some(info) = self.nodes.get_mut(&place.node) {
                info.remove_pod(key);
            }
            self.drop_if_empty(&place.node);
        }
    }

    fn place(&mut self, pod: PodInfo, node: &str, assumed: bool) {
        let key = pod.key();
        self.remove_pod(&key);
        let place = Place { node: node.to_owned(), uid: pod.uid().to_owned(), assumed };
        self.places.insert(key, place);
        self.nodes.entry(node.to_owned()).or_default().add_pod(pod);
    }

    fn drop_if_empty(&mut self, name: &str) {
        if self.nodes.get(name).is_some_and(NodeInfo::is_empty) {
            self.nodes.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{node, pod};

    #[test]
    fn a_node_that_is_created_again_keeps_its_pods_counted() {
        let mut snapshot = Snapshot::default();
        snapshot.set_node(node("a", json!({})));
        snapshot.add_pod(PodInfo::new(pod("web", json!({"requests": {"cpu": "1"}}))), "a");
        snapshot.remove_node("a");
        assert_eq!(snapshot.nodes().count(), 0);

        snapshot.set_node(node("a", json!({})));

        assert_eq!(snapshot.node("a").map(|info| info.requested.milli_cpu), Some(1000));
    }

    #[test]
    fn a_pod_that_was_seen_bound_is_not_forgotten() {
        let mut snapshot = Snapshot::default();
        snapshot.set_node(node("a", json!({})));
        let info = PodInfo::new(pod("web", json!({"requests": {"cpu": "1"}})));
        snapshot.assume(info.clone(), "a");
        snapshot.add_pod(info.clone(), "a");

        snapshot.forget(&info.key(), info.uid());

        assert_eq!(snapshot.node("a").map(|info| info.requested.milli_cpu), Some(1000));
    }
}
