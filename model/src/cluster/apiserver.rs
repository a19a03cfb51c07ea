//! What the API server does with each write: the checks that decide between a new revision and a
//! refusal.
//!
//! A function here is the moment of commit. It returns nothing where the request is refused; the
//! component that asked learns that with the answer. Left out: admission, authorization, quotas.

use super::ids::{NodeId, PodId, SetId, Uid};
use super::objects::{Change, Node, Object, Phase, Pod, ReplicaSet};
use super::state::State;

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    State<PODS, NODES, SETS, LOG>
{
    /// Creates a Pod. Refused while one of this name exists (`AlreadyExists`).
    pub fn create_pod(
        &self,
        pod: PodId,
        owner: Option<SetId>,
        node: Option<NodeId>,
    ) -> Option<Self> {
        if self.pod(pod).is_some() {
            return None;
        }
        let uid = self.store.pod_uids[pod.index()].next();
        let object = Pod { node, ..Pod::pending(uid, owner) };
        Some(self.written(Change::Added, Object::Pod(pod, object)))
    }

    /// Binds a Pod to a Node. Refused where the uid is not the Pod's, where the Pod is being
    /// deleted, and where it is bound (`Conflict`). Nobody asks whether the Node exists.
    pub fn create_binding(&self, pod: PodId, uid: Uid, node: NodeId) -> Option<Self> {
        let object = self.pod(pod).filter(|object| object.uid == uid)?;
        if object.node.is_some() || object.deleting {
            return None;
        }
        Some(self.pod_modified(pod, Pod { node: Some(node), ..object }))
    }

    /// Writes `status.phase`. Refused where the uid is not the Pod's.
    pub fn patch_pod_status(&self, pod: PodId, uid: Uid, phase: Phase) -> Option<Self> {
        let object = self.pod(pod).filter(|object| object.uid == uid)?;
        Some(self.pod_modified(pod, Pod { phase, ..object }))
    }

    /// Deletes a Pod gracefully: at once where it is not bound or has terminated, else by setting
    /// `metadata.deletionTimestamp` and leaving the rest to its kubelet.
    pub fn delete_pod(&self, pod: PodId) -> Option<Self> {
        let object = self.pod(pod)?;
        if object.node.is_none() || object.terminated() {
            return self.remove_pod(pod, object.uid);
        }
        if object.deleting {
            return None;
        }
        Some(self.pod_modified(pod, Pod { deleting: true, ..object }))
    }

    /// Deletes a Pod with a grace period of zero. Refused where the uid is not the Pod's.
    pub fn remove_pod(&self, pod: PodId, uid: Uid) -> Option<Self> {
        let object = self.pod(pod).filter(|object| object.uid == uid)?;
        Some(self.written(Change::Deleted, Object::Pod(pod, object)))
    }

    /// Creates a Node object, not yet ready. Refused while one of this name exists.
    pub fn create_node(&self, node: NodeId, allocatable_pods: u8) -> Option<Self> {
        if self.node(node).is_some() {
            return None;
        }
        let uid = self.store.node_uids[node.index()].next();
        let object = Node { uid, ready: false, unreachable: false, allocatable_pods };
        Some(self.written(Change::Added, Object::Node(node, object)))
    }

    /// Updates a Node. Every update of it still in flight now carries an old resourceVersion.
    pub fn update_node(&self, node: NodeId, object: Node) -> Option<Self> {
        self.node(node)?;
        let mut next = self.written(Change::Modified, Object::Node(node, object));
        next.node_lifecycle.invalidate(node);
        Some(next)
    }

    /// Deletes a Node object.
    pub fn delete_node(&self, node: NodeId) -> Option<Self> {
        let object = self.node(node)?;
        let mut next = self.written(Change::Deleted, Object::Node(node, object));
        next.node_lifecycle.invalidate(node);
        Some(next)
    }

    /// Creates a ReplicaSet. Refused while one of this name exists.
    pub fn create_replica_set(&self, set: SetId, replicas: u8) -> Option<Self> {
        if self.objects().replica_set(set).is_some() {
            return None;
        }
        let object = ReplicaSet { uid: Uid::NONE.next(), replicas };
        Some(self.written(Change::Added, Object::ReplicaSet(set, object)))
    }

    /// Writes `spec.replicas`, as `kubectl scale` does.
    pub fn update_scale(&self, set: SetId, replicas: u8) -> Option<Self> {
        let object = self.objects().replica_set(set)?;
        let scaled = Object::ReplicaSet(set, ReplicaSet { replicas, ..object });
        (object.replicas != replicas).then(|| self.written(Change::Modified, scaled))
    }

    /// Deletes a ReplicaSet; its Pods are left to the garbage collector, which is not modelled.
    pub fn delete_replica_set(&self, set: SetId) -> Option<Self> {
        let object = self.objects().replica_set(set)?;
        Some(self.written(Change::Deleted, Object::ReplicaSet(set, object)))
    }

    fn pod_modified(&self, pod: PodId, object: Pod) -> Self {
        self.written(Change::Modified, Object::Pod(pod, object))
    }

    fn written(&self, change: Change, object: Object) -> Self {
        let mut next = *self;
        next.store.write(change, object);
        next
    }
}
