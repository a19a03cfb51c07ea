//! A node as the scheduler sees it: what it can give, and what its pods take.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Key;
use api::node_fit::Place;
use k8s_openapi::api::core::v1::{Node, NodeSpec, Pod, PodSpec, Taint};

use crate::affinity::AffinityTerms;
use crate::config::DEFAULT_SCHEDULER;
use crate::host_ports::{HostPort, UsedPorts};
use crate::label_counts::LabelCounts;
use crate::resources::{PodRequests, Resources};

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// What objects without labels have.
static NO_LABELS: Labels = Labels::new();

/// A pod and what it asks for, computed once.
#[derive(Clone, Debug)]
pub struct PodInfo {
    /// The pod.
    pub pod: Arc<Pod>,
    /// What its containers request.
    pub requests: PodRequests,
    /// The ports of its node that it takes.
    pub host_ports: Vec<HostPort>,
    /// What it says of other pods; `None` when that is nothing.
    pub affinity: Option<Arc<AffinityTerms>>,
}

impl PodInfo {
    /// A pod and what it asks for.
    pub fn new(pod: Arc<Pod>) -> Self {
        let requests = PodRequests::of(&pod);
        let host_ports = pod.spec.as_ref().map(HostPort::of_pod).unwrap_or_default();
        let affinity = AffinityTerms::of(&pod).map(Arc::new);
        Self { pod, requests, host_ports, affinity }
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.pod.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// Its labels.
    pub fn labels(&self) -> &Labels {
        self.pod.metadata.labels.as_ref().unwrap_or(&NO_LABELS)
    }

    /// The node where room is made for it, if its status names one.
    pub fn nominated_node_name(&self) -> Option<&str> {
        let name = self.pod.status.as_ref()?.nominated_node_name.as_deref()?;
        (!name.is_empty()).then_some(name)
    }

    /// Whether somebody has asked for its deletion.
    pub fn is_terminating(&self) -> bool {
        self.pod.metadata.deletion_timestamp.is_some()
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

    /// The scheduler that it names, or the default one.
    pub fn scheduler_name(&self) -> &str {
        let name = self.spec().and_then(|spec| spec.scheduler_name.as_deref());
        name.filter(|name| !name.is_empty()).unwrap_or(DEFAULT_SCHEDULER)
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
    /// The ports that its pods take.
    pub used_ports: UsedPorts,
    /// The labels that its pods have.
    pub label_counts: LabelCounts,
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
        self.used_ports.add(&pod.host_ports);
        self.label_counts.add(&pod);
        self.pods.insert(pod.key(), pod);
    }

    /// Counts a pod no more. The pod, if it was there.
    pub fn remove_pod(&mut self, key: &Key) -> Option<PodInfo> {
        let pod = self.pods.remove(key)?;
        self.requested.subtract(&pod.requests.requested);
        self.non_zero_requested.subtract(&pod.requests.non_zero);
        self.used_ports.remove(&pod.host_ports);
        self.label_counts.remove(&pod);
        Some(pod)
    }

    /// Its pods.
    pub fn pods(&self) -> impl Iterator<Item = &PodInfo> {
        self.pods.values()
    }

    /// One of its pods.
    pub fn pod(&self, key: &Key) -> Option<&PodInfo> {
        self.pods.get(key)
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

    /// The node's labels.
    pub fn labels(&self) -> &Labels {
        let node = self.node.as_ref();
        node.and_then(|node| node.metadata.labels.as_ref()).unwrap_or(&NO_LABELS)
    }

    /// The value of one of the node's labels.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels().get(key).map(String::as_str)
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
