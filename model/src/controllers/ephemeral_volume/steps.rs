//! The steps of the controller, the scheduler, the garbage collector, and of clients.

use super::{
    Action, Budgets, CLAIM_INFORMER, Event, Objects, POD_INFORMER, Pod, State, VolumeClaim,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverPod => state.deliver(POD_INFORMER),
            Action::DeliverClaim => state.deliver(CLAIM_INFORMER),
            Action::SyncPod => state.sync_pod(),
            Action::CommitClaim => state.commit_claim(|claim| claim.is_none()),
            Action::RunPod => state.run_pod(Objects::has_own),
            Action::CollectClaim => state.collect_claim(),
            Action::CreatePod => state.create_pod(),
            Action::DeletePod => state.delete_pod(),
            Action::CreateClaim => state.create_claim(),
            Action::DeleteClaim => state.delete_claim(),
            Action::Crash => state.crash(),
        }
    }
}

impl Objects {
    /// Whether the claim is the Pod's own.
    pub fn has_own(&self) -> bool {
        let owner = self.claim.and_then(|claim| claim.owner);
        owner.is_some() && owner == self.pod.map(|pod| pod.uid)
    }
}

impl State {
    /// The controller hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The controller asks for the claim of a Pod that has none.
    pub fn sync_pod(&self) -> Option<Self> {
        let seen = self.store.caches().filter(|_| self.asked.is_none())?;
        let pod = seen.pod.filter(|_| seen.claim.is_none())?;
        Some(State { asked: Some(pod.uid), ..*self })
    }

    /// The API server creates the claim, unless there is one of its name (AlreadyExists).
    pub fn commit_claim(&self, is_free: fn(Option<VolumeClaim>) -> bool) -> Option<Self> {
        let owner = Some(self.asked?);
        let next = State { asked: None, ..*self };
        let claim = Event::Claim(Some(VolumeClaim { owner }));
        Some(if is_free(self.store.now().claim) { next.put(claim) } else { next })
    }

    /// The scheduler gives the Pod a Node, and its kubelet starts it: both look whose the claim is.
    pub fn run_pod(&self, may: fn(&Objects) -> bool) -> Option<Self> {
        let objects = self.store.now();
        let pod = objects.pod.filter(|pod| !pod.runs && may(&objects))?;
        Some(self.put(Event::Pod(Some(Pod { runs: true, ..pod }))))
    }

    /// The garbage collector deletes a claim whose Pod is gone.
    pub fn collect_claim(&self) -> Option<Self> {
        let objects = self.store.now();
        let is_owned = objects.claim.is_some_and(|claim| claim.owner.is_some());
        (is_owned && !objects.has_own()).then(|| self.put(Event::Claim(None)))
    }

    /// A client creates the Pod.
    pub fn create_pod(&self) -> Option<Self> {
        let pods = self.budgets.pods.checked_sub(1)?;
        let next = State { budgets: Budgets { pods, ..self.budgets }, ..*self };
        let pod = Pod { uid: pods, runs: false };
        let is_free = self.store.now().pod.is_none();
        is_free.then(|| next.put(Event::Pod(Some(pod))))
    }

    /// The Pod is deleted, and has ended.
    pub fn delete_pod(&self) -> Option<Self> {
        self.store.now().pod.map(|_| self.put(Event::Pod(None)))
    }

    /// Somebody else creates a claim of the name.
    pub fn create_claim(&self) -> Option<Self> {
        let claims = self.budgets.claims.checked_sub(1)?;
        let next = State { budgets: Budgets { claims, ..self.budgets }, ..*self };
        let is_free = self.store.now().claim.is_none();
        is_free.then(|| next.put(Event::Claim(Some(VolumeClaim { owner: None }))))
    }

    /// Somebody deletes the claim, which no Pod uses.
    pub fn delete_claim(&self) -> Option<Self> {
        let claim_deletions = self.budgets.claim_deletions.checked_sub(1)?;
        let objects = self.store.now();
        let is_used = objects.pod.is_some_and(|pod| pod.runs);
        let next = State { budgets: Budgets { claim_deletions, ..self.budgets }, ..*self };
        objects.claim.filter(|_| !is_used).map(|_| next.put(Event::Claim(None)))
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { asked: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    pub(super) fn put(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}
