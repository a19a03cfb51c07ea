//! What fails beside the components' own crashes, which stand in their files.
//!
//! A partition is not a step: a component that is cut off is one that takes no steps for a while,
//! and the checker tries that anyway.

use super::budgets::Budget;
use super::ids::{NodeId, PodId, SetId};
use super::kubelet::{Container, Machine};
use super::node_lifecycle::NodeLifecycle;
use super::replica_set::{Deletion, Expectations};
use super::scheduler::{Attempt, Stage};
use super::state::State;
use super::watch::Watcher;
use crate::history::Cursor;

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    State<PODS, NODES, SETS, LOG>
{
    /// A machine loses power: its containers and its kubelet's memory are gone.
    pub fn node_dies(&self, node: NodeId) -> Option<Self> {
        if self.kubelets[node.index()].machine == Machine::Off {
            return None;
        }
        let mut next = self.spend(Budget::NodeDeath)?;
        next.kubelets[node.index()].machine = Machine::Off;
        next.kubelets[node.index()].containers = [Container::None; PODS];
        next.stop_watching(Watcher::Kubelet(node));
        Some(next)
    }

    /// A dead machine boots; its kubelet starts later.
    pub fn node_boots(&self, node: NodeId) -> Option<Self> {
        if self.kubelets[node.index()].machine != Machine::Off {
            return None;
        }
        let mut next = self.spend(Budget::NodeBoot)?;
        next.kubelets[node.index()].machine = Machine::KubeletDown;
        Some(next)
    }

    /// The Node object of a dead machine is deleted, as a cloud's node controller does.
    pub fn dead_node_is_deleted(&self, node: NodeId) -> Option<Self> {
        if self.kubelets[node.index()].machine != Machine::Off {
            return None;
        }
        self.spend(Budget::NodeDeletion)?.delete_node(node)
    }

    /// An API server crashes: every request in flight fails without having been committed. Watches
    /// resume at their revision at another API server, so caches do not change.
    pub fn crash_api_server(&self) -> Option<Self> {
        let mut next = self.spend(Budget::ApiServerCrash)?;
        for pod in PodId::all(PODS) {
            next.requests_about_pod_fail(pod);
        }
        for set in SetId::all(SETS) {
            next.creations_fail(set);
        }
        next.node_lifecycle = NodeLifecycle::EMPTY;
        Some(next)
    }

    pub(super) fn stop_watching(&mut self, watcher: Watcher) {
        self.store.set_cursor(watcher, Cursor::OFF);
        self.store.settle();
    }

    fn requests_about_pod_fail(&mut self, pod: PodId) {
        if let Some(binding) = self.scheduler.sent(pod) {
            self.scheduler.attempts[pod.index()] = Attempt::Assumed(binding, Stage::Failed);
        }
        self.scheduler.late_bindings[pod.index()] = None;
        let deletion = &mut self.replica_set_controller.deletions[pod.index()];
        if let Deletion::Sent(_) = deletion {
            *deletion = Deletion::None;
        }
    }

    fn creations_fail(&mut self, set: SetId) {
        let controller = &mut self.replica_set_controller;
        let Expectations { creations, unsent, to_choose } = controller.expectations[set.index()];
        let creations = creations.saturating_sub(unsent);
        controller.expectations[set.index()] = Expectations { creations, unsent: 0, to_choose };
        controller.late_creations[set.index()] = false;
    }
}
