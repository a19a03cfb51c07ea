//! What can happen in a cluster: the steps of each of its components, possible now or not.

use super::action::Action;
use super::ids::{NodeId, PodId, SetId};
use super::node_lifecycle::NodeChange;
use super::scenario::{Cluster, watchers};
use super::watch::Watcher;

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    Cluster<PODS, NODES, SETS, LOG>
{
    pub(super) fn pods(&self) -> impl Iterator<Item = PodId> + Clone + use<PODS, NODES, SETS, LOG> {
        PodId::all(self.pods)
    }

    fn nodes(&self) -> impl Iterator<Item = NodeId> + Clone + use<PODS, NODES, SETS, LOG> {
        NodeId::all(self.nodes)
    }

    /// Everything that its components, its clients and faults may do.
    pub(super) fn possible(&self) -> Vec<Action> {
        let mut actions = self.client_actions();
        for watcher in watchers(self.components, self.nodes) {
            if watcher != Watcher::LaggingApiServer {
                actions.push(Action::Deliver { watcher });
                actions.push(Action::List { watcher });
                actions.push(Action::ListFromLaggingApiServer { watcher });
            }
        }
        if self.at_own_pace {
            actions.push(Action::Deliver { watcher: Watcher::LaggingApiServer });
        } else if self.components.lagging_api_server {
            actions.push(Action::FallBehind);
        }
        if self.components.scheduler {
            actions.extend(self.scheduler_actions());
        }
        if self.components.replica_set_controller {
            actions.extend(self.replica_set_actions());
        }
        if self.components.kubelets {
            actions.extend(self.kubelet_actions());
        }
        if self.components.node_lifecycle {
            actions.extend(self.node_lifecycle_actions());
        }
        actions.push(Action::CrashApiServer);
        actions
    }

    fn client_actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        for pod in self.pods() {
            actions.extend([Action::DeletePod { pod }, Action::ForceDeletePod { pod }]);
            if self.components.scheduler {
                actions.push(Action::CreatePod { pod, node: None });
            } else {
                actions
                    .extend(self.nodes().map(|node| Action::CreatePod { pod, node: Some(node) }));
            }
        }
        for set in SetId::all(SETS) {
            for replicas in 0..=self.replicas_max {
                actions.push(Action::ScaleReplicaSet { set, replicas });
            }
            actions.push(Action::CreateReplicaSet { set, replicas: self.replicas_max });
        }
        actions
    }

    fn scheduler_actions(&self) -> Vec<Action> {
        let mut actions = vec![Action::CrashScheduler];
        for pod in self.pods() {
            actions.extend(self.nodes().map(|node| Action::Schedule { pod, node }));
            actions.extend([
                Action::FailToSchedule { pod },
                Action::QueueAsUnschedulable { pod },
                Action::CommitBinding { pod },
                Action::LoseBinding { pod },
                Action::LoseAnswerToBinding { pod },
                Action::FinishBinding { pod },
                Action::CommitLateBinding { pod },
            ]);
        }
        actions
    }

    fn replica_set_actions(&self) -> Vec<Action> {
        let mut actions = vec![Action::CrashReplicaSetController];
        for set in SetId::all(SETS) {
            actions.extend([Action::SyncReplicaSet { set }, Action::LoseCreation { set }]);
            for pod in self.pods() {
                actions.extend([
                    Action::ChooseForDeletion { set, pod },
                    Action::CommitCreation { set, pod },
                    Action::LoseAnswerToCreation { set, pod },
                    Action::CommitLateCreation { set, pod },
                ]);
            }
        }
        actions.extend(self.pods().map(|pod| Action::CommitScaleDown { pod }));
        actions
    }

    fn kubelet_actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        for node in self.nodes() {
            actions.extend([
                Action::RegisterNode { node },
                Action::ReportNodeReady { node },
                Action::RenewLease { node },
                Action::StartKubelet { node },
                Action::CrashKubelet { node },
                Action::NodeDies { node },
                Action::NodeBoots { node },
                Action::DeadNodeIsDeleted { node },
            ]);
            for pod in self.pods() {
                actions.extend([
                    Action::StartContainers { node, pod },
                    Action::RejectPod { node, pod },
                    Action::ContainersExit { node, pod },
                    Action::ReportStatus { node, pod },
                    Action::StopContainers { node, pod },
                    Action::FinishDeletion { node, pod },
                ]);
            }
        }
        actions
    }

    fn node_lifecycle_actions(&self) -> Vec<Action> {
        let mut actions = vec![Action::CrashNodeLifecycle];
        for node in self.nodes() {
            let decide = |change| Action::DecideNodeUpdate { node, change };
            actions.extend(NodeChange::ALL.map(decide));
            actions.extend([Action::ExpireLease { node }, Action::CommitNodeUpdate { node }]);
        }
        for pod in self.pods() {
            actions.extend([
                Action::DecideEviction { pod },
                Action::CommitEviction { pod },
                Action::CollectOrphan { pod },
            ]);
        }
        actions
    }
}
