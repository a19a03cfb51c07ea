//! Clients: people and programs that create, delete and scale. Nobody obliges them to.

use super::budgets::Budget;
use super::ids::{NodeId, PodId, SetId};
use super::state::State;

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    State<PODS, NODES, SETS, LOG>
{
    /// A client creates a Pod of its own; with `spec.nodeName` set, it passes the scheduler by.
    pub fn client_creates_pod(&self, pod: PodId, node: Option<NodeId>) -> Option<Self> {
        self.spend(Budget::CreatePod)?.create_pod(pod, None, node)
    }

    /// A client deletes a Pod.
    pub fn client_deletes_pod(&self, pod: PodId) -> Option<Self> {
        self.spend(Budget::DeletePod)?.delete_pod(pod)
    }

    /// A client deletes a Pod with `--force --grace-period=0`: nobody waits for its containers.
    pub fn client_force_deletes_pod(&self, pod: PodId) -> Option<Self> {
        let object = self.pod(pod)?;
        self.spend(Budget::ForceDelete)?.remove_pod(pod, object.uid)
    }

    /// A client creates a ReplicaSet.
    pub fn client_creates_replica_set(&self, set: SetId, replicas: u8) -> Option<Self> {
        self.spend(Budget::CreateReplicaSet)?.create_replica_set(set, replicas)
    }

    /// A client scales a ReplicaSet.
    pub fn client_scales(&self, set: SetId, replicas: u8) -> Option<Self> {
        self.spend(Budget::Scale)?.update_scale(set, replicas)
    }

    /// A client deletes a ReplicaSet and orphans its Pods.
    pub fn client_deletes_replica_set(&self, set: SetId) -> Option<Self> {
        self.spend(Budget::Scale)?.delete_replica_set(set)
    }
}
