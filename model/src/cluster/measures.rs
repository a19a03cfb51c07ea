//! What the claims about a cluster measure: what has changed, what is too much, what was lost.

use super::budgets::Budget;
use super::ids::{NodeId, PodId, SetId};
use super::objects::Pod;
use super::replica_set::Deletion;
use super::scenario::Cluster;
use super::scheduler::Binding;
use super::state::State;
use super::watch::Watcher;

/// The Pods that are the same object before and after a step, as they were and as they are.
pub(super) fn changed_pods<
    const PODS: usize,
    const NODES: usize,
    const SETS: usize,
    const LOG: usize,
>(
    before: &State<PODS, NODES, SETS, LOG>,
    after: &State<PODS, NODES, SETS, LOG>,
) -> impl Iterator<Item = (Pod, Pod)> {
    let pairs = is_written(before, after).then(|| before.pods().into_iter().zip(after.pods()));
    pairs
        .into_iter()
        .flatten()
        .filter_map(|(was, is)| Some((was?, is?)))
        .filter(|(was, is)| was.uid == is.uid && was != is)
}

/// Whether a step writes.
pub(super) fn is_written<
    const PODS: usize,
    const NODES: usize,
    const SETS: usize,
    const LOG: usize,
>(
    before: &State<PODS, NODES, SETS, LOG>,
    after: &State<PODS, NODES, SETS, LOG>,
) -> bool {
    before.store.revision.0 != after.store.revision.0
}

/// The Binding of this Pod that the API server has handled in this step.
pub(super) fn handled<
    const PODS: usize,
    const NODES: usize,
    const SETS: usize,
    const LOG: usize,
>(
    before: &State<PODS, NODES, SETS, LOG>,
    after: &State<PODS, NODES, SETS, LOG>,
    pod: PodId,
) -> Option<Binding> {
    let late = before.scheduler.late_bindings[pod.index()]
        .filter(|_| after.scheduler.late_bindings[pod.index()].is_none());
    let sent = before.scheduler.sent(pod).filter(|_| after.scheduler.sent(pod).is_none());
    late.or(sent)
}

/// Whether more Pods are bound or about to be bound to some Node than it allows.
pub(super) fn overbooked<
    const PODS: usize,
    const NODES: usize,
    const SETS: usize,
    const LOG: usize,
>(
    state: &State<PODS, NODES, SETS, LOG>,
) -> bool {
    let objects = state.objects();
    NodeId::all(NODES).any(|node| {
        objects
            .node(node)
            .is_some_and(|object| objects.pods_on(node) > usize::from(object.allocatable_pods))
    })
}

/// Whether the node lifecycle controller sees the Node of a Pod as unreachable.
pub(super) fn sees_it_unreachable<
    const PODS: usize,
    const NODES: usize,
    const SETS: usize,
    const LOG: usize,
>(
    state: &State<PODS, NODES, SETS, LOG>,
    pod: PodId,
) -> bool {
    let node = state.evictable(pod);
    let nodes = state.cache(Watcher::NodeLifecycleNodes);
    node.zip(nodes).and_then(|(node, nodes)| nodes.node(node)).is_some_and(|node| node.unreachable)
}

/// How many Pods the controller is about to ask for.
pub(super) fn unsent_creations<
    const PODS: usize,
    const NODES: usize,
    const SETS: usize,
    const LOG: usize,
>(
    state: &State<PODS, NODES, SETS, LOG>,
    set: SetId,
) -> usize {
    usize::from(state.replica_set_controller.expectations[set.index()].unsent)
}

/// Active Pods of a ReplicaSet whose deletion is on its way.
pub(super) fn doomed_pods<
    const PODS: usize,
    const NODES: usize,
    const SETS: usize,
    const LOG: usize,
>(
    state: &State<PODS, NODES, SETS, LOG>,
    set: SetId,
) -> usize {
    let sent =
        |pod: PodId| state.replica_set_controller.deletions[pod.index()] == Deletion::Sent(set);
    state.objects().active_pods_of(set).filter(|(pod, _)| sent(*pod)).count()
}

/// `spec.replicas` in the cache of the ReplicaSet controller.
pub(super) fn replicas_read<
    const PODS: usize,
    const NODES: usize,
    const SETS: usize,
    const LOG: usize,
>(
    state: &State<PODS, NODES, SETS, LOG>,
    set: SetId,
) -> usize {
    let read = state.cache(Watcher::ReplicaSets).and_then(|objects| objects.replica_set(set));
    read.map_or(0, |object| usize::from(object.replicas))
}

/// How many crashes and lost requests there were so far: each may leave one request behind of
/// which nobody knows what became of it.
pub(super) fn failures<
    const PODS: usize,
    const NODES: usize,
    const SETS: usize,
    const LOG: usize,
>(
    cluster: &Cluster<PODS, NODES, SETS, LOG>,
    state: &State<PODS, NODES, SETS, LOG>,
) -> usize {
    use Budget::{LostRequest, ReplicaSetControllerCrash, SchedulerCrash};
    [LostRequest, ReplicaSetControllerCrash, SchedulerCrash]
        .map(|budget| spent(cluster, state, budget))
        .iter()
        .sum()
}

/// How much of a budget is gone.
pub(super) fn spent<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    cluster: &Cluster<PODS, NODES, SETS, LOG>,
    state: &State<PODS, NODES, SETS, LOG>,
    budget: Budget,
) -> usize {
    usize::from(cluster.initial.budgets.left(budget) - state.budgets.left(budget))
}
