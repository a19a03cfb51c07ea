//! The ReplicaSet controller: it counts what its cache shows, and waits for what it asked.
//!
//! A sync and each of the writes that follow it are steps of their own. Left out: the slow start
//! of its batches, adoption and release, status, `minReadySeconds`.

use super::budgets::Budget;
use super::ids::{PodId, SetId, Uid};
use super::objects::{Change, Event, Object, Phase, Pod};
use super::state::State;
use super::watch::Watcher;
use crate::packed;

/// The ReplicaSet controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplicaSetController<const PODS: usize, const SETS: usize> {
    /// What it waits for, by ReplicaSet.
    pub expectations: [Expectations; SETS],
    /// Deletions that it asked for, by Pod.
    pub deletions: [Deletion; PODS],
    /// Whether a crashed controller had sent a creation that may still arrive, by ReplicaSet.
    pub late_creations: [bool; SETS],
}

/// What a ReplicaSet's controller waits for before it counts again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Expectations {
    /// Pods that it asked for and has not seen. While there are any, the cache is too old to count.
    pub creations: u8,
    /// Of these, the requests that the API server has not handled yet.
    pub unsent: u8,
    /// Pods that a sync has found to be too many, and has not chosen yet.
    pub to_choose: u8,
}

impl Expectations {
    /// It waits for nothing.
    pub const NONE: Self = Expectations { creations: 0, unsent: 0, to_choose: 0 };
}

/// A deletion that the controller asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deletion {
    /// None.
    None,
    /// The request is on its way.
    Sent(SetId),
    /// It succeeded, and the cache does not show it yet.
    Expected(SetId),
}

impl<const PODS: usize, const SETS: usize> ReplicaSetController<PODS, SETS> {
    /// Just started.
    pub const EMPTY: Self = ReplicaSetController {
        expectations: [Expectations::NONE; SETS],
        deletions: [Deletion::None; PODS],
        late_creations: [false; SETS],
    };

    /// Whether it holds nothing about this Pod.
    pub fn forgot(&self, pod: PodId) -> bool {
        self.deletions[pod.index()] == Deletion::None
    }

    /// Whether everything it asked for this ReplicaSet has been seen.
    pub fn expectations_are_satisfied(&self, set: SetId) -> bool {
        let waits_for = |deletion: &Deletion| match deletion {
            Deletion::None => false,
            Deletion::Sent(of) | Deletion::Expected(of) => *of == set,
        };
        let expected = self.expectations[set.index()];
        expected == Expectations::NONE && !self.deletions.iter().any(waits_for)
    }

    fn observe_creation(&mut self, set: SetId) {
        let expected = &mut self.expectations[set.index()].creations;
        *expected = expected.saturating_sub(1);
    }

    fn creation_handled(&mut self, set: SetId) {
        self.expectations[set.index()].unsent -= 1;
    }
}

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    State<PODS, NODES, SETS, LOG>
{
    /// The controller compares a ReplicaSet with its Pods, and asks for what is missing or one
    /// too many. It does nothing while its expectations are not satisfied.
    pub fn sync_replica_set(&self, set: SetId) -> Option<Self> {
        let satisfied = self.replica_set_controller.expectations_are_satisfied(set);
        if satisfied { self.manage_replicas(set) } else { None }
    }

    /// The API server handles the creation of a Pod of this ReplicaSet.
    pub fn commit_creation(&self, set: SetId, pod: PodId) -> Option<Self> {
        self.unsent_creation(set)?;
        let mut next = self.free(pod)?.create_pod(pod, Some(set), None)?;
        next.replica_set_controller.creation_handled(set);
        Some(next)
    }

    /// The creation is lost on its way: the controller sees a timeout and expects one less.
    pub fn lose_creation(&self, set: SetId) -> Option<Self> {
        self.unsent_creation(set)?;
        let mut next = self.spend(Budget::LostRequest)?;
        next.replica_set_controller.creation_handled(set);
        next.replica_set_controller.observe_creation(set);
        Some(next)
    }

    /// The Pod is created and the answer is lost: the controller sees a timeout all the same.
    pub fn lose_answer_to_creation(&self, set: SetId, pod: PodId) -> Option<Self> {
        self.unsent_creation(set)?;
        let mut next =
            self.spend(Budget::LostRequest)?.free(pod)?.create_pod(pod, Some(set), None)?;
        next.replica_set_controller.creation_handled(set);
        next.replica_set_controller.observe_creation(set);
        Some(next)
    }

    /// A creation that a crashed controller had sent arrives at last.
    pub fn commit_late_creation(&self, set: SetId, pod: PodId) -> Option<Self> {
        if !self.replica_set_controller.late_creations[set.index()] {
            return None;
        }
        let mut next = self.free(pod)?.create_pod(pod, Some(set), None)?;
        next.replica_set_controller.late_creations[set.index()] = false;
        Some(next)
    }

    /// The API server handles the deletion of a Pod that the controller found to be too many.
    pub fn commit_scale_down(&self, pod: PodId) -> Option<Self> {
        let Deletion::Sent(set) = self.replica_set_controller.deletions[pod.index()] else {
            return None;
        };
        Some(match self.delete_pod(pod) {
            Some(deleted) => deleted.deletion_of(pod, Deletion::Expected(set)),
            None => self.deletion_of(pod, Deletion::None),
        })
    }

    /// The ReplicaSet controller crashes: its expectations are lost, what it sent last is not.
    pub fn crash_replica_set_controller(&self) -> Option<Self> {
        let mut next = self.spend(Budget::ReplicaSetControllerCrash)?;
        let before = self.replica_set_controller;
        next.replica_set_controller = ReplicaSetController::EMPTY;
        for set in SetId::all(SETS) {
            next.replica_set_controller.late_creations[set.index()] =
                before.late_creations[set.index()] || before.expectations[set.index()].unsent > 0;
        }
        next.stop_watching(Watcher::ReplicaSets);
        next.stop_watching(Watcher::ReplicaSetPods);
        Some(next)
    }

    /// Counts, and asks: the part of a sync that follows the look at the expectations.
    pub(super) fn manage_replicas(&self, set: SetId) -> Option<Self> {
        let wanted = usize::from(self.cache(Watcher::ReplicaSets)?.replica_set(set)?.replicas);
        let active: Vec<_> = self.cache(Watcher::ReplicaSetPods)?.active_pods_of(set).collect();
        let mut next = *self;
        if active.len() < wanted {
            let missing = (wanted - active.len()) as u8;
            let expected = &mut next.replica_set_controller.expectations[set.index()];
            *expected = Expectations { creations: missing, unsent: missing, to_choose: 0 };
            return Some(next);
        }
        let excess = active.len() - wanted;
        next.replica_set_controller.expectations[set.index()].to_choose = excess as u8;
        (excess > 0).then_some(next)
    }

    /// A sync that has found too many Pods chooses one to delete: one of the least useful, of which
    /// there may be several.
    pub fn choose_for_deletion(&self, set: SetId, pod: PodId) -> Option<Self> {
        let expected = self.replica_set_controller.expectations[set.index()];
        let to_choose = expected.to_choose.checked_sub(1)?;
        let cache = self.cache(Watcher::ReplicaSetPods)?;
        let deletions = self.replica_set_controller.deletions;
        let unchosen = |(id, _): &(PodId, Pod)| deletions[id.index()] == Deletion::None;
        let left: Vec<_> = cache.active_pods_of(set).filter(unchosen).collect();
        let chosen = left.iter().find(|(id, _)| *id == pod)?;
        if left.iter().any(|(_, other)| usefulness(other) < usefulness(&chosen.1)) {
            return None;
        }
        let mut next = *self;
        next.replica_set_controller.expectations[set.index()].to_choose = to_choose;
        next.replica_set_controller.deletions[pod.index()] = Deletion::Sent(set);
        Some(next)
    }

    /// Whether a sync is choosing what to delete. It goes by the cache as it was when it began.
    pub(super) fn is_choosing(&self) -> bool {
        self.replica_set_controller.expectations.iter().any(|expected| expected.to_choose > 0)
    }

    /// The controller's event handlers: an event that it expected is expected no longer.
    pub(super) fn replica_set_controller_handles(&mut self, event: &Event) {
        let Object::Pod(id, pod) = event.object else {
            return;
        };
        let Some(set) = pod.owner else { return };
        if event.change == Change::Added {
            self.replica_set_controller.observe_creation(set);
        }
        let gone = event.change == Change::Deleted || pod.deleting;
        let deletion = &mut self.replica_set_controller.deletions[id.index()];
        if gone && matches!(deletion, Deletion::Expected(_)) {
            *deletion = Deletion::None;
        }
    }

    fn unsent_creation(&self, set: SetId) -> Option<u8> {
        let unsent = self.replica_set_controller.expectations[set.index()].unsent;
        (unsent > 0).then_some(unsent)
    }

    fn deletion_of(mut self, pod: PodId, deletion: Deletion) -> Self {
        self.replica_set_controller.deletions[pod.index()] = deletion;
        self
    }

    /// This state, if the name is free: `generateName` never gives a name that is in use. Nobody
    /// remembers the uids that it had, so they are counted from the start again.
    fn free(&self, pod: PodId) -> Option<Self> {
        let mut next = *self;
        next.store.pod_uids[pod.index()] = Uid::NONE;
        self.is_free(pod).then_some(next)
    }
}

/// Pods are given up unbound before bound, waiting before running.
fn usefulness(pod: &Pod) -> (bool, bool) {
    (pod.node.is_some(), pod.phase == Phase::Running)
}

packed!(
    struct<const PODS: usize, const SETS: usize> ReplicaSetController<PODS, SETS> {
        expectations, deletions, late_creations
    }
);
packed!(struct Expectations { creations, unsent, to_choose });
packed!(
    enum Deletion {
        None,
        Sent(set),
        Expected(set),
    }
);
