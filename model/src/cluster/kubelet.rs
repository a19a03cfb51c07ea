//! A machine with its kubelet and containers: admission, start, stop, status.
//!
//! A status patch is one step, not request and answer: it says the same each time it is sent and
//! is sent until it succeeds, so losing it is the same as not having sent it yet. Left out:
//! restarts of a container that exited, probes, several containers in a Pod, static Pods.

use super::budgets::Budget;
use super::ids::{NodeId, PodId, Uid};
use super::objects::{Node, Phase, Pod};
use super::state::State;
use super::watch::Watcher;
use crate::packed;

/// A machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kubelet<const PODS: usize> {
    /// Whether the machine and its kubelet run.
    pub machine: Machine,
    /// What the container runtime holds for each Pod's name.
    pub containers: [Container; PODS],
    /// How many Pods it has room for.
    pub allocatable_pods: u8,
}

/// Whether a machine and its kubelet run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Machine {
    /// No power: nothing runs.
    Off,
    /// Containers run, their kubelet does not.
    KubeletDown,
    /// The kubelet has started and has not registered its Node yet.
    Registering,
    /// All is well.
    Running,
}

/// The containers of one Pod on one machine, as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// There are none.
    None,
    /// They run.
    Running(Uid),
    /// They ran to their end.
    Exited(Uid),
    /// The kubelet refused to run them (`OutOfpods`). In its memory only.
    Rejected(Uid),
}

impl Container {
    /// The Pod that they are of.
    pub fn uid(self) -> Option<Uid> {
        match self {
            Container::None => None,
            Container::Running(uid) | Container::Exited(uid) | Container::Rejected(uid) => {
                Some(uid)
            }
        }
    }
}

impl<const PODS: usize> Kubelet<PODS> {
    /// A machine without power.
    pub const OFF: Self =
        Kubelet { machine: Machine::Off, containers: [Container::None; PODS], allocatable_pods: 0 };

    /// Whether the kubelet runs and has registered.
    pub fn is_running(&self) -> bool {
        self.machine == Machine::Running
    }

    /// Whether containers of this Pod's name run.
    pub fn runs(&self, pod: PodId) -> bool {
        matches!(self.containers[pod.index()], Container::Running(_))
    }

    /// How many Pods run.
    pub fn running(&self) -> usize {
        self.containers.iter().filter(|held| matches!(held, Container::Running(_))).count()
    }

    /// Whether it holds nothing about this Pod.
    pub fn forgot(&self, pod: PodId) -> bool {
        self.containers[pod.index()] == Container::None
    }

    /// Whether one more Pod can be admitted. Only what runs takes room.
    pub fn has_room(&self) -> bool {
        self.running() < usize::from(self.allocatable_pods)
    }
}

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    State<PODS, NODES, SETS, LOG>
{
    /// The kubelet admits a Pod and starts its containers.
    pub fn start_containers(&self, node: NodeId, pod: PodId) -> Option<Self> {
        let object = self.pod_to_start(node, pod)?;
        let room = self.kubelets[node.index()].has_room();
        room.then(|| self.holding(node, pod, Container::Running(object.uid)))
    }

    /// The kubelet rejects a Pod that it has no room for.
    pub fn reject_pod(&self, node: NodeId, pod: PodId) -> Option<Self> {
        let object = self.pod_to_start(node, pod)?;
        let room = self.kubelets[node.index()].has_room();
        (!room).then(|| self.holding(node, pod, Container::Rejected(object.uid)))
    }

    /// The containers of a Pod run to their end.
    pub fn containers_exit(&self, node: NodeId, pod: PodId) -> Option<Self> {
        let Container::Running(uid) = self.container(node, pod) else {
            return None;
        };
        let next = self.spend(Budget::ContainerExit)?;
        Some(next.holding(node, pod, Container::Exited(uid)))
    }

    /// The kubelet writes the phase that it sees. A phase that is final stays.
    pub fn report_status(&self, node: NodeId, pod: PodId) -> Option<Self> {
        let uid = self.container(node, pod).uid()?;
        let phase = self.phase_to_report(node, pod);
        let object = self.pod(pod).filter(|object| object.uid == uid)?;
        if !self.has_synced(node) || object.terminated() || object.phase == phase {
            return None;
        }
        self.patch_pod_status(pod, uid, phase)
    }

    /// The phase that the kubelet sees. A Pod of which nothing is left has run to its end.
    pub(super) fn phase_to_report(&self, node: NodeId, pod: PodId) -> Phase {
        match self.container(node, pod) {
            Container::Running(_) => Phase::Running,
            Container::Exited(_) | Container::None => Phase::Succeeded,
            Container::Rejected(_) => Phase::Failed,
        }
    }

    /// The kubelet stops containers whose Pod is gone, replaced, or being deleted.
    pub fn stop_containers(&self, node: NodeId, pod: PodId) -> Option<Self> {
        let uid = self.container(node, pod).uid()?;
        let wanted =
            self.pod_on(node, pod)?.is_some_and(|object| object.uid == uid && !object.deleting);
        (!wanted).then(|| self.holding(node, pod, Container::None))
    }

    /// The kubelet confirms a deletion, once nothing of the Pod is left on its machine.
    pub fn finish_deletion(&self, node: NodeId, pod: PodId) -> Option<Self> {
        let object = self.pod_on(node, pod)?.filter(|object| object.deleting)?;
        let stopped = self.container(node, pod) == Container::None;
        if stopped { self.remove_pod(pod, object.uid) } else { None }
    }

    /// The kubelet creates its Node object when it starts, or finds it there.
    pub fn register_node(&self, node: NodeId) -> Option<Self> {
        let kubelet = self.kubelets[node.index()];
        if kubelet.machine != Machine::Registering {
            return None;
        }
        let mut next = self.create_node(node, kubelet.allocatable_pods).unwrap_or(*self);
        next.kubelets[node.index()].machine = Machine::Running;
        Some(next)
    }

    /// The kubelet writes the Ready condition of its Node. That counts as a sign of life, as a
    /// renewed Lease does.
    pub fn report_node_ready(&self, node: NodeId) -> Option<Self> {
        let object = self.node(node).filter(|object| !object.ready)?;
        if !self.kubelets[node.index()].is_running() {
            return None;
        }
        let mut next = self.update_node(node, Node { ready: true, ..object })?;
        next.leases[node.index()] = true;
        Some(next)
    }

    /// The kubelet renews the Lease of its Node. Renewing a fresh one changes nothing.
    pub fn renew_lease(&self, node: NodeId) -> Option<Self> {
        if !self.kubelets[node.index()].is_running() {
            return None;
        }
        let mut next = *self;
        next.leases[node.index()] = true;
        Some(next)
    }

    /// A kubelet that was down starts. It adopts the containers that run.
    pub fn start_kubelet(&self, node: NodeId) -> Option<Self> {
        if self.kubelets[node.index()].machine != Machine::KubeletDown {
            return None;
        }
        let mut next = *self;
        next.kubelets[node.index()].machine = Machine::Registering;
        Some(next)
    }

    /// A kubelet crashes: its containers run on, its memory is lost.
    pub fn crash_kubelet(&self, node: NodeId) -> Option<Self> {
        if self.kubelets[node.index()].machine != Machine::Running {
            return None;
        }
        let mut next = self.spend(Budget::KubeletCrash)?;
        let kubelet = &mut next.kubelets[node.index()];
        kubelet.machine = Machine::KubeletDown;
        for held in &mut kubelet.containers {
            if let Container::Rejected(_) = held {
                *held = Container::None;
            }
        }
        next.stop_watching(Watcher::Kubelet(node));
        Some(next)
    }

    /// The Pod to start: its kubelet's cache wants it here, and nothing of it is here.
    pub(super) fn pod_to_start(&self, node: NodeId, pod: PodId) -> Option<Pod> {
        let object = self.pod_on(node, pod)??;
        let absent = self.container(node, pod) == Container::None;
        (absent && object.active()).then_some(object)
    }

    /// The Pod of this name, if the kubelet's cache has it; nothing at all before the first list.
    pub(super) fn pod_on(&self, node: NodeId, pod: PodId) -> Option<Option<Pod>> {
        let cached = self.cached_pod(Watcher::Kubelet(node), pod)?;
        Some(cached.filter(|object| object.node == Some(node)))
    }

    pub(super) fn container(&self, node: NodeId, pod: PodId) -> Container {
        self.kubelets[node.index()].containers[pod.index()]
    }

    pub(super) fn holding(&self, node: NodeId, pod: PodId, container: Container) -> Self {
        let mut next = *self;
        next.kubelets[node.index()].containers[pod.index()] = container;
        next
    }

    pub(super) fn has_synced(&self, node: NodeId) -> bool {
        self.store.cursor(Watcher::Kubelet(node)).position().is_some()
    }
}

packed!(struct<const PODS: usize> Kubelet<PODS> { machine, containers, allocatable_pods });
packed!(
    enum Machine {
        Off,
        KubeletDown,
        Registering,
        Running,
    }
);
packed!(
    enum Container {
        None,
        Running(uid),
        Exited(uid),
        Rejected(uid),
    }
);
