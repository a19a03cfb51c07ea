//! Mutations: each replaces one step by a wrong one and passes the rest through.
//!
//! Those that stand for a real bug are named by its issue; `specs/` says which claim kills which.

use super::action::Action;
use super::ids::{NodeId, PodId};
use super::kubelet::Container;
use super::node_lifecycle::NodeUpdate;
use super::objects::{Change, Object, Phase, Pod};
use super::scheduler::{Attempt, Binding, Stage};
use super::state::State;
use super::watch::Watcher;

crate::mutations! {
    /// A LIST with resourceVersion 0 is answered from a watch cache that lags behind.
    StaleList = "k-59848",
    /// kube-scheduler misses the deletion of a Node.
    MissedNodeDeletion = "k-56261",
    /// A Pod is queued as unschedulable though something has happened since the attempt.
    MissedMove = "k-72122",
    /// kube-scheduler does not count the Pods that it assumes.
    ForgottenAssumption = "scheduler-forgets-assumed-pods",
    /// kube-scheduler does not try again after a Binding has failed.
    BindingNeverRetried = "scheduler-never-retries-a-binding",
    /// What a crashed kube-scheduler had sent never arrives.
    LateBindingsNeverArrive = "late-bindings-never-arrive",
    /// The API server overwrites `spec.nodeName`.
    SecondBinding = "binding-overwrites-node-name",
    /// The API server does not compare the uid of a Binding.
    BindingWithoutUid = "binding-ignores-uid",
    /// kube-scheduler picks Nodes that never registered.
    UnregisteredNode = "scheduler-picks-unregistered-node",
    /// After its restart a kubelet reports a Pod that it had rejected as succeeded.
    FailedBecomesSucceeded = "k-58711",
    /// A kubelet counts Pods that have completed when it admits one.
    CompletedPodsCounted = "k-104560",
    /// A kubelet counts Pods that it rejected when it admits one.
    RejectedPodsCounted = "k-135296",
    /// A kubelet admits every Pod.
    NoAdmission = "kubelet-skips-admission",
    /// A kubelet confirms a deletion while the containers run.
    EarlyConfirmation = "kubelet-confirms-deletion-early",
    /// A kubelet never writes a status.
    StatusNeverReported = "kubelet-never-reports-status",
    /// A kubelet never rejects a Pod that it has no room for.
    NothingRejected = "kubelet-never-rejects",
    /// Pods are evicted from Nodes that have no taint.
    EvictionWithoutTaint = "eviction-without-taint",
    /// The API server does not compare the resourceVersion of an update.
    UpdateWithoutResourceVersion = "update-ignores-resource-version",
    /// Evictions never arrive.
    EvictionNeverSent = "eviction-never-sent",
    /// The ReplicaSet controller does not wait for what it asked for.
    NoExpectations = "replica-set-ignores-expectations",
    /// The ReplicaSet controller goes on waiting for a creation that failed.
    ExpectationNeverLowered = "replica-set-never-lowers-expectations",
    /// The ReplicaSet controller's creations never arrive.
    CreationsNeverArrive = "creations-never-arrive",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
        mutation: Option<Mutation>,
        state: &State<PODS, NODES, SETS, LOG>,
        action: Action,
    ) -> Option<State<PODS, NODES, SETS, LOG>> {
        match mutation {
            None => action.apply(state),
            Some(mutation) => mutation.replaced(state, action),
        }
    }

    fn replaced<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
        self,
        state: &State<PODS, NODES, SETS, LOG>,
        action: Action,
    ) -> Option<State<PODS, NODES, SETS, LOG>> {
        use Mutation::*;
        match (self, action) {
            (StaleList, Action::ListFromLaggingApiServer { watcher }) => stale_list(state, watcher),
            (MissedNodeDeletion | UnregisteredNode, Action::Schedule { pod, node }) => {
                schedule_on_absent_node(state, pod, node, self)
            }
            (MissedMove, Action::QueueAsUnschedulable { pod }) => {
                state.queue_as_unschedulable(pod)?;
                Some(state.attempting(pod, Attempt::Unschedulable))
            }
            (ForgottenAssumption, Action::Schedule { pod, node }) => forgetful(state, pod, node),
            (BindingNeverRetried, Action::FinishBinding { pod }) => finish_once(state, pod),
            (LateBindingsNeverArrive, Action::CommitLateBinding { .. }) => None,
            (SecondBinding, Action::CommitBinding { pod }) => {
                let binding = state.scheduler.sent(pod)?;
                rebind(state, pod, binding, |object| object.uid == binding.uid)
            }
            (SecondBinding, Action::CommitLateBinding { pod }) => {
                let binding = state.scheduler.late_bindings[pod.index()]?;
                rebind(state, pod, binding, |object| object.uid == binding.uid)
            }
            (BindingWithoutUid, Action::CommitBinding { pod }) => {
                rebind(state, pod, state.scheduler.sent(pod)?, |object| object.node.is_none())
            }
            (FailedBecomesSucceeded, Action::ReportStatus { node, pod }) => {
                succeed(state, node, pod).or_else(|| action.apply(state))
            }
            (CompletedPodsCounted, Action::RejectPod { node, pod }) => {
                reject_counting(state, node, pod, |held| held != Container::None)
            }
            (RejectedPodsCounted, Action::RejectPod { node, pod }) => {
                reject_counting(state, node, pod, |held| {
                    matches!(held, Container::Running(_) | Container::Rejected(_))
                })
            }
            (NoAdmission, Action::StartContainers { node, pod }) => {
                let object = state.pod_to_start(node, pod)?;
                Some(state.holding(node, pod, Container::Running(object.uid)))
            }
            (EarlyConfirmation, Action::FinishDeletion { node, pod }) => {
                let object = state.pod_on(node, pod)?.filter(|object| object.deleting)?;
                state.remove_pod(pod, object.uid)
            }
            (StatusNeverReported, Action::ReportStatus { .. })
            | (NothingRejected, Action::RejectPod { .. })
            | (EvictionNeverSent, Action::CommitEviction { .. }) => None,
            (EvictionWithoutTaint, Action::DecideEviction { pod }) => {
                state.evictable(pod).map(|_| state.evicting(pod))
            }
            (UpdateWithoutResourceVersion, Action::CommitNodeUpdate { node }) => {
                let mut fresh = *state;
                let NodeUpdate { change, .. } = state.node_lifecycle.updates[node.index()]?;
                fresh.node_lifecycle.updates[node.index()] =
                    Some(NodeUpdate { change, outdated: false });
                fresh.commit_node_update(node)
            }
            (NoExpectations, Action::SyncReplicaSet { set }) => {
                state.manage_replicas(set).filter(|next| next != state)
            }
            (ExpectationNeverLowered, Action::LoseCreation { set }) => {
                let expected = state.replica_set_controller.expectations[set.index()].creations;
                let mut next = state.lose_creation(set)?;
                next.replica_set_controller.expectations[set.index()].creations = expected;
                Some(next)
            }
            (
                CreationsNeverArrive,
                Action::CommitCreation { .. }
                | Action::CommitLateCreation { .. }
                | Action::LoseAnswerToCreation { .. },
            ) => None,
            (_, action) => action.apply(state),
        }
    }
}

fn stale_list<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    watcher: Watcher,
) -> Option<State<PODS, NODES, SETS, LOG>> {
    let lagging = state.store.cursor(Watcher::LaggingApiServer).position()?;
    state.list_late(watcher, lagging)
}

fn schedule_on_absent_node<
    const PODS: usize,
    const NODES: usize,
    const SETS: usize,
    const LOG: usize,
>(
    state: &State<PODS, NODES, SETS, LOG>,
    pod: PodId,
    node: NodeId,
    mutation: Mutation,
) -> Option<State<PODS, NODES, SETS, LOG>> {
    let object = state.next_to_schedule(pod)?;
    let absent = state.cached_node(Watcher::SchedulerNodes, node)?.is_none();
    let was_there = state.store.node_uids[node.index()] != super::ids::Uid::NONE;
    if absent && (was_there || mutation == Mutation::UnregisteredNode) {
        return Some(state.assumed(pod, Binding { uid: object.uid, node }));
    }
    state.schedule(pod, node)
}

fn forgetful<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    pod: PodId,
    node: NodeId,
) -> Option<State<PODS, NODES, SETS, LOG>> {
    let object = state.next_to_schedule(pod)?;
    let mut forgetful = *state;
    forgetful.scheduler.attempts = [Attempt::None; PODS];
    let fits = forgetful.fits(node)?;
    fits.then(|| state.assumed(pod, Binding { uid: object.uid, node }))
}

fn finish_once<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    pod: PodId,
) -> Option<State<PODS, NODES, SETS, LOG>> {
    match state.scheduler.attempts[pod.index()] {
        Attempt::Assumed(_, Stage::Failed) => None,
        Attempt::None | Attempt::Failing { .. } | Attempt::Unschedulable | Attempt::Assumed(..) => {
            state.finish_binding(pod)
        }
    }
}

fn rebind<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    pod: PodId,
    binding: Binding,
    accepts: impl Fn(&Pod) -> bool,
) -> Option<State<PODS, NODES, SETS, LOG>> {
    let mut next = *state;
    if let Some(object) = state.pod(pod).filter(accepts) {
        let bound = Pod { node: Some(binding.node), ..object };
        next.store.write(Change::Modified, Object::Pod(pod, bound));
    }
    next.scheduler.late_bindings[pod.index()] = None;
    match state.scheduler.sent(pod) {
        Some(sent) => Some(next.attempting(pod, Attempt::Assumed(sent, Stage::Created))),
        None => Some(next),
    }
}

fn succeed<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    node: NodeId,
    pod: PodId,
) -> Option<State<PODS, NODES, SETS, LOG>> {
    let object = state.pod_on(node, pod)??;
    let forgotten = state.container(node, pod) == Container::None;
    if forgotten && object.phase == Phase::Failed {
        state.patch_pod_status(pod, object.uid, Phase::Succeeded)
    } else {
        None
    }
}

fn reject_counting<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    node: NodeId,
    pod: PodId,
    counts: impl Fn(Container) -> bool,
) -> Option<State<PODS, NODES, SETS, LOG>> {
    let object = state.pod_to_start(node, pod)?;
    let kubelet = state.kubelets[node.index()];
    let counted = kubelet.containers.iter().filter(|held| counts(**held)).count();
    let full = counted >= usize::from(kubelet.allocatable_pods);
    full.then(|| state.holding(node, pod, Container::Rejected(object.uid)))
}
