//! The objects, with the fields that the claims speak of and no others.
//!
//! Left out: everything else a Pod, Node or ReplicaSet holds. Each Pod asks for one place of
//! `status.allocatable.pods` and for nothing else; `restartPolicy` is `Never` once a container
//! has exited, and `Always` across a reboot of its Node.

use super::ids::{NodeId, PodId, SetId, Uid};
use crate::packed;
use serde::Serialize;

/// A Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// `metadata.uid`.
    pub uid: Uid,
    /// The controlling ReplicaSet in `metadata.ownerReferences`.
    pub owner: Option<SetId>,
    /// `spec.nodeName`: written once, by a Binding.
    pub node: Option<NodeId>,
    /// `status.phase`: written by the kubelet.
    pub phase: Phase,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deleting: bool,
}

impl Pod {
    /// A new Pod, neither bound nor running.
    pub fn pending(uid: Uid, owner: Option<SetId>) -> Self {
        Pod { uid, owner, node: None, phase: Phase::Pending, deleting: false }
    }

    /// Whether its phase is final.
    pub fn terminated(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }

    /// Whether it takes a place on this Node.
    pub fn occupies(&self, node: NodeId) -> bool {
        self.node == Some(node) && !self.terminated()
    }

    /// Whether a ReplicaSet counts it: neither finished nor being deleted.
    pub fn active(&self) -> bool {
        !self.terminated() && !self.deleting
    }
}

/// `status.phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Phase {
    /// Accepted, not all containers run.
    Pending,
    /// Bound, its containers run.
    Running,
    /// All containers exited with success. Final.
    Succeeded,
    /// Rejected by the kubelet, or a container failed. Final.
    Failed,
}

/// A Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// `metadata.uid`.
    pub uid: Uid,
    /// The Ready condition: true, or Unknown.
    pub ready: bool,
    /// Whether it has the taint `node.kubernetes.io/unreachable:NoExecute`.
    pub unreachable: bool,
    /// `status.allocatable.pods`.
    pub allocatable_pods: u8,
}

/// A ReplicaSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplicaSet {
    /// `metadata.uid`.
    pub uid: Uid,
    /// `spec.replicas`.
    pub replicas: u8,
}

/// All objects at one revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects<const PODS: usize, const NODES: usize, const SETS: usize> {
    /// The Pods by name.
    pub pods: [Option<Pod>; PODS],
    /// The Nodes by name.
    pub nodes: [Option<Node>; NODES],
    /// The ReplicaSets by name.
    pub replica_sets: [Option<ReplicaSet>; SETS],
}

impl<const PODS: usize, const NODES: usize, const SETS: usize> Objects<PODS, NODES, SETS> {
    /// Nothing was created yet.
    pub const EMPTY: Self =
        Objects { pods: [None; PODS], nodes: [None; NODES], replica_sets: [None; SETS] };

    /// The Pod of this name.
    pub fn pod(&self, pod: PodId) -> Option<Pod> {
        self.pods[pod.index()]
    }

    /// The Node of this name.
    pub fn node(&self, node: NodeId) -> Option<Node> {
        self.nodes[node.index()]
    }

    /// The ReplicaSet of this name.
    pub fn replica_set(&self, set: SetId) -> Option<ReplicaSet> {
        self.replica_sets[set.index()]
    }

    /// How many Pods take a place on this Node.
    pub fn pods_on(&self, node: NodeId) -> usize {
        self.pods.iter().flatten().filter(|pod| pod.occupies(node)).count()
    }

    /// The active Pods that this ReplicaSet controls.
    pub fn active_pods_of(&self, set: SetId) -> impl Iterator<Item = (PodId, Pod)> {
        let pods = self.pods;
        PodId::all(PODS)
            .filter_map(move |id| Some((id, pods[id.index()]?)))
            .filter(move |(_, pod)| pod.owner == Some(set) && pod.active())
    }

    /// These objects after one more change.
    pub fn apply(&mut self, event: &Event) {
        match event.object {
            Object::Pod(id, pod) => self.pods[id.index()] = event.leaves(pod),
            Object::Node(id, node) => self.nodes[id.index()] = event.leaves(node),
            Object::ReplicaSet(id, set) => self.replica_sets[id.index()] = event.leaves(set),
        }
    }
}

/// One entry of the log, which is also what a watch delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// What happened to the object.
    pub change: Change,
    /// The object after the change; for a deletion, as it was last.
    pub object: Object,
}

impl Event {
    /// What it leaves of the Pod of this name, if it is about that.
    pub fn leaves_pod(&self, pod: PodId) -> Option<Option<Pod>> {
        match self.object {
            Object::Pod(id, object) if id == pod => Some(self.leaves(object)),
            Object::Pod(..) | Object::Node(..) | Object::ReplicaSet(..) => None,
        }
    }

    /// What it leaves of the Node of this name, if it is about that.
    pub fn leaves_node(&self, node: NodeId) -> Option<Option<Node>> {
        match self.object {
            Object::Node(id, object) if id == node => Some(self.leaves(object)),
            Object::Pod(..) | Object::Node(..) | Object::ReplicaSet(..) => None,
        }
    }

    fn leaves<T>(&self, object: T) -> Option<T> {
        (self.change != Change::Deleted).then_some(object)
    }
}

/// The type of a watch event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// `ADDED`
    Added,
    /// `MODIFIED`
    Modified,
    /// `DELETED`
    Deleted,
}

/// An object with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    /// A Pod.
    Pod(PodId, Pod),
    /// A Node.
    Node(NodeId, Node),
    /// A ReplicaSet.
    ReplicaSet(SetId, ReplicaSet),
}

packed!(struct Pod { uid, owner, node, phase, deleting });
packed!(
    enum Phase {
        Pending,
        Running,
        Succeeded,
        Failed,
    }
);
packed!(struct Node { uid, ready, unreachable, allocatable_pods });
packed!(struct ReplicaSet { uid, replicas });
packed!(
    struct<const PODS: usize, const NODES: usize, const SETS: usize> Objects<PODS, NODES, SETS> {
        pods, nodes, replica_sets
    }
);
packed!(struct Event { change, object });
packed!(
    enum Change {
        Added,
        Modified,
        Deleted,
    }
);
packed!(
    enum Object {
        Pod(id, pod),
        Node(id, node),
        ReplicaSet(id, set),
    }
);
