//! The steps of the controller, of kube-scheduler, of the garbage collector, and of clients.

use super::{
    Action, Budgets, CLAIM_INFORMER, Event, Named, Objects, POD_INFORMER, Pod, State, Write,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverPod => state.deliver(POD_INFORMER),
            Action::DeliverClaim => state.deliver(CLAIM_INFORMER),
            Action::SyncPod => state.sync_pod(|state, uid| state.made == Some(uid)),
            Action::SyncClaim => state.sync_claim(has_ended),
            Action::CommitClaim => state.commit_claim(),
            Action::Reserve => state.reserve(),
            Action::CollectClaim { claim } => state.collect_claim(claim),
            Action::CreatePod => state.create_pod(),
            Action::FinishPod => state.finish_pod(),
            Action::DeletePod => state.delete_pod(),
            Action::Crash => state.crash(),
        }
    }
}

/// Whether a consumer has ended: as the cache shows, if it shows that Pod, and else as the API server says.
fn has_ended(seen: &Objects, live: &Objects, uid: u8) -> bool {
    match seen.pod.filter(|pod| pod.uid == uid) {
        Some(pod) => pod.is_done,
        None => live.pod.is_none_or(|pod| pod.uid != uid),
    }
}

impl State {
    /// The controller hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The controller looks at the Pod, and makes its claim, unless there is one that it sees or remembers.
    pub fn sync_pod(&self, remembers: fn(&State, u8) -> bool) -> Option<Self> {
        let seen = self.store.caches().filter(|_| self.asked.is_none())?;
        let uid = seen.pod.filter(|pod| !pod.is_done)?.uid;
        let is_there = seen.made.contains(&Some(uid)) || remembers(self, uid);
        (!is_there).then_some(State { asked: Some(Write::Make(uid)), ..*self })
    }

    /// The controller looks at the claim that is reserved, and asks the API server for a Pod that it does not see.
    pub fn sync_claim(&self, has_ended: fn(&Objects, &Objects, u8) -> bool) -> Option<Self> {
        let seen = self.store.caches().filter(|_| self.asked.is_none())?;
        let consumer = seen.named.reserved_for?;
        let asked = Some(Write::Release(seen.named.version));
        has_ended(&seen, &self.store.now(), consumer).then_some(State { asked, ..*self })
    }

    /// The API server makes the claim, or releases the one that is as it was read (Conflict).
    pub fn commit_claim(&self) -> Option<Self> {
        let next = State { asked: None, ..*self };
        let objects = self.store.now();
        match self.asked? {
            Write::Make(uid) => {
                let Some(free) = objects.made.iter().position(Option::is_none) else {
                    return Some(next);
                };
                let made = Event::Made([0, 1][free], Some(uid));
                Some(State { made: Some(uid), ..next }.put(made))
            }
            Write::Release(version) if objects.named.version != version => Some(next),
            Write::Release(version) => {
                let released = Named { version: version + 1, reserved_for: None };
                Some(next.put(Event::Named(released)))
            }
        }
    }

    /// kube-scheduler allocates the claim and reserves it for the Pod.
    pub fn reserve(&self) -> Option<Self> {
        let Objects { pod, named, .. } = self.store.now();
        let uid = pod.filter(|pod| !pod.is_done)?.uid;
        let reserved = Named { version: named.version + 1, reserved_for: Some(uid) };
        named.reserved_for.is_none().then(|| self.put(Event::Named(reserved)))
    }

    /// The garbage collector deletes a claim that was made for a Pod which is gone.
    pub fn collect_claim(&self, claim: u8) -> Option<Self> {
        let objects = self.store.now();
        let owner = objects.made[usize::from(claim)]?;
        let is_gone = objects.pod.is_none_or(|pod| pod.uid != owner);
        is_gone.then(|| self.put(Event::Made(claim, None)))
    }

    /// A client creates the Pod.
    pub fn create_pod(&self) -> Option<Self> {
        let pods = self.budgets.pods.checked_sub(1)?;
        let next = State { budgets: Budgets { pods, ..self.budgets }, ..*self };
        let new = Pod { uid: pods, is_done: false };
        self.store.now().pod.is_none().then(|| next.put(Event::Pod(Some(new))))
    }

    /// The Pod ends.
    pub fn finish_pod(&self) -> Option<Self> {
        let pod = self.store.now().pod.filter(|pod| !pod.is_done)?;
        Some(self.put(Event::Pod(Some(Pod { is_done: true, ..pod }))))
    }

    /// A client deletes the Pod.
    pub fn delete_pod(&self) -> Option<Self> {
        self.store.now().pod.map(|_| self.put(Event::Pod(None)))
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { made: None, asked: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    fn put(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}
