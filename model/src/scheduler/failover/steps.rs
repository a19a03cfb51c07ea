//! The steps of two schedulers.

use super::{Action, Assumed, Budgets, Event, Lease, Objects, PODS, Phase, Pod, Scheduler, State};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::CreatePod { pod } => state.create_pod(pod),
            Action::Deliver { scheduler } => state.deliver(scheduler),
            Action::Lead { scheduler } => state.lead(scheduler),
            Action::FallSilent => state.fall_silent(),
            Action::Schedule { scheduler, pod, node } => state.schedule(scheduler, pod, node),
            Action::CommitBinding { scheduler, pod } => state.commit_binding(scheduler, pod),
            Action::CommitLateBinding { pod } => state.commit_late_binding(pod),
            Action::Admit { pod } => state.admit(pod),
            Action::Reject { pod } => state.reject(pod),
            Action::Crash { scheduler } => state.crash(scheduler),
            Action::GiveUp { scheduler } => state.give_up(scheduler),
        }
    }
}

impl Scheduler {
    /// It has just started, and does not lead.
    pub const STARTED: Self = Scheduler { leads: false, assumed: [None; PODS] };
}

impl State {
    /// A client creates a Pod.
    pub fn create_pod(&self, pod: u8) -> Option<Self> {
        let absent = self.pod(pod).phase == Phase::Absent;
        absent.then(|| self.written(pod, Pod { phase: Phase::Pending, node: None }))
    }

    /// The informer of a scheduler, whether it leads or not, gets the next event.
    pub fn deliver(&self, scheduler: u8) -> Option<Self> {
        let mut next = *self;
        let event = next.store.deliver(usize::from(scheduler))?;
        if event.object.node.is_some() {
            next.scheduler_mut(scheduler).assumed[usize::from(event.pod)] = None;
        }
        Some(next)
    }

    /// A scheduler takes the Lease, which nobody holds or whose holder is silent.
    pub fn lead(&self, scheduler: u8) -> Option<Self> {
        let free = self.lease.holder.is_none() || self.lease.silent;
        let mut next = *self;
        next.lease = Lease { holder: Some(scheduler), silent: false };
        next.scheduler_mut(scheduler).leads = true;
        (free && !self.scheduler(scheduler).leads).then_some(next)
    }

    /// Nobody renews the Lease: its holder has exited.
    pub fn fall_silent(&self) -> Option<Self> {
        let holder = self.lease.holder?;
        let silent = !self.lease.silent && !self.scheduler(holder).leads;
        silent.then_some(State { lease: Lease { silent, ..self.lease }, ..*self })
    }

    /// The leader picks a Node for a Pod, assumes it there and sends the Binding.
    pub fn schedule(&self, scheduler: u8, pod: u8, node: u8) -> Option<Self> {
        let fits = self.waits(scheduler, pod) && self.used(scheduler, node) == 0;
        (fits && self.scheduler(scheduler).leads).then(|| self.assuming(scheduler, pod, node))
    }

    /// The API server handles a Binding. It refuses that of a Pod that is bound already.
    pub fn commit_binding(&self, scheduler: u8, pod: u8) -> Option<Self> {
        let sent = self.scheduler(scheduler).assumed[usize::from(pod)];
        let assumed = sent.filter(|assumed| !assumed.bound)?;
        let mut next = *self;
        let bound = self.pod(pod).node.is_none();
        let kept = bound.then_some(Assumed { bound, ..assumed });
        next.scheduler_mut(scheduler).assumed[usize::from(pod)] = kept;
        Some(if bound { next.bound(pod, assumed.node) } else { next })
    }

    /// A Binding arrives whose sender has exited.
    pub fn commit_late_binding(&self, pod: u8) -> Option<Self> {
        let mut next = *self;
        let node = next.late_bindings[usize::from(pod)].take()?;
        Some(if self.pod(pod).node.is_none() { next.bound(pod, node) } else { next })
    }

    /// A kubelet has room for a Pod, and runs it.
    pub fn admit(&self, pod: u8) -> Option<Self> {
        let node = self.awaiting_admission(pod)?;
        let room = self.store.now().running_on(node) == 0;
        room.then(|| self.reported(pod, Phase::Running))
    }

    /// A kubelet has no room for a Pod (`OutOfpods`).
    pub fn reject(&self, pod: u8) -> Option<Self> {
        let node = self.awaiting_admission(pod)?;
        let room = self.store.now().running_on(node) == 0;
        (!room).then(|| self.reported(pod, Phase::Failed))
    }

    /// The leader crashes.
    pub fn crash(&self, scheduler: u8) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let next = State { budgets: Budgets { crashes, ..self.budgets }, ..*self };
        self.scheduler(scheduler).leads.then(|| next.exited(scheduler))
    }

    /// The leader could not renew the Lease in time, and exits.
    pub fn give_up(&self, scheduler: u8) -> Option<Self> {
        let partitions = self.budgets.partitions.checked_sub(1)?;
        let next = State { budgets: Budgets { partitions, ..self.budgets }, ..*self };
        self.scheduler(scheduler).leads.then(|| next.exited(scheduler))
    }

    /// What the informer of this scheduler has read. It has listed before anything happens.
    pub fn informed(&self, scheduler: u8) -> Objects {
        self.store.cache(usize::from(scheduler)).unwrap_or(self.store.base)
    }

    /// Whether, as this scheduler sees it, the Pod waits for a Node.
    pub(super) fn waits(&self, scheduler: u8, pod: u8) -> bool {
        let object = self.informed(scheduler).pods[usize::from(pod)];
        let assumed = self.scheduler(scheduler).assumed[usize::from(pod)].is_some();
        object.phase == Phase::Pending && object.node.is_none() && !assumed
    }

    /// How many places of this Node are taken, as this scheduler sees it. What it assumes is
    /// cleared when the informer shows it bound, so that nothing is counted twice.
    pub(super) fn used(&self, scheduler: u8, node: u8) -> usize {
        let assumed = self.scheduler(scheduler).assumed;
        let there = assumed.iter().flatten().filter(|assumed| assumed.node == node).count();
        self.informed(scheduler).bound_to(node) + there
    }

    pub(super) fn assuming(&self, scheduler: u8, pod: u8, node: u8) -> Self {
        let mut next = *self;
        let assumed = Some(Assumed { node, bound: false });
        next.scheduler_mut(scheduler).assumed[usize::from(pod)] = assumed;
        next
    }

    pub(super) fn bound(self, pod: u8, node: u8) -> Self {
        self.written(pod, Pod { node: Some(node), ..self.pod(pod) })
    }

    pub(super) fn awaiting_admission(&self, pod: u8) -> Option<u8> {
        let object = self.pod(pod);
        object.node.filter(|_| object.phase == Phase::Pending)
    }

    pub(super) fn reported(&self, pod: u8, phase: Phase) -> Self {
        self.written(pod, Pod { phase, ..self.pod(pod) })
    }

    pub(super) fn pod(&self, pod: u8) -> Pod {
        self.store.now().pods[usize::from(pod)]
    }

    pub(super) fn scheduler(&self, scheduler: u8) -> Scheduler {
        self.schedulers[usize::from(scheduler)]
    }

    fn scheduler_mut(&mut self, scheduler: u8) -> &mut Scheduler {
        &mut self.schedulers[usize::from(scheduler)]
    }

    /// The scheduler's memory is lost, what it had sent is on its way; it starts again and lists.
    fn exited(mut self, scheduler: u8) -> Self {
        let assumed = self.scheduler(scheduler).assumed;
        for (late, sent) in self.late_bindings.iter_mut().zip(assumed) {
            let sent = sent.filter(|assumed| !assumed.bound).map(|assumed| assumed.node);
            *late = late.or(sent);
        }
        *self.scheduler_mut(scheduler) = Scheduler::STARTED;
        self.store.list(usize::from(scheduler));
        self
    }

    fn written(mut self, pod: u8, object: Pod) -> Self {
        self.store.write(Event { pod, object });
        self
    }
}
