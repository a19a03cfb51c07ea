//! The steps of the scheduling queue.

use super::{Action, Attempt, Budgets, Event, Objects, PODS, Pod, Queued, Stage, State};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::CreatePod { pod } => state.create_pod(pod),
            Action::DeletePod { pod } => state.delete_pod(pod),
            Action::GrowNode => state.grow_node(),
            Action::LabelNode => state.label_node(),
            Action::Deliver => state.deliver(),
            Action::Relist => state.relist(),
            Action::Pop { pod } => state.pop(pod),
            Action::Assume { pod } => state.assume(pod),
            Action::FailAttempt { pod } => state.fail_attempt(pod),
            Action::CommitBinding { pod } => state.commit_binding(pod),
            Action::LoseBinding { pod } => state.lose_binding(pod),
            Action::FinishBinding { pod } => state.finish_binding(pod),
            Action::EndBackoff { pod } => state.end_backoff(pod),
            Action::FlushBackoff { pod } => state.flush_backoff(pod),
        }
    }
}

impl Queued {
    /// The scheduler knows nothing of the Pod.
    pub const NOWHERE: Self = Queued {
        active: false,
        backoff: false,
        unschedulable: false,
        backing_off: false,
        failed: false,
        assumed: false,
        attempt: Attempt::None,
    };

    /// In how many places it is.
    pub fn places(&self) -> usize {
        let in_flight = self.attempt != Attempt::None;
        [self.active, self.backoff, self.unschedulable, in_flight].iter().filter(|is| **is).count()
    }

    /// Out of every queue. What is in flight stays.
    fn dequeued(self) -> Self {
        Queued { attempt: self.attempt, ..Queued::NOWHERE }
    }
}

impl State {
    /// A client creates a Pod.
    pub fn create_pod(&self, pod: u8) -> Option<Self> {
        let absent = self.store.now().pods[usize::from(pod)] == Pod::Absent;
        absent.then(|| self.written(Event::Pod(pod, Pod::Pending)))
    }

    /// A client deletes a Pod.
    pub fn delete_pod(&self, pod: u8) -> Option<Self> {
        let deletions = self.budgets.deletions.checked_sub(1)?;
        let next = State { budgets: Budgets { deletions, ..self.budgets }, ..*self };
        let there = matches!(self.store.now().pods[usize::from(pod)], Pod::Pending | Pod::Bound);
        there.then(|| next.written(Event::Pod(pod, Pod::Deleted)))
    }

    /// The Node gets one place more: an event that may help.
    pub fn grow_node(&self) -> Option<Self> {
        let growths = self.budgets.growths.checked_sub(1)?;
        let next = State { budgets: Budgets { growths, ..self.budgets }, ..*self };
        Some(next.written(Event::NodeGrown))
    }

    /// The Node gets another label: an event that helps nobody.
    pub fn label_node(&self) -> Option<Self> {
        let labels = self.budgets.labels.checked_sub(1)?;
        let next = State { budgets: Budgets { labels, ..self.budgets }, ..*self };
        Some(next.written(Event::NodeLabelled))
    }

    /// The informer gets the next event, and its handlers tell the queue.
    pub fn deliver(&self) -> Option<Self> {
        let was = self.informed();
        let mut next = *self;
        Some(match next.store.deliver(0)? {
            Event::Pod(pod, _) => next.told_of_pod(pod, was.pods[usize::from(pod)]),
            Event::NodeGrown => next.told_of_node(was.allocatable),
            Event::NodeLabelled => next,
        })
    }

    /// The watch is closed. The informer lists, and its handlers are told of every difference.
    pub fn relist(&self) -> Option<Self> {
        let was = self.informed();
        let closed_watches = self.budgets.closed_watches.checked_sub(1)?;
        let mut next = State { budgets: Budgets { closed_watches, ..self.budgets }, ..*self };
        next.store.list(0);
        let told = |state: State, pod: u8| state.told_of_pod(pod, was.pods[usize::from(pod)]);
        Some((0..PODS as u8).fold(next, told).told_of_node(was.allocatable))
    }

    /// The scheduler takes a Pod out of activeQ, or, where that is empty, one that backs off and
    /// whose last attempt did not end in an error; and a snapshot of its cache. It does so for
    /// one Pod at a time.
    pub fn pop(&self, pod: u8) -> Option<Self> {
        let deciding = |of: &Queued| matches!(of.attempt, Attempt::Deciding { .. });
        let queued = self.queued(pod);
        let early = queued.backoff && !queued.failed && !self.queue.iter().any(|of| of.active);
        if !(queued.active || early) || self.queue.iter().any(deciding) {
            return None;
        }
        let attempt = Attempt::Deciding { fits: self.room() > 0, moved: false };
        Some(self.with(pod, Queued { attempt, ..Queued::NOWHERE }))
    }

    /// The Pod fits: the cache assumes it on the Node, and the Binding is sent.
    pub fn assume(&self, pod: u8) -> Option<Self> {
        let queued = self.queued(pod);
        let fits = matches!(queued.attempt, Attempt::Deciding { fits: true, .. });
        let attempt = Attempt::Binding(Stage::Sent);
        fits.then(|| self.with(pod, Queued { assumed: true, attempt, ..queued }))
    }

    /// The Pod does not fit. It is queued as unschedulable; or it backs off only, if an event that
    /// may help came since the cycle began (`AddUnschedulableIfNotPresent`).
    pub fn fail_attempt(&self, pod: u8) -> Option<Self> {
        let queued = self.queued(pod);
        let Attempt::Deciding { fits: false, moved } = queued.attempt else {
            return None;
        };
        let tried = Queued { attempt: Attempt::None, ..queued };
        if !self.is_pending(pod) {
            return Some(self.with(pod, tried));
        }
        let queued = Queued { backing_off: true, backoff: moved, unschedulable: !moved, ..tried };
        Some(self.with(pod, queued))
    }

    /// The API server handles a Binding.
    pub fn commit_binding(&self, pod: u8) -> Option<Self> {
        if self.queued(pod).attempt != Attempt::Binding(Stage::Sent) {
            return None;
        }
        Some(match self.store.now().pods[usize::from(pod)] {
            Pod::Pending => self.at(pod, Stage::Created).written(Event::Pod(pod, Pod::Bound)),
            Pod::Absent | Pod::Bound | Pod::Deleted => self.at(pod, Stage::Failed),
        })
    }

    /// A Binding is lost on its way; the scheduler will see a timeout.
    pub fn lose_binding(&self, pod: u8) -> Option<Self> {
        let lost_requests = self.budgets.lost_requests.checked_sub(1)?;
        let sent = self.queued(pod).attempt == Attempt::Binding(Stage::Sent);
        let next = self.at(pod, Stage::Failed);
        sent.then_some(State { budgets: Budgets { lost_requests, ..self.budgets }, ..next })
    }

    /// The scheduler reads the answer. A Pod that was not bound is forgotten by the cache, which
    /// may help others, and backs off.
    pub fn finish_binding(&self, pod: u8) -> Option<Self> {
        let queued = self.queued(pod);
        let tried = Queued { attempt: Attempt::None, ..queued };
        match queued.attempt {
            Attempt::Binding(Stage::Created) => Some(self.with(pod, tried)),
            Attempt::Binding(Stage::Failed) => {
                let again = self.is_pending(pod);
                let waits = Queued { backing_off: again, failed: again, backoff: again, ..tried };
                let tried = Queued { assumed: false, ..waits };
                let next = self.with(pod, tried);
                Some(if queued.assumed { next.moved() } else { next })
            }
            Attempt::None | Attempt::Deciding { .. } | Attempt::Binding(Stage::Sent) => None,
        }
    }

    /// The time of a Pod's backoff is over.
    pub fn end_backoff(&self, pod: u8) -> Option<Self> {
        let queued = self.queued(pod);
        queued.backing_off.then(|| self.with(pod, Queued { backing_off: false, ..queued }))
    }

    /// A Pod whose backoff is over moves from backoffQ to activeQ.
    pub fn flush_backoff(&self, pod: u8) -> Option<Self> {
        let queued = self.queued(pod);
        let due = queued.backoff && !queued.backing_off;
        let active = Queued { backoff: false, failed: false, active: true, ..queued };
        due.then(|| self.with(pod, active))
    }

    /// What the informer has read. It has listed before anything happens.
    pub fn informed(&self) -> Objects {
        self.store.cache(0).unwrap_or(self.store.base)
    }

    /// How many places are free, as the scheduler's cache counts.
    pub fn room(&self) -> usize {
        let assumed = self.queue.iter().filter(|queued| queued.assumed).count();
        let informed = self.informed();
        usize::from(informed.allocatable).saturating_sub(informed.bound() + assumed)
    }

    /// Whether the informer shows that the Pod waits.
    pub fn is_pending(&self, pod: u8) -> bool {
        self.informed().pods[usize::from(pod)] == Pod::Pending
    }

    /// An event may help (`MoveAllToActiveOrBackoffQueue`): every unschedulable Pod is queued
    /// again, and who is being tried is told.
    pub(super) fn moved(mut self) -> Self {
        for queued in &mut self.queue {
            if let Attempt::Deciding { moved, .. } = &mut queued.attempt {
                *moved = true;
            }
            if std::mem::take(&mut queued.unschedulable) {
                queued.backoff = queued.backing_off;
                queued.active = !queued.backing_off;
            }
        }
        self
    }

    pub(super) fn queued(&self, pod: u8) -> Queued {
        self.queue[usize::from(pod)]
    }

    pub(super) fn with(mut self, pod: u8, queued: Queued) -> Self {
        self.queue[usize::from(pod)] = queued;
        self
    }

    /// The handlers of Pods: of those that wait, of those that are bound.
    fn told_of_pod(self, pod: u8, was: Pod) -> Self {
        let queued = self.queued(pod);
        match self.informed().pods[usize::from(pod)] {
            Pod::Pending if was == Pod::Absent => self.with(pod, Queued { active: true, ..queued }),
            Pod::Bound if was != Pod::Bound => self.with(pod, queued.dequeued()),
            Pod::Deleted if was != Pod::Deleted => {
                let next = self.with(pod, queued.dequeued());
                if was == Pod::Bound || queued.assumed { next.moved() } else { next }
            }
            Pod::Absent | Pod::Pending | Pod::Bound | Pod::Deleted => self,
        }
    }

    fn told_of_node(self, was: u8) -> Self {
        if self.informed().allocatable > was { self.moved() } else { self }
    }

    fn at(&self, pod: u8, stage: Stage) -> Self {
        self.with(pod, Queued { attempt: Attempt::Binding(stage), ..self.queued(pod) })
    }

    fn written(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}
