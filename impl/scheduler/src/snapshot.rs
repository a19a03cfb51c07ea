//! Every node with its pods, among them those that are assumed: bound by a decision that the cache does
//! not show yet.
//!
//! Source: pkg/scheduler/backend/cache (v1.36). An assumed pod counts until it is seen bound, is deleted,
//! or its binding fails. Pods of a deleted node count when it comes back (k#93938).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::{Key, storage};
use k8s_openapi::api::core::v1::{ContainerImage, Node};

use crate::node_info::{NodeInfo, PodInfo};

/// What the scheduler decides on.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    nodes: BTreeMap<String, NodeInfo>,
    /// Where each pod counts.
    places: BTreeMap<Key, Place>,
    /// The nodes with pods that say something of other pods.
    with_affinity: BTreeSet<String>,
    images: BTreeMap<String, ImageState>,
    /// How many nodes are there.
    nodes_len: usize,
}

/// An image that nodes have.
#[derive(Clone, Debug)]
pub struct ImageState {
    /// Its size, as the first node that had it said.
    pub size_bytes: i64,
    /// The nodes that have it.
    pub nodes: BTreeSet<String>,
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

    /// How many nodes are there.
    pub fn nodes_len(&self) -> usize {
        self.nodes_len
    }

    /// The nodes that are there and have pods that say something of other pods.
    pub fn nodes_with_affinity(&self) -> impl Iterator<Item = &NodeInfo> {
        self.with_affinity.iter().filter_map(|name| self.node(name))
    }

    /// An image that some node has.
    pub fn image(&self, name: &str) -> Option<&ImageState> {
        self.images.get(name)
    }

    /// A node of this name that is there.
    pub fn node(&self, name: &str) -> Option<&NodeInfo> {
        self.nodes.get(name).filter(|info| info.node.is_some())
    }

    /// Whether a pod on any node uses a claim that is not its own.
    pub fn uses_claim(&self, claim: &Key) -> bool {
        let uses = |pod: &PodInfo| {
            pod.namespace() == claim.namespace
                && storage::claims_of_pod(&pod.pod)
                    .any(|(name, is_own)| !is_own && name == claim.name)
        };
        self.nodes.values().flat_map(NodeInfo::pods).any(uses)
    }

    /// Takes a node as it is now.
    pub fn set_node(&mut self, node: Arc<Node>) {
        let name = node.metadata.name.clone().unwrap_or_default();
        let old = self.node(&name).and_then(|info| info.node.clone());
        self.nodes_len += usize::from(old.is_none());
        if old.as_deref().is_none_or(|old| images(old) != images(&node)) {
            self.remove_images(&name, old.as_deref());
            self.add_images(&name, &node);
        }
        self.nodes.entry(name).or_default().set_node(node);
    }

    /// Forgets a node.
    pub fn remove_node(&mut self, name: &str) {
        let old = self.node(name).and_then(|info| info.node.clone());
        self.nodes_len -= usize::from(old.is_some());
        self.remove_images(name, old.as_deref());
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

    /// A pod that counts on some node.
    pub fn pod(&self, key: &Key) -> Option<&PodInfo> {
        self.nodes.get(&self.places.get(key)?.node)?.pod(key)
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
            self.note_affinity(&place.node);
            self.drop_if_empty(&place.node);
        }
    }

    fn place(&mut self, pod: PodInfo, node: &str, assumed: bool) {
        let key = pod.key();
        self.remove_pod(&key);
        let place = Place { node: node.to_owned(), uid: pod.uid().to_owned(), assumed };
        self.places.insert(key, place);
        self.nodes.entry(node.to_owned()).or_default().add_pod(pod);
        self.note_affinity(node);
    }

    fn note_affinity(&mut self, node: &str) {
        if self.nodes.get(node).is_some_and(NodeInfo::has_pods_with_affinity) {
            self.with_affinity.insert(node.to_owned());
        } else {
            self.with_affinity.remove(node);
        }
    }

    fn add_images(&mut self, name: &str, node: &Node) {
        for image in images(node) {
            for image_name in image.names.iter().flatten() {
                let size_bytes = image.size_bytes.unwrap_or(0);
                let new = || ImageState { size_bytes, nodes: BTreeSet::new() };
                let state = self.images.entry(image_name.clone()).or_insert_with(new);
                state.nodes.insert(name.to_owned());
            }
        }
    }

    fn remove_images(&mut self, name: &str, node: Option<&Node>) {
        let images = node.into_iter().flat_map(images);
        for image_name in images.flat_map(|image| image.names.iter().flatten()) {
            if let Some(state) = self.images.get_mut(image_name) {
                state.nodes.remove(name);
                if state.nodes.is_empty() {
                    self.images.remove(image_name);
                }
            }
        }
    }

    fn drop_if_empty(&mut self, name: &str) {
        if self.nodes.get(name).is_some_and(NodeInfo::is_empty) {
            self.nodes.remove(name);
        }
    }
}

fn images(node: &Node) -> &[ContainerImage] {
    let status = node.status.as_ref();
    status.and_then(|status| status.images.as_deref()).unwrap_or_default()
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
