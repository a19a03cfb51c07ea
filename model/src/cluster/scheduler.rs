//! kube-scheduler: it reads its caches, assumes, binds, and learns what became of it.
//!
//! A Binding in flight is state: decided from one cache, committed later by the API server, its
//! answer read later still. Left out: priorities, preemption, every plugin but resources fit,
//! unschedulable and taints; backoff; and the timer that retries unschedulable Pods after five
//! minutes, so that a wake-up that is lost stays lost.

use super::budgets::Budget;
use super::ids::{NodeId, PodId, Uid};
use super::objects::{Change, Event, Object, Objects, Phase, Pod};
use super::state::State;
use super::watch::Watcher;
use crate::packed;
use serde::Serialize;

/// kube-scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scheduler<const PODS: usize> {
    /// What it is doing about each Pod.
    pub attempts: [Attempt; PODS],
    /// Bindings that a crashed scheduler had sent, and that may still arrive.
    pub late_bindings: [Option<Binding>; PODS],
}

/// What the scheduler is doing about a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// Nothing. If its cache says that the Pod waits, it is in the active queue.
    None,
    /// It found no Node that fits, and is about to queue the Pod as unschedulable.
    Failing {
        /// Whether something that may help happened meanwhile.
        moved: bool,
    },
    /// The Pod waits for an event that may help.
    Unschedulable,
    /// It assumes that the Pod is on the Node, and tells the API server so.
    Assumed(Binding, Stage),
}

/// `POST …/pods/NAME/binding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Binding {
    /// `metadata.uid` of the Pod it was decided for.
    pub uid: Uid,
    /// `target.name`.
    pub node: NodeId,
}

/// How far a Binding has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Stage {
    /// The request is on its way.
    Sent,
    /// Committed; the answer is on its way.
    Created,
    /// Refused or timed out; the answer is on its way.
    Failed,
    /// The answer said created. It is assumed until the cache shows it.
    Confirmed,
}

impl<const PODS: usize> Scheduler<PODS> {
    /// Just started.
    pub const EMPTY: Self =
        Scheduler { attempts: [Attempt::None; PODS], late_bindings: [None; PODS] };

    /// Whether it holds nothing about this Pod.
    pub fn forgot(&self, pod: PodId) -> bool {
        self.attempts[pod.index()] == Attempt::None && self.late_bindings[pod.index()].is_none()
    }

    /// The Binding of this Pod that is on its way to the API server.
    pub fn sent(&self, pod: PodId) -> Option<Binding> {
        match self.attempts[pod.index()] {
            Attempt::Assumed(binding, Stage::Sent) => Some(binding),
            Attempt::None
            | Attempt::Failing { .. }
            | Attempt::Unschedulable
            | Attempt::Assumed(_, Stage::Created | Stage::Failed | Stage::Confirmed) => None,
        }
    }

    /// Wakes what waits: something happened that may make a Pod fit.
    pub fn move_all_to_active_queue(&mut self) {
        for attempt in &mut self.attempts {
            match attempt {
                Attempt::Failing { moved } => *moved = true,
                Attempt::Unschedulable => *attempt = Attempt::None,
                Attempt::None | Attempt::Assumed(..) => {}
            }
        }
    }

    pub(super) fn set(&mut self, pod: PodId, attempt: Attempt) {
        self.attempts[pod.index()] = attempt;
    }
}

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    State<PODS, NODES, SETS, LOG>
{
    /// Picks this Node for this Pod, assumes it there and sends the Binding.
    pub fn schedule(&self, pod: PodId, node: NodeId) -> Option<Self> {
        let object = self.next_to_schedule(pod)?;
        if !self.fits(node)? {
            return None;
        }
        Some(self.assumed(pod, Binding { uid: object.uid, node }))
    }

    /// Finds no Node for this Pod.
    pub fn fail_to_schedule(&self, pod: PodId) -> Option<Self> {
        self.next_to_schedule(pod)?;
        for node in NodeId::all(NODES) {
            if self.fits(node)? {
                return None;
            }
        }
        Some(self.attempting(pod, Attempt::Failing { moved: false }))
    }

    /// Queues the Pod as unschedulable; or as active, if something happened since the attempt.
    pub fn queue_as_unschedulable(&self, pod: PodId) -> Option<Self> {
        match self.scheduler.attempts[pod.index()] {
            Attempt::Failing { moved: true } => Some(self.attempting(pod, Attempt::None)),
            Attempt::Failing { moved: false } => Some(self.attempting(pod, Attempt::Unschedulable)),
            Attempt::None | Attempt::Unschedulable | Attempt::Assumed(..) => None,
        }
    }

    /// The API server handles a Binding.
    pub fn commit_binding(&self, pod: PodId) -> Option<Self> {
        let binding = self.scheduler.sent(pod)?;
        Some(match self.create_binding(pod, binding.uid, binding.node) {
            Some(bound) => bound.attempting(pod, Attempt::Assumed(binding, Stage::Created)),
            None => self.attempting(pod, Attempt::Assumed(binding, Stage::Failed)),
        })
    }

    /// A Binding is lost on its way; the scheduler will see a timeout.
    pub fn lose_binding(&self, pod: PodId) -> Option<Self> {
        let binding = self.scheduler.sent(pod)?;
        let next = self.spend(Budget::LostRequest)?;
        Some(next.attempting(pod, Attempt::Assumed(binding, Stage::Failed)))
    }

    /// A Binding is committed and its answer is lost; the scheduler will see a timeout.
    pub fn lose_answer_to_binding(&self, pod: PodId) -> Option<Self> {
        let binding = self.scheduler.sent(pod)?;
        let next = self.spend(Budget::LostRequest)?;
        let bound = next.create_binding(pod, binding.uid, binding.node)?;
        Some(bound.attempting(pod, Attempt::Assumed(binding, Stage::Failed)))
    }

    /// The scheduler reads the answer: it keeps the Pod assumed, or forgets it and tries again.
    pub fn finish_binding(&self, pod: PodId) -> Option<Self> {
        let Attempt::Assumed(binding, stage) = self.scheduler.attempts[pod.index()] else {
            return None;
        };
        match stage {
            Stage::Sent | Stage::Confirmed => None,
            Stage::Created if self.still_waits(pod, binding.uid)? => {
                Some(self.attempting(pod, Attempt::Assumed(binding, Stage::Confirmed)))
            }
            Stage::Created => Some(self.attempting(pod, Attempt::None)),
            Stage::Failed => {
                let mut next = self.attempting(pod, Attempt::None);
                next.scheduler.move_all_to_active_queue();
                Some(next)
            }
        }
    }

    /// A Binding that a crashed scheduler had sent arrives at last.
    pub fn commit_late_binding(&self, pod: PodId) -> Option<Self> {
        let binding = self.scheduler.late_bindings[pod.index()]?;
        let mut next = self.create_binding(pod, binding.uid, binding.node).unwrap_or(*self);
        next.scheduler.late_bindings[pod.index()] = None;
        Some(next)
    }

    /// kube-scheduler crashes: it forgets everything, but what it sent is on its way.
    pub fn crash_scheduler(&self) -> Option<Self> {
        let mut next = self.spend(Budget::SchedulerCrash)?;
        for pod in PodId::all(PODS) {
            if let Some(binding) = self.scheduler.sent(pod) {
                next.scheduler.late_bindings[pod.index()] = Some(binding);
            }
            next.scheduler.set(pod, Attempt::None);
        }
        next.stop_watching(Watcher::SchedulerPods);
        next.stop_watching(Watcher::SchedulerNodes);
        Some(next)
    }

    /// The Pod, if the scheduler's cache says that it waits and nothing is being done about it.
    pub(super) fn next_to_schedule(&self, pod: PodId) -> Option<Pod> {
        if self.scheduler.attempts[pod.index()] != Attempt::None {
            return None;
        }
        self.cached_pod(Watcher::SchedulerPods, pod)?.filter(waits)
    }

    /// Whether, as the scheduler sees it, one more Pod fits on this Node.
    pub(super) fn fits(&self, node: NodeId) -> Option<bool> {
        let pods = self.cache(Watcher::SchedulerPods)?;
        let Some(object) = self.cached_node(Watcher::SchedulerNodes, node)? else {
            return Some(false);
        };
        let used = pods.pods_on(node) + self.assumed_on(node, &pods);
        let free = used < usize::from(object.allocatable_pods);
        Some(object.ready && !object.unreachable && free)
    }

    /// The scheduler's event handlers.
    pub(super) fn scheduler_handles(&mut self, event: &Event) {
        match event.object {
            Object::Pod(id, pod) => {
                if event.change == Change::Deleted || pod.node.is_some() {
                    self.scheduler_forgets(id, pod.uid);
                }
                if event.change == Change::Deleted || pod.terminated() {
                    self.scheduler.move_all_to_active_queue();
                }
            }
            Object::Node(..) => self.scheduler.move_all_to_active_queue(),
            Object::ReplicaSet(..) => {}
        }
    }

    pub(super) fn assumed(&self, pod: PodId, binding: Binding) -> Self {
        self.attempting(pod, Attempt::Assumed(binding, Stage::Sent))
    }

    pub(super) fn attempting(&self, pod: PodId, attempt: Attempt) -> Self {
        let mut next = *self;
        next.scheduler.set(pod, attempt);
        next
    }

    /// The cache now knows what became of this Pod: nothing is left to assume or to queue.
    fn scheduler_forgets(&mut self, pod: PodId, uid: Uid) {
        match self.scheduler.attempts[pod.index()] {
            Attempt::Failing { .. } | Attempt::Unschedulable => {
                self.scheduler.set(pod, Attempt::None);
            }
            Attempt::Assumed(binding, Stage::Confirmed) if binding.uid == uid => {
                self.scheduler.set(pod, Attempt::None);
            }
            Attempt::None | Attempt::Assumed(..) => {}
        }
    }

    /// Pods that are assumed on this Node and that the cache does not show there.
    fn assumed_on(&self, node: NodeId, cache: &Objects<PODS, NODES, SETS>) -> usize {
        PodId::all(PODS)
            .filter(|pod| match self.scheduler.attempts[pod.index()] {
                Attempt::Assumed(binding, _) => {
                    let known = cache.pod(*pod).filter(|object| object.uid == binding.uid);
                    binding.node == node && known.is_some_and(|object| object.node.is_none())
                }
                Attempt::None | Attempt::Failing { .. } | Attempt::Unschedulable => false,
            })
            .count()
    }

    fn still_waits(&self, pod: PodId, uid: Uid) -> Option<bool> {
        let object = self.cached_pod(Watcher::SchedulerPods, pod)?;
        Some(object.is_some_and(|object| object.uid == uid && object.node.is_none()))
    }
}

/// Whether a Pod is the scheduler's business.
fn waits(pod: &Pod) -> bool {
    pod.node.is_none() && !pod.deleting && pod.phase == Phase::Pending
}

packed!(struct<const PODS: usize> Scheduler<PODS> { attempts, late_bindings });
packed!(enum Attempt { None, Failing { moved }, Unschedulable, Assumed(binding, stage) });
packed!(struct Binding { uid, node });
packed!(
    enum Stage {
        Sent,
        Created,
        Failed,
        Confirmed,
    }
);
