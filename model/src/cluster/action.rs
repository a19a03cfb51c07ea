//! The vocabulary: everything that can happen in a cluster, each as one step.
//!
//! Serialized, an action carries its name and the names of its objects, so that a walk can be
//! replayed on a real API server and a recorded event can be mapped onto an action.

use super::ids::{NodeId, PodId, SetId};
use super::node_lifecycle::NodeChange;
use super::state::State;
use super::watch::Watcher;
use serde::Serialize;

/// One step of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    CreatePod { pod: PodId, node: Option<NodeId> },
    DeletePod { pod: PodId },
    ForceDeletePod { pod: PodId },
    CreateReplicaSet { set: SetId, replicas: u8 },
    ScaleReplicaSet { set: SetId, replicas: u8 },
    DeleteReplicaSet { set: SetId },

    List { watcher: Watcher },
    ListFromLaggingApiServer { watcher: Watcher },
    FallBehind,
    Deliver { watcher: Watcher },

    Schedule { pod: PodId, node: NodeId },
    FailToSchedule { pod: PodId },
    QueueAsUnschedulable { pod: PodId },
    CommitBinding { pod: PodId },
    FinishBinding { pod: PodId },
    CommitLateBinding { pod: PodId },

    SyncReplicaSet { set: SetId },
    ChooseForDeletion { set: SetId, pod: PodId },
    CommitCreation { set: SetId, pod: PodId },
    CommitLateCreation { set: SetId, pod: PodId },
    CommitScaleDown { pod: PodId },

    RegisterNode { node: NodeId },
    ReportNodeReady { node: NodeId },
    RenewLease { node: NodeId },
    StartContainers { node: NodeId, pod: PodId },
    RejectPod { node: NodeId, pod: PodId },
    ContainersExit { node: NodeId, pod: PodId },
    ReportStatus { node: NodeId, pod: PodId },
    StopContainers { node: NodeId, pod: PodId },
    FinishDeletion { node: NodeId, pod: PodId },
    StartKubelet { node: NodeId },

    ExpireLease { node: NodeId },
    DecideNodeUpdate { node: NodeId, change: NodeChange },
    CommitNodeUpdate { node: NodeId },
    DecideEviction { pod: PodId },
    CommitEviction { pod: PodId },
    CollectOrphan { pod: PodId },

    LoseBinding { pod: PodId },
    LoseAnswerToBinding { pod: PodId },
    LoseCreation { set: SetId },
    LoseAnswerToCreation { set: SetId, pod: PodId },
    CrashScheduler,
    CrashReplicaSetController,
    CrashNodeLifecycle,
    CrashKubelet { node: NodeId },
    CrashApiServer,
    NodeDies { node: NodeId },
    NodeBoots { node: NodeId },
    DeadNodeIsDeleted { node: NodeId },
}

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
        self,
        state: &State<PODS, NODES, SETS, LOG>,
    ) -> Option<State<PODS, NODES, SETS, LOG>> {
        match self {
            Action::CreatePod { pod, node } => state.client_creates_pod(pod, node),
            Action::DeletePod { pod } => state.client_deletes_pod(pod),
            Action::ForceDeletePod { pod } => state.client_force_deletes_pod(pod),
            Action::CreateReplicaSet { set, replicas } => {
                state.client_creates_replica_set(set, replicas)
            }
            Action::ScaleReplicaSet { set, replicas } => state.client_scales(set, replicas),
            Action::DeleteReplicaSet { set } => state.client_deletes_replica_set(set),
            Action::List { watcher } => state.list(watcher),
            Action::ListFromLaggingApiServer { watcher } => {
                state.list_from_lagging_api_server(watcher)
            }
            Action::FallBehind => state.fall_behind(),
            Action::Deliver { watcher } => state.deliver(watcher),
            Action::Schedule { pod, node } => state.schedule(pod, node),
            Action::FailToSchedule { pod } => state.fail_to_schedule(pod),
            Action::QueueAsUnschedulable { pod } => state.queue_as_unschedulable(pod),
            Action::CommitBinding { pod } => state.commit_binding(pod),
            Action::FinishBinding { pod } => state.finish_binding(pod),
            Action::CommitLateBinding { pod } => state.commit_late_binding(pod),
            Action::SyncReplicaSet { set } => state.sync_replica_set(set),
            Action::ChooseForDeletion { set, pod } => state.choose_for_deletion(set, pod),
            Action::CommitCreation { set, pod } => state.commit_creation(set, pod),
            Action::CommitLateCreation { set, pod } => state.commit_late_creation(set, pod),
            Action::CommitScaleDown { pod } => state.commit_scale_down(pod),
            Action::RegisterNode { node } => state.register_node(node),
            Action::ReportNodeReady { node } => state.report_node_ready(node),
            Action::RenewLease { node } => state.renew_lease(node),
            Action::StartContainers { node, pod } => state.start_containers(node, pod),
            Action::RejectPod { node, pod } => state.reject_pod(node, pod),
            Action::ContainersExit { node, pod } => state.containers_exit(node, pod),
            Action::ReportStatus { node, pod } => state.report_status(node, pod),
            Action::StopContainers { node, pod } => state.stop_containers(node, pod),
            Action::FinishDeletion { node, pod } => state.finish_deletion(node, pod),
            Action::StartKubelet { node } => state.start_kubelet(node),
            Action::ExpireLease { node } => state.expire_lease(node),
            Action::DecideNodeUpdate { node, change } => state.decide_node_update(node, change),
            Action::CommitNodeUpdate { node } => state.commit_node_update(node),
            Action::DecideEviction { pod } => state.decide_eviction(pod),
            Action::CommitEviction { pod } => state.commit_eviction(pod),
            Action::CollectOrphan { pod } => state.collect_orphan(pod),
            Action::LoseBinding { pod } => state.lose_binding(pod),
            Action::LoseAnswerToBinding { pod } => state.lose_answer_to_binding(pod),
            Action::LoseCreation { set } => state.lose_creation(set),
            Action::LoseAnswerToCreation { set, pod } => state.lose_answer_to_creation(set, pod),
            Action::CrashScheduler => state.crash_scheduler(),
            Action::CrashReplicaSetController => state.crash_replica_set_controller(),
            Action::CrashNodeLifecycle => state.crash_node_lifecycle(),
            Action::CrashKubelet { node } => state.crash_kubelet(node),
            Action::CrashApiServer => state.crash_api_server(),
            Action::NodeDies { node } => state.node_dies(node),
            Action::NodeBoots { node } => state.node_boots(node),
            Action::DeadNodeIsDeleted { node } => state.dead_node_is_deleted(node),
        }
    }
}
