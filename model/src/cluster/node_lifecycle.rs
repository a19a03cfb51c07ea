//! The node lifecycle controller, taint eviction and Pod garbage collection.
//!
//! Left out: zones, eviction rates and full disruption (NODE-4 to NODE-7, in
//! [`node_zones`](crate::controllers::node_zones)), `tolerationSeconds` (an eviction may happen at any
//! time once the taint is seen), and the Lease as an object: that it was not renewed for a grace
//! period is one step, [`State::expire_lease`].

use super::budgets::Budget;
use super::ids::{NodeId, PodId};
use super::kubelet::Machine;
use super::objects::Node;
use super::state::State;
use super::watch::Watcher;
use crate::packed;
use serde::Serialize;

/// The requests that the node lifecycle and taint eviction controllers have in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeLifecycle<const PODS: usize, const NODES: usize> {
    /// An update of each Node.
    pub updates: [Option<NodeUpdate>; NODES],
    /// A deletion of each Pod.
    pub evictions: [bool; PODS],
}

/// An update of a Node, with the resourceVersion that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeUpdate {
    /// What it changes.
    pub change: NodeChange,
    /// Whether the Node has changed since it was read.
    pub outdated: bool,
}

/// What the controller changes of a Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeChange {
    /// It sets the Ready condition to Unknown.
    MarkUnknown,
    /// It adds the taint `node.kubernetes.io/unreachable:NoExecute`.
    Taint,
    /// It removes that taint.
    Untaint,
}

impl NodeChange {
    /// All of them.
    pub const ALL: [NodeChange; 3] =
        [NodeChange::MarkUnknown, NodeChange::Taint, NodeChange::Untaint];

    /// The Node after the change.
    pub fn of(self, node: Node) -> Node {
        match self {
            NodeChange::MarkUnknown => Node { ready: false, ..node },
            NodeChange::Taint => Node { unreachable: true, ..node },
            NodeChange::Untaint => Node { unreachable: false, ..node },
        }
    }
}

impl<const PODS: usize, const NODES: usize> NodeLifecycle<PODS, NODES> {
    /// Nothing in flight.
    pub const EMPTY: Self = NodeLifecycle { updates: [None; NODES], evictions: [false; PODS] };

    /// Whether it holds nothing about this Pod.
    pub fn forgot(&self, pod: PodId) -> bool {
        !self.evictions[pod.index()]
    }

    /// Another write of this Node was committed.
    pub fn invalidate(&mut self, node: NodeId) {
        if let Some(update) = &mut self.updates[node.index()] {
            update.outdated = true;
        }
    }
}

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    State<PODS, NODES, SETS, LOG>
{
    /// A Node's Lease was not renewed for its grace period: its kubelet is down, or was slow.
    pub fn expire_lease(&self, node: NodeId) -> Option<Self> {
        if !self.leases[node.index()] {
            return None;
        }
        let running = self.kubelets[node.index()].machine == Machine::Running;
        let mut next = if running { self.spend(Budget::LateRenewal)? } else { *self };
        next.leases[node.index()] = false;
        Some(next)
    }

    /// The controller reads a Node and sends an update of it.
    pub fn decide_node_update(&self, node: NodeId, change: NodeChange) -> Option<Self> {
        let object = self.cached_node(Watcher::NodeLifecycleNodes, node)??;
        let due = match change {
            NodeChange::MarkUnknown => object.ready && !self.leases[node.index()],
            NodeChange::Taint => !object.ready && !object.unreachable && !self.leases[node.index()],
            NodeChange::Untaint => object.ready && object.unreachable && self.leases[node.index()],
        };
        if !due || self.node_lifecycle.updates[node.index()].is_some() {
            return None;
        }
        let outdated = self.store.node_change_pending(Watcher::NodeLifecycleNodes, node);
        let mut next = *self;
        next.node_lifecycle.updates[node.index()] = Some(NodeUpdate { change, outdated });
        Some(next)
    }

    /// The API server handles the update. Refused where the Node has changed since it was read.
    pub fn commit_node_update(&self, node: NodeId) -> Option<Self> {
        let update = self.node_lifecycle.updates[node.index()]?;
        let mut next = *self;
        next.node_lifecycle.updates[node.index()] = None;
        if update.outdated {
            return Some(next);
        }
        let object = next.node(node)?;
        next.update_node(node, update.change.of(object))
    }

    /// The taint eviction controller sees a Pod on an unreachable Node, and asks to delete it.
    pub fn decide_eviction(&self, pod: PodId) -> Option<Self> {
        let node = self.evictable(pod)?;
        let tainted = self.cached_node(Watcher::NodeLifecycleNodes, node)??.unreachable;
        tainted.then(|| self.evicting(pod))
    }

    /// The API server handles that deletion. It names no uid.
    pub fn commit_eviction(&self, pod: PodId) -> Option<Self> {
        if !self.node_lifecycle.evictions[pod.index()] {
            return None;
        }
        let mut next = self.delete_pod(pod).unwrap_or(*self);
        next.node_lifecycle.evictions[pod.index()] = false;
        Some(next)
    }

    /// The node lifecycle controller crashes; what it sent is lost with it.
    pub fn crash_node_lifecycle(&self) -> Option<Self> {
        let mut next = self.spend(Budget::NodeLifecycleCrash)?;
        next.node_lifecycle = NodeLifecycle::EMPTY;
        next.stop_watching(Watcher::NodeLifecycleNodes);
        next.stop_watching(Watcher::NodeLifecyclePods);
        Some(next)
    }

    /// Pod garbage collection removes a Pod whose Node is gone. It asks the API server for the
    /// Node just before, so reading and writing are one step.
    pub fn collect_orphan(&self, pod: PodId) -> Option<Self> {
        let objects = self.objects();
        let object = objects.pod(pod)?;
        let orphan = object.node.is_some_and(|node| objects.node(node).is_none());
        if orphan { self.remove_pod(pod, object.uid) } else { None }
    }

    /// The Node of a Pod that the controller's cache shows bound, active, and not yet evicted.
    pub(super) fn evictable(&self, pod: PodId) -> Option<NodeId> {
        let object = self.cached_pod(Watcher::NodeLifecyclePods, pod)??;
        let idle = !self.node_lifecycle.evictions[pod.index()];
        object.node.filter(|_| idle && object.active())
    }

    pub(super) fn evicting(&self, pod: PodId) -> Self {
        let mut next = *self;
        next.node_lifecycle.evictions[pod.index()] = true;
        next
    }
}

packed!(
    struct<const PODS: usize, const NODES: usize> NodeLifecycle<PODS, NODES> { updates, evictions }
);
packed!(struct NodeUpdate { change, outdated });
packed!(
    enum NodeChange {
        MarkUnknown,
        Taint,
        Untaint,
    }
);
