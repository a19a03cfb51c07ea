//! The steps of preemption.

use super::{Action, Assumed, Budgets, Event, Pod, Scheduler, State};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::CreatePod { pod } => state.create_pod(pod),
            Action::DeleteNode => state.delete_node(),
            Action::RemovePod { pod } => state.remove_pod(pod),
            Action::Deliver => state.deliver(),
            Action::Schedule { pod, node } => state.schedule(pod, node),
            Action::CommitBinding { pod } => state.commit_binding(pod),
            Action::Preempt { pod, node } => state.preempt(pod, node),
            Action::CommitEviction => state.commit_eviction(),
            Action::LoseEviction => state.lose_eviction(),
            Action::CommitNomination => state.commit_nomination(),
            Action::Crash => state.crash(),
        }
    }
}

impl State {
    /// A client creates a Pod.
    pub fn create_pod(&self, pod: u8) -> Option<Self> {
        let mut next = *self;
        let due = std::mem::take(&mut next.to_create[usize::from(pod)]);
        let object = Pod { node: None, nominated: None, deleting: false };
        due.then(|| next.written(pod, Some(object)))
    }

    /// A client deletes node-1.
    pub fn delete_node(&self) -> Option<Self> {
        let deletions = self.budgets.deletions.checked_sub(1)?;
        let mut next = State { budgets: Budgets { deletions, ..self.budgets }, ..*self };
        next.store.write(Event::NodeDeleted(1));
        Some(next)
    }

    /// The kubelet has stopped a Pod that is being deleted; or Pod garbage collection removes one
    /// whose Node is gone.
    pub fn remove_pod(&self, pod: u8) -> Option<Self> {
        let objects = self.store.now();
        let object = objects.pods[usize::from(pod)]?;
        let node_gone = object.node.is_some_and(|node| !objects.nodes[usize::from(node)]);
        (object.deleting || node_gone).then(|| self.written(pod, None))
    }

    /// The informer gets the next event.
    pub fn deliver(&self) -> Option<Self> {
        let mut next = *self;
        Some(match next.store.deliver(0)? {
            Event::Pod(pod, _) => next.told(pod),
            Event::NodeDeleted(_) => next,
        })
    }

    /// The scheduler picks a Node for a Pod, assumes it there and sends the Binding.
    pub fn schedule(&self, pod: u8, node: u8) -> Option<Self> {
        let fits = self.waits(pod) && self.fits(pod, node);
        fits.then(|| self.assuming(pod, node))
    }

    /// The API server handles a Binding, and clears the nomination, which has served. It refuses
    /// one of a Pod that is gone or being deleted.
    pub fn commit_binding(&self, pod: u8) -> Option<Self> {
        self.binding_committed(pod, |_| None)
    }

    /// The scheduler finds no Node for a Pod, and one where a Pod of lower priority has the place.
    pub fn preempt(&self, pod: u8, node: u8) -> Option<Self> {
        let victim = self.victim(pod, node)?;
        self.may_preempt(pod).then(|| self.preempting(pod, node, victim))
    }

    /// The API server deletes the victim: gracefully if a kubelet has it, at once if none has.
    pub fn commit_eviction(&self) -> Option<Self> {
        let eviction = self.scheduler.eviction?;
        let mut next = *self;
        next.scheduler.eviction = None;
        let object = self.store.now().pods[usize::from(eviction.victim)];
        Some(match object.filter(|object| !object.deleting) {
            None => next,
            Some(Pod { node: None, .. }) => next.written(eviction.victim, None),
            Some(bound) => next.written(eviction.victim, Some(Pod { deleting: true, ..bound })),
        })
    }

    /// The deletion of the victim never reaches the API server.
    pub fn lose_eviction(&self) -> Option<Self> {
        self.scheduler.eviction?;
        let lost_requests = self.budgets.lost_requests.checked_sub(1)?;
        let mut next = State { budgets: Budgets { lost_requests, ..self.budgets }, ..*self };
        next.scheduler.eviction = None;
        Some(next)
    }

    /// The API server patches `status.nominatedNodeName`.
    pub fn commit_nomination(&self) -> Option<Self> {
        let pod = self.scheduler.patching?;
        let nominated = self.scheduler.nominated[usize::from(pod)];
        let mut next = *self;
        next.scheduler.patching = None;
        Some(match self.store.now().pods[usize::from(pod)] {
            Some(object) if nominated.is_some() && object.nominated != nominated => {
                next.written(pod, Some(Pod { nominated, ..object }))
            }
            Some(_) | None => next,
        })
    }

    /// kube-scheduler crashes, with what it had sent, and starts again.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { budgets, scheduler: Scheduler::STARTED, ..*self };
        next.store.list(0);
        Some(next)
    }

    /// The Binding is handled, and leaves this nomination.
    pub(super) fn binding_committed(
        &self,
        pod: u8,
        nomination: fn(Pod) -> Option<u8>,
    ) -> Option<Self> {
        let place = usize::from(pod);
        let assumed = self.scheduler.assumed[place].filter(|assumed| !assumed.bound)?;
        let mut next = *self;
        let object = self.store.now().pods[place].filter(|object| !object.deleting);
        next.scheduler.assumed[place] = object.map(|_| Assumed { bound: true, ..assumed });
        Some(match object {
            None => next,
            Some(object) => {
                let nominated = nomination(object);
                next.written(pod, Some(Pod { node: Some(assumed.node), nominated, ..object }))
            }
        })
    }

    fn written(mut self, pod: u8, object: Option<Pod>) -> Self {
        self.store.write(Event::Pod(pod, object));
        self
    }
}
