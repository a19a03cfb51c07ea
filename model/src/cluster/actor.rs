//! Who takes a step, whether they have to, which fault it is, and what it costs.

use super::action::Action;
use super::budgets::Budget;
use crate::cause::Cause;
use crate::slice::Fault;
use serde::Serialize;

/// Who takes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// A person or a program outside the cluster.
    Client,
    /// kube-apiserver, at the moment it handles a request.
    ApiServer,
    /// A watch.
    Watch,
    /// kube-scheduler.
    Scheduler,
    /// The ReplicaSet controller.
    ReplicaSetController,
    /// The node lifecycle, taint eviction and Pod garbage collection controllers.
    NodeLifecycle,
    /// A kubelet.
    Kubelet,
    /// The clock.
    Time,
    /// What nobody wants and nobody is obliged to do.
    Fault,
}

impl Action {
    /// Who takes it.
    pub fn actor(self) -> Actor {
        match self {
            Action::CreatePod { .. }
            | Action::DeletePod { .. }
            | Action::ForceDeletePod { .. }
            | Action::CreateReplicaSet { .. }
            | Action::ScaleReplicaSet { .. }
            | Action::DeleteReplicaSet { .. } => Actor::Client,
            Action::List { .. }
            | Action::ListFromLaggingApiServer { .. }
            | Action::Deliver { .. } => Actor::Watch,
            Action::Schedule { .. }
            | Action::FailToSchedule { .. }
            | Action::QueueAsUnschedulable { .. }
            | Action::FinishBinding { .. } => Actor::Scheduler,
            Action::CommitBinding { .. }
            | Action::CommitLateBinding { .. }
            | Action::CommitCreation { .. }
            | Action::CommitLateCreation { .. }
            | Action::CommitScaleDown { .. }
            | Action::CommitNodeUpdate { .. }
            | Action::CommitEviction { .. } => Actor::ApiServer,
            Action::SyncReplicaSet { .. } | Action::ChooseForDeletion { .. } => {
                Actor::ReplicaSetController
            }
            Action::RegisterNode { .. }
            | Action::ReportNodeReady { .. }
            | Action::RenewLease { .. }
            | Action::StartContainers { .. }
            | Action::RejectPod { .. }
            | Action::ReportStatus { .. }
            | Action::StopContainers { .. }
            | Action::FinishDeletion { .. }
            | Action::StartKubelet { .. } => Actor::Kubelet,
            Action::DecideNodeUpdate { .. }
            | Action::DecideEviction { .. }
            | Action::CollectOrphan { .. } => Actor::NodeLifecycle,
            Action::ExpireLease { .. } => Actor::Time,
            Action::ContainersExit { .. }
            | Action::FallBehind
            | Action::LoseBinding { .. }
            | Action::LoseAnswerToBinding { .. }
            | Action::LoseCreation { .. }
            | Action::LoseAnswerToCreation { .. }
            | Action::CrashScheduler
            | Action::CrashReplicaSetController
            | Action::CrashNodeLifecycle
            | Action::CrashKubelet { .. }
            | Action::CrashApiServer
            | Action::NodeDies { .. }
            | Action::NodeBoots { .. }
            | Action::DeadNodeIsDeleted { .. } => Actor::Fault,
        }
    }

    /// Why it is taken.
    pub fn cause(self) -> Cause {
        match (self.fault(), self.actor()) {
            (Some(fault), _) => Cause::Fault(fault),
            (None, Actor::Client | Actor::Fault) => Cause::Choice,
            (None, _) => Cause::Duty,
        }
    }

    /// The fault that it is, if it is one.
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever is new is no fault by default")]
    fn fault(self) -> Option<Fault> {
        match self {
            Action::CrashScheduler
            | Action::CrashReplicaSetController
            | Action::CrashNodeLifecycle
            | Action::CrashKubelet { .. }
            | Action::CrashApiServer => Some(Fault::Crash),
            Action::NodeDies { .. }
            | Action::NodeBoots { .. }
            | Action::DeadNodeIsDeleted { .. } => Some(Fault::Reboot),
            Action::LoseBinding { .. }
            | Action::LoseAnswerToBinding { .. }
            | Action::LoseCreation { .. }
            | Action::LoseAnswerToCreation { .. } => Some(Fault::LostRequest),
            Action::CommitLateBinding { .. } | Action::CommitLateCreation { .. } => {
                Some(Fault::LateRequest)
            }
            Action::FallBehind | Action::ListFromLaggingApiServer { .. } => {
                Some(Fault::StaleApiServer)
            }
            Action::ForceDeletePod { .. } => Some(Fault::ForceDelete),
            _ => None,
        }
    }

    /// The budget that it spends, where it happens a limited number of times.
    pub fn budget(self) -> Option<Budget> {
        Some(match self {
            Action::CreatePod { .. } => Budget::CreatePod,
            Action::DeletePod { .. } => Budget::DeletePod,
            Action::ForceDeletePod { .. } => Budget::ForceDelete,
            Action::CreateReplicaSet { .. } => Budget::CreateReplicaSet,
            Action::ScaleReplicaSet { .. } | Action::DeleteReplicaSet { .. } => Budget::Scale,
            Action::ContainersExit { .. } => Budget::ContainerExit,
            Action::LoseBinding { .. }
            | Action::LoseAnswerToBinding { .. }
            | Action::LoseCreation { .. }
            | Action::LoseAnswerToCreation { .. } => Budget::LostRequest,
            Action::CrashScheduler => Budget::SchedulerCrash,
            Action::CrashReplicaSetController => Budget::ReplicaSetControllerCrash,
            Action::CrashNodeLifecycle => Budget::NodeLifecycleCrash,
            Action::CrashKubelet { .. } => Budget::KubeletCrash,
            Action::CrashApiServer => Budget::ApiServerCrash,
            Action::NodeDies { .. } => Budget::NodeDeath,
            Action::NodeBoots { .. } => Budget::NodeBoot,
            Action::DeadNodeIsDeleted { .. } => Budget::NodeDeletion,
            Action::ListFromLaggingApiServer { .. } => Budget::StaleList,
            Action::FallBehind
            | Action::List { .. }
            | Action::Deliver { .. }
            | Action::Schedule { .. }
            | Action::FailToSchedule { .. }
            | Action::QueueAsUnschedulable { .. }
            | Action::CommitBinding { .. }
            | Action::FinishBinding { .. }
            | Action::CommitLateBinding { .. }
            | Action::SyncReplicaSet { .. }
            | Action::ChooseForDeletion { .. }
            | Action::CommitCreation { .. }
            | Action::CommitLateCreation { .. }
            | Action::CommitScaleDown { .. }
            | Action::RegisterNode { .. }
            | Action::ReportNodeReady { .. }
            | Action::RenewLease { .. }
            | Action::StartContainers { .. }
            | Action::RejectPod { .. }
            | Action::ReportStatus { .. }
            | Action::StopContainers { .. }
            | Action::FinishDeletion { .. }
            | Action::StartKubelet { .. }
            | Action::ExpireLease { .. }
            | Action::DecideNodeUpdate { .. }
            | Action::CommitNodeUpdate { .. }
            | Action::DecideEviction { .. }
            | Action::CommitEviction { .. }
            | Action::CollectOrphan { .. } => return None,
        })
    }
}
