//! The steps of pod workers.

use super::kubelet::restarts;
use super::{Action, Budgets, Container, Event, PODS, Phase, Pod, State, Work, Worker};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::PlacePod { pod } => state.place_pod(pod),
            Action::DeletePod { pod } => state.delete_pod(pod),
            Action::Deliver => state.deliver(),
            Action::StartWorker { pod } => state.start_worker(pod),
            Action::CreateContainer { pod } => state.create_container(pod),
            Action::StartContainer { pod } => state.start_container(pod),
            Action::Probe { pod } => state.probe(pod),
            Action::Exit { pod, success } => state.exit(pod, success),
            Action::EndBackoff { pod } => state.end_backoff(pod),
            Action::BeginTermination { pod } => state.begin_termination(pod),
            Action::StopContainer { pod } => state.stop_container(pod),
            Action::FinishTermination { pod } => state.finish_termination(pod),
            Action::ReportStatus { pod } => state.report_status(pod),
            Action::FinishDeletion { pod } => state.finish_deletion(pod),
            Action::Forget { pod } => state.forget(pod),
            Action::Crash => state.crash(),
            Action::Reboot => state.reboot(),
        }
    }
}

impl State {
    /// A Pod is placed on the Node, once no other is there or the others have a final phase.
    pub fn place_pod(&self, pod: u8) -> Option<Self> {
        let mut next = *self;
        let placed = std::mem::replace(&mut next.placed[usize::from(pod)], true);
        let pods = self.store.now().pods;
        let free = pods.iter().flatten().all(|object| object.phase.is_terminal());
        let object = Some(Pod { phase: Phase::Pending, ready: false, deleting: false });
        let event = Event { pod, object, of_status: false };
        (free && !placed).then(|| next.written(event))
    }

    /// A client deletes a Pod. It stays until the kubelet confirms that nothing of it is left.
    pub fn delete_pod(&self, pod: u8) -> Option<Self> {
        let deletions = self.budgets.deletions.checked_sub(1)?;
        let next = State { budgets: Budgets { deletions, ..self.budgets }, ..*self };
        let object = self.object(pod).filter(|object| !object.deleting)?;
        let object = Some(Pod { deleting: true, ..object });
        Some(next.written(Event { pod, object, of_status: false }))
    }

    /// The kubelet gets the next event.
    pub fn deliver(&self) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(0)?;
        Some(next)
    }

    /// The kubelet starts a pod worker for a Pod that it has none for. It admits the Pod if it has
    /// room. A container that has run, and of which the runtime has no record, has ended badly.
    pub fn start_worker(&self, pod: u8) -> Option<Self> {
        let object = self.known(pod)?;
        if self.worker(pod).work != Work::None {
            return None;
        }
        let lost = object.phase == Phase::Running && self.container(pod) == Container::None;
        let held = if lost { Container::Exited { success: false } } else { self.container(pod) };
        let has_room = self.workers.iter().all(|worker| !worker.holds());
        let work = match (object.phase.is_terminal(), object.deleting, has_room) {
            (true, _, _) => Work::Terminated,
            (false, true, _) => Work::Terminating,
            (false, false, true) => Work::Syncing,
            (false, false, false) => Work::Rejected,
        };
        Some(self.holding(pod, held).working(pod, work))
    }

    /// The kubelet creates a container where there is none, or where the last one is to be
    /// followed by another and its backoff is over.
    pub fn create_container(&self, pod: u8) -> Option<Self> {
        let worker = self.worker(pod);
        let due = match self.container(pod) {
            Container::None => true,
            Container::Exited { success } => restarts(pod, success) && !worker.backing_off,
            Container::Created | Container::Running { .. } => false,
        };
        let syncs = worker.work == Work::Syncing;
        (syncs && due).then(|| self.holding(pod, Container::Created))
    }

    /// The kubelet starts the container. It is not ready until a probe says so.
    pub fn start_container(&self, pod: u8) -> Option<Self> {
        let syncs = self.worker(pod).work == Work::Syncing;
        if syncs { self.started(pod) } else { None }
    }

    /// The readiness probe succeeds.
    pub fn probe(&self, pod: u8) -> Option<Self> {
        let worker = self.worker(pod);
        let Container::Running { reported, .. } = self.container(pod) else {
            return None;
        };
        let due = worker.work == Work::Syncing && worker.ready != Some(true);
        let mut next = self.holding(pod, Container::Running { probed: true, reported });
        next.workers[usize::from(pod)].ready = Some(true);
        due.then_some(next)
    }

    /// The container ends by itself.
    pub fn exit(&self, pod: u8, success: bool) -> Option<Self> {
        let exits = self.budgets.exits.checked_sub(1)?;
        let runs = matches!(self.container(pod), Container::Running { .. });
        let mut next = self.holding(pod, Container::Exited { success });
        next.workers[usize::from(pod)].backing_off = self.worker(pod).work == Work::Syncing;
        runs.then_some(State { budgets: Budgets { exits, ..self.budgets }, ..next })
    }

    /// The time of the backoff is over.
    pub fn end_backoff(&self, pod: u8) -> Option<Self> {
        let mut next = *self;
        let due = std::mem::take(&mut next.workers[usize::from(pod)].backing_off);
        due.then_some(next)
    }

    /// A pod worker stops what it has: the Pod is being deleted or gone, or its container has ended
    /// for good.
    pub fn begin_termination(&self, pod: u8) -> Option<Self> {
        let wanted = self.known(pod).is_some_and(|object| !object.deleting);
        let syncs = self.worker(pod).work == Work::Syncing;
        let ends = syncs && (!wanted || self.has_ended(pod));
        ends.then(|| self.working(pod, Work::Terminating))
    }

    /// The container has been killed.
    pub fn stop_container(&self, pod: u8) -> Option<Self> {
        let stops = self.worker(pod).work == Work::Terminating && self.container(pod).is_live();
        stops.then(|| self.holding(pod, Container::Exited { success: false }))
    }

    /// Nothing of the Pod runs any more.
    pub fn finish_termination(&self, pod: u8) -> Option<Self> {
        let stopped = !self.container(pod).is_live();
        let ends = stopped && self.worker(pod).work == Work::Terminating;
        ends.then(|| self.working(pod, Work::Terminated))
    }

    /// The kubelet writes the status of a Pod. It says the same until it succeeds, so that a lost
    /// write is one that was not sent yet.
    pub fn report_status(&self, pod: u8) -> Option<Self> {
        self.reporting(pod, self.status(pod)?)
    }

    /// The kubelet confirms a deletion, once the final phase is in the store.
    pub fn finish_deletion(&self, pod: u8) -> Option<Self> {
        self.known(pod).filter(|object| object.deleting)?;
        let done = matches!(self.worker(pod).work, Work::Terminated | Work::Rejected);
        let reported = self.object(pod).is_some_and(|object| object.phase.is_terminal());
        let event = Event { pod, object: None, of_status: false };
        (done && reported).then(|| self.written(event))
    }

    /// The kubelet removes what is left of a Pod that is gone.
    pub fn forget(&self, pod: u8) -> Option<Self> {
        let gone = self.known(pod).is_none() && !self.worker(pod).holds();
        let mut next = self.holding(pod, Container::None);
        next.workers[usize::from(pod)] = Worker::NONE;
        (gone && next != *self && !self.container(pod).is_live()).then_some(next)
    }

    /// The kubelet crashes and starts again. Containers stay; it lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let next = State { budgets: Budgets { crashes, ..self.budgets }, ..*self };
        Some(next.restarted())
    }

    /// The machine boots. Nothing runs, and the runtime has no records.
    pub fn reboot(&self) -> Option<Self> {
        let reboots = self.budgets.reboots.checked_sub(1)?;
        let budgets = Budgets { reboots, ..self.budgets };
        let next = State { budgets, containers: [Container::None; PODS], ..*self };
        Some(next.restarted())
    }

    /// The container that was created runs.
    pub(super) fn started(&self, pod: u8) -> Option<Self> {
        let created = self.container(pod) == Container::Created;
        let mut next = self.holding(pod, Container::Running { probed: false, reported: false });
        next.workers[usize::from(pod)].ready = Some(false);
        created.then_some(next)
    }

    fn restarted(mut self) -> Self {
        self.workers = [Worker::NONE; PODS];
        self.store.list(0);
        self
    }
}
