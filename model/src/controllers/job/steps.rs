//! The steps by name, and those of who ends, deletes and collects the Job and its Pods.

use super::objects::{Event, Job, Phase, Pod};
use super::{Action, Budgets, State};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverJob => state.deliver_job(),
            Action::DeliverPod => state.deliver_pod(),
            Action::SyncJob => state.sync_job(),
            Action::Commit => state.commit(),
            Action::LoseAnswer => state.lose_answer(),
            Action::SyncOrphanPod { pod } => state.sync_orphan_pod(pod),
            Action::CommitOrphanPatch { pod } => state.commit_orphan_patch(pod),
            Action::Succeed { pod } => state.end(pod, Phase::Succeeded),
            Action::Fail { pod } => state.fail(pod),
            Action::CollectPod { pod } => state.collect_pod(pod),
            Action::OrphanPod { pod } => state.orphan_pod(pod),
            Action::FinishOrphaning => state.finish_orphaning(),
            Action::DeletePod { pod } => state.delete_pod(pod),
            Action::DeleteJob { orphans } => state.delete_job(orphans),
            Action::Crash => state.crash(),
        }
    }
}

impl State {
    /// A container ends, and the kubelet says how. One that is being deleted fails.
    pub fn end(&self, number: u8, phase: Phase) -> Option<Self> {
        let pod = self.pod(number).filter(|pod| pod.phase == Phase::Running)?;
        let phase = if pod.deleting { Phase::Failed } else { phase };
        Some(self.put_pod(number, Pod { phase, ..pod }))
    }

    /// A container fails.
    pub fn fail(&self, number: u8) -> Option<Self> {
        let mishaps = self.budgets.mishaps.checked_sub(1)?;
        self.pod(number).filter(|pod| !pod.deleting)?;
        let next = self.end(number, Phase::Failed)?;
        Some(State { budgets: Budgets { mishaps, ..self.budgets }, ..next })
    }

    /// The garbage collector deletes a Pod whose Job is gone.
    pub fn collect_pod(&self, number: u8) -> Option<Self> {
        let orphaned = self.store.now().job.is_none();
        self.pod(number).filter(|pod| orphaned && pod.owned)?;
        self.marked_deleted(number)
    }

    /// The garbage collector takes the Job out of a Pod's ownerReferences.
    pub fn orphan_pod(&self, number: u8) -> Option<Self> {
        self.store.now().job.filter(|job| job.orphans)?;
        let pod = self.pod(number).filter(|pod| pod.owned)?;
        Some(self.put_pod(number, Pod { owned: false, ..pod }))
    }

    /// The garbage collector removes the finalizer `orphan`, and the Job goes.
    pub fn finish_orphaning(&self) -> Option<Self> {
        let objects = self.store.now();
        objects.job.filter(|job| job.orphans)?;
        let orphaned = objects.pods_of_job().next().is_none();
        orphaned.then(|| self.write(Event::Job(None)))
    }

    /// A client deletes a Pod.
    pub fn delete_pod(&self, number: u8) -> Option<Self> {
        let mishaps = self.budgets.mishaps.checked_sub(1)?;
        let next = self.marked_deleted(number)?;
        Some(State { budgets: Budgets { mishaps, ..self.budgets }, ..next })
    }

    /// A client deletes the Job; its Pods are collected in the background, or become orphans.
    pub fn delete_job(&self, orphans: bool) -> Option<Self> {
        let job_deletions = self.budgets.job_deletions.checked_sub(1)?;
        let job = self.store.now().job.filter(|job| !job.orphans)?;
        let after = orphans.then_some(Job { orphans, ..job });
        let budgets = Budgets { job_deletions, ..self.budgets };
        Some(State { budgets, ..self.write(Event::Job(after)) })
    }

    pub(super) fn released(&self, number: u8) -> Option<Self> {
        let pod = self.pod(number).filter(|pod| pod.finalizer)?;
        Some(self.put_pod(number, Pod { finalizer: false, ..pod }))
    }

    pub(super) fn marked_deleted(&self, number: u8) -> Option<Self> {
        let pod = self.pod(number).filter(|pod| !pod.deleting)?;
        Some(self.put_pod(number, Pod { deleting: true, ..pod }))
    }

    pub(super) fn pod(&self, number: u8) -> Option<Pod> {
        self.store.now().pods[usize::from(number)]
    }

    /// Writes a Pod. It goes when it is being deleted and nothing keeps it.
    pub(super) fn put_pod(&self, number: u8, pod: Pod) -> Self {
        let was_active = self.pod(number).is_none_or(|pod| pod.is_active());
        let ended = self.ended + u8::from(was_active && !pod.is_active());
        let next = self.write(Event::Pod(number, (!pod.is_gone()).then_some(pod)));
        State { ended, ..next }.forgetting()
    }

    /// When the Job is gone, nobody asks any more how many Pods it had.
    fn forgetting(self) -> Self {
        let tracked = self.store.now().job.is_some_and(|job| !job.orphans);
        State { ended: if tracked { self.ended } else { 0 }, ..self }
    }

    pub(super) fn write(&self, event: Event) -> Self {
        let mut next = *self;
        next.store.write(event);
        next.forgetting()
    }
}
