//! What the kubelet sees, and what it would report.

use super::{Container, Event, Objects, Phase, Pod, State, Work, Worker};

impl Worker {
    /// The kubelet does not know the Pod.
    pub const NONE: Self = Worker { work: Work::None, backing_off: false, ready: None };

    /// Whether the kubelet counts the Pod at admission.
    pub fn holds(&self) -> bool {
        matches!(self.work, Work::Syncing | Work::Terminating)
    }
}

impl Container {
    /// Whether it runs or is about to.
    pub fn is_live(self) -> bool {
        matches!(self, Container::Created | Container::Running { .. })
    }
}

/// Whether the kubelet starts a container of this Pod again: the `restartPolicy` of the first Pod
/// is OnFailure, that of the second Never.
pub(super) fn restarts(pod: u8, success: bool) -> bool {
    pod == 0 && !success
}

impl State {
    /// What the kubelet has read. It has listed before anything happens.
    pub fn informed(&self) -> Objects {
        self.store.cache(0).unwrap_or(self.store.base)
    }

    /// The Pod in the store.
    pub fn object(&self, pod: u8) -> Option<Pod> {
        self.store.now().pods[usize::from(pod)]
    }

    /// The Pod that the kubelet knows.
    pub(super) fn known(&self, pod: u8) -> Option<Pod> {
        self.informed().pods[usize::from(pod)]
    }

    pub(super) fn container(&self, pod: u8) -> Container {
        self.containers[usize::from(pod)]
    }

    pub(super) fn worker(&self, pod: u8) -> Worker {
        self.workers[usize::from(pod)]
    }

    /// Whether the container has ended, and is not started again.
    pub(super) fn has_ended(&self, pod: u8) -> bool {
        match self.container(pod) {
            Container::Exited { success } => !restarts(pod, success),
            Container::None | Container::Created | Container::Running { .. } => false,
        }
    }

    /// The status that the kubelet would report of a Pod whose last status is known (`getPhase` and
    /// `UpdatePodStatus`). A final phase waits until nothing runs and nothing will.
    pub(super) fn status(&self, pod: u8) -> Option<Pod> {
        let last = self.object(pod)?;
        let (phase, ready) = match (self.worker(pod).work, self.container(pod)) {
            (Work::None, _) => return None,
            (Work::Rejected, _) => (Phase::Failed, false),
            (Work::Terminated, Container::Exited { success: true }) => (Phase::Succeeded, false),
            (Work::Terminated, _) => (Phase::Failed, false),
            (Work::Syncing | Work::Terminating, Container::Running { reported, .. }) => {
                (Phase::Running, self.worker(pod).ready.unwrap_or(last.ready && reported))
            }
            (Work::Syncing | Work::Terminating, _) => (last.phase, false),
        };
        let phase = if last.phase.is_terminal() { last.phase } else { phase };
        Some(Pod { phase, ready, ..last })
    }

    /// The store after a report, if it says anything new.
    pub(super) fn reporting(&self, pod: u8, status: Pod) -> Option<Self> {
        let names_another =
            matches!(self.container(pod), Container::Running { reported: false, .. });
        let news = self.object(pod)? != status || names_another;
        let mut next = *self;
        if let Container::Running { reported, .. } = &mut next.containers[usize::from(pod)] {
            *reported = true;
        }
        let event = Event { pod, object: Some(status), of_status: true };
        (news && self.known(pod).is_some()).then(|| next.written(event))
    }

    /// The state with another pod worker, which does this work now.
    pub(super) fn working(&self, pod: u8, work: Work) -> Self {
        let mut next = *self;
        next.workers[usize::from(pod)].work = work;
        next
    }

    pub(super) fn holding(&self, pod: u8, container: Container) -> Self {
        let mut next = *self;
        next.containers[usize::from(pod)] = container;
        next
    }

    pub(super) fn written(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}
