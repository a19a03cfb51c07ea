//! One state of the cluster: the store, what each component holds in memory, and what may still
//! go wrong.

use super::budgets::Budgets;
use super::ids::{NodeId, PodId};
use super::kubelet::Kubelet;
use super::node_lifecycle::NodeLifecycle;
use super::objects::{Node, Objects, Pod};
use super::replica_set::ReplicaSetController;
use super::scheduler::Scheduler;
use super::store::Store;
use crate::packed;

/// Up to so many Pods the checker has; a validator has many more.
const FEW_PODS: usize = 16;

/// A state of a cluster with at most so many names of Pods, Nodes and ReplicaSets, and so many
/// changes that some component has not read yet.
///
/// The checker uses tiny bounds. A validator of recorded traces uses large ones, and the same
/// steps. The slot of a Pod is free again when [`State::is_free`] says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize> {
    /// The objects and their history.
    pub store: Store<PODS, NODES, SETS, LOG>,
    /// kube-scheduler's memory, and its requests in flight.
    pub scheduler: Scheduler<PODS>,
    /// The ReplicaSet controller's memory, and its requests in flight.
    pub replica_set_controller: ReplicaSetController<PODS, SETS>,
    /// The node lifecycle and taint eviction controllers' requests in flight.
    pub node_lifecycle: NodeLifecycle<PODS, NODES>,
    /// Each machine with its kubelet and its containers.
    pub kubelets: [Kubelet<PODS>; NODES],
    /// Whether each Node's Lease was renewed within its grace period.
    pub leases: [bool; NODES],
    /// Whether the watch cache of [`Watcher::LaggingApiServer`] has stopped to follow.
    ///
    /// [`Watcher::LaggingApiServer`]: super::watch::Watcher::LaggingApiServer
    pub fell_behind: bool,
    /// What may still happen.
    pub budgets: Budgets,
}

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    State<PODS, NODES, SETS, LOG>
{
    /// An empty store; every machine is off; nothing may go wrong.
    pub const EMPTY: Self = State {
        store: Store::EMPTY,
        scheduler: Scheduler::EMPTY,
        replica_set_controller: ReplicaSetController::EMPTY,
        node_lifecycle: NodeLifecycle::EMPTY,
        kubelets: [Kubelet::OFF; NODES],
        leases: [false; NODES],
        fell_behind: false,
        budgets: Budgets::NONE,
    };

    /// The objects as they are now.
    pub fn objects(&self) -> Objects<PODS, NODES, SETS> {
        self.store.objects()
    }

    /// The Pod of this name as it is now.
    pub fn pod(&self, pod: PodId) -> Option<Pod> {
        self.store.pod_at(self.store.log.len(), pod)
    }

    /// All Pods as they are now. To look for each in the log is faster where they are few.
    pub fn pods(&self) -> [Option<Pod>; PODS] {
        match PODS {
            ..=FEW_PODS => std::array::from_fn(|pod| self.pod(PodId::new(pod))),
            _ => self.objects().pods,
        }
    }

    /// The Node of this name as it is now.
    pub fn node(&self, node: NodeId) -> Option<Node> {
        self.store.node_at(self.store.log.len(), node)
    }

    /// Whether nothing mentions this Pod's name any more: no object, no cache, no container, no
    /// request. Its slot may then be used for another name.
    pub fn is_free(&self, pod: PodId) -> bool {
        self.store.forgot_pod(pod)
            && self.scheduler.forgot(pod)
            && self.replica_set_controller.forgot(pod)
            && self.node_lifecycle.forgot(pod)
            && self.kubelets.iter().all(|kubelet| kubelet.forgot(pod))
    }

    /// The first name that is free.
    pub fn first_free(&self) -> Option<PodId> {
        PodId::all(PODS).find(|pod| self.is_free(*pod))
    }

    /// How many containers of this Pod's name run anywhere.
    pub fn runners_of(&self, pod: PodId) -> usize {
        self.kubelets.iter().filter(|kubelet| kubelet.runs(pod)).count()
    }

    /// How many Pods run on this Node.
    pub fn running_on(&self, node: NodeId) -> usize {
        self.kubelets[node.index()].running()
    }
}

packed!(
    struct<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize> State<PODS, NODES, SETS, LOG> {
        store, scheduler, replica_set_controller, node_lifecycle, kubelets, leases, fell_behind, budgets
    }
);
