//! A node as the scheduler sees it: what it can give, and what its pods take.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Key;
use api::node_fit::Place;
use k8s_openapi::api::core::v1::{Node, NodeSpec, Pod, PodSpec, Taint};

use crate::resources::{PodRequests, Resources};

/// A pod and what it requests.
#[derive(Clone, Debug)]
pub struct PodInfo {
    /// The pod.
    pub pod: Arc<Pod>,
    /// Computed once from its containers.
    pub requests: PodRequests,
}

impl PodInfo {
    /// A pod and what it requests.
    pub fn new(pod: Arc<Pod>) -> Self {
        let requests = pod.spec.as_ref().map(PodRequests::of).unwrap_or_default();
        Self { pod, requests }
    }

    /// Its namespace and name.
    pub fn key(&self) -> Key {
        Key::of(&self.pod.metadata)
    }

    /// Its uid.
    pub fn uid(&self) -> &str {
        self.pod.metadata.uid.as_deref().unwrap_or_default()
    }

    /// Its spec, if it has one.
    pub fn spec(&self) -> Option<&PodSpec> {
        self.pod.spec.as_ref()
    }

    /// Its priority; 0 when it has none.
    pub fn priority(&self) -> i32 {
        self.spec().and_then(|spec| spec.priority).unwrap_or(0)
    }
}

/// A node, or a place where pods are bound to a node that is not there.
#[derive(Clone, Debug, Default)]
pub struct NodeInfo {
    /// The node; `None` after it was deleted while pods are bound to it, or before it is seen.
    pub node: Option<Arc<Node>>,
    /// What it can give.
    pub allocatable: Resources,
    /// What its pods request.
    pub requested: Resources,
    /// What its pods count as in scores.
    pub non_zero_requested: Resources,
    pods: BTreeMap<Key, PodInfo>,
}

impl NodeInfo {
    /// Takes a node as it is now; its pods stay.
    pub fn set_node(&mut self, node: Arc<Node>) {
        let allocatable = node.status.as_ref().and_then(|status| status.allocatable.as_ref());
        self.allocatable = allocatable.map(Resources::of).unwrap_or_default();
        self.node = Some(node);
    }

    /// Forgets the node; its pods stay, because they still run until somebody says otherwise.
    pub fn remove_node(&mut self) {
        self.node = None;
        self.allocatable = Resources::default();
    }

    /// Counts a pod, instead of the one with the same key.
    pub fn add_pod(&mut self, pod: PodInfo) {
        self.remove_pod(&pod.key());
        self.requested.add(&pod.requests.requested);
        self.non_zero_requested.add(&pod.requests.non_zero);
        self.pods.insert(pod.key(), pod);
    }

    /// Counts a pod no more.
    pub fn remove_pod(&mut self, key: &Key) {
        if let Some(pod) = self.pods.remove(key) {
            self.requested.subtract(&pod.requests.requested);
            self.non_zero_requested.subtract(&pod.requests.non_zero);
        }
    }

    /// Its pods.
    pub fn pods(&self) -> impl Iterator<Item = &PodInfo> {
        self.pods.values()
    }

    /// How many pods it has.
    pub fn pods_len(&self) -> usize {
        self.pods.len()
    }

    /// Whether there is neither a node nor a pod.
    pub fn is_empty(&self) -> bool {
        self.node.is_none() && self.pods.is_empty()
    }

    /// The node's name, empty without a node.
    pub fn name(&self) -> &str {
        let node = self.node.as_ref();
        node.and_then(|node| node.metadata.name.as_deref()).unwrap_or_default()
    }

    /// The node's name and labels.
    pub fn place(&self) -> Option<Place<'_>> {
        self.node.as_deref().map(Place::of)
    }

    /// The node's taints.
    pub fn taints(&self) -> &[Taint] {
        self.spec().and_then(|spec| spec.taints.as_deref()).unwrap_or_default()
    }

    /// Whether the node is cordoned.
    pub fn is_unschedulable(&self) -> bool {
        self.spec().and_then(|spec| spec.unschedulable) == Some(true)
    }

    fn spec(&self) -> Option<&NodeSpec> {
        self.node.as_ref()?.spec.as_ref()
    }
}
