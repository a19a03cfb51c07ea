//! The steps of the ReplicaSet controller, of the garbage collector, and of their clients.

use super::objects::{Event, Label, Objects, Pod, Reference, SETS, Set, UIDS};
use super::{Action, Budgets, POD_INFORMER, Patch, Request, SET_INFORMER, State};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverSet => state.deliver(SET_INFORMER),
            Action::DeliverPod => state.deliver(POD_INFORMER),
            Action::SyncSet { set } => state.sync_set(set, Label::matches),
            Action::Recheck { set } => state.recheck(set, Objects::set),
            Action::Commit { set } => state.commit(set, |pod, patch| pod.uid == patch.pod),
            Action::CollectPod => state.collect_pod(),
            Action::OrphanPod { set } => state.orphan_pod(set),
            Action::FinishOrphaning { set } => state.finish_orphaning(set),
            Action::CreatePod => state.create_pod(),
            Action::DeletePod => state.delete_pod(),
            Action::RelabelPod { label } => state.relabel_pod(label),
            Action::DeleteSet { set, orphans } => state.delete_set(set, orphans),
            Action::RecreateSet => state.recreate_set(),
            Action::LoseRequest { set } => state.lose_request(set),
            Action::Crash => state.crash(),
        }
    }
}

impl State {
    /// The controller hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The controller compares a ReplicaSet with the Pod: it releases one that is its own and does
    /// not match, and would adopt one that matches and has no controller. Not if the ReplicaSet is
    /// being deleted.
    pub fn sync_set(&self, name: u8, matches: fn(Label, usize) -> bool) -> Option<Self> {
        let name = usize::from(name);
        let caches = self.store.caches().filter(|_| self.requests[name] == Request::None)?;
        let set = caches.sets[name].filter(|set| !set.orphans)?;
        let pod = caches.pod?;
        let patch = Patch { pod: pod.uid, owner: set.uid };
        match (pod.controller(), matches(pod.label, name)) {
            (None, true) => Some(self.requests(name, Request::Recheck(patch))),
            (Some(owner), false) if owner == set.uid => {
                Some(self.requests(name, Request::Release(patch)))
            }
            (_, _) => None,
        }
    }

    /// The controller reads the ReplicaSet from the API server, past its cache. It adopts only if
    /// that is still the same one, and is not being deleted.
    pub fn recheck(&self, name: u8, read: fn(&Objects, Reference) -> Option<Set>) -> Option<Self> {
        let name = usize::from(name);
        let Request::Recheck(patch) = self.requests[name] else { return None };
        let fresh = read(&self.store.now(), patch.owner).filter(|set| !set.orphans);
        Some(self.requests(name, fresh.map_or(Request::None, |_| Request::Adopt(patch))))
    }

    /// The API server patches the Pod. It refuses where the Pod has another uid (409 Conflict), and
    /// a second ownerReference with `controller: true` (422 Invalid).
    pub fn commit(&self, name: u8, is_meant: fn(&Pod, &Patch) -> bool) -> Option<Self> {
        let name = usize::from(name);
        let (patch, value) = self.requests[name].patch()?;
        let next = self.requests(name, Request::None);
        let meant = self.store.now().pod.filter(|pod| is_meant(pod, &patch));
        let taken = |pod: Pod| value && pod.controller().is_some();
        Some(match meant.filter(|pod| !taken(*pod)) {
            Some(pod) => next.patched(pod, patch.owner, value),
            None => next,
        })
    }

    /// The garbage collector deletes the Pod if whom it names does not exist.
    pub fn collect_pod(&self) -> Option<Self> {
        let objects = self.store.now();
        let owner = objects.pod?.controller()?;
        objects.set(owner).is_none().then(|| self.write(Event::Pod(None)))
    }

    /// The garbage collector takes a ReplicaSet that is being deleted out of the Pod's
    /// ownerReferences.
    pub fn orphan_pod(&self, name: u8) -> Option<Self> {
        let objects = self.store.now();
        let set = objects.sets[usize::from(name)].filter(|set| set.orphans)?;
        let pod = objects.pod.filter(|pod| pod.controllers[set.uid as usize])?;
        Some(self.patched(pod, set.uid, false))
    }

    /// The garbage collector removes the finalizer `orphan`, and the ReplicaSet goes.
    pub fn finish_orphaning(&self, name: u8) -> Option<Self> {
        let objects = self.store.now();
        let set = objects.sets[usize::from(name)].filter(|set| set.orphans)?;
        let kept = objects.pod.is_some_and(|pod| pod.controllers[set.uid as usize]);
        (!kept).then(|| self.write(Event::Set(name, None)))
    }

    /// A client creates a Pod that both ReplicaSets select.
    pub fn create_pod(&self) -> Option<Self> {
        let creations = self.budgets.creations.checked_sub(1)?;
        let free = self.store.now().pod.is_none();
        let pod = Pod { uid: creations, label: Label::Both, controllers: [false; UIDS] };
        let next = free.then(|| self.write(Event::Pod(Some(pod))))?;
        Some(State { budgets: Budgets { creations, ..self.budgets }, ..next })
    }

    /// A client deletes the Pod.
    pub fn delete_pod(&self) -> Option<Self> {
        self.store.now().pod?;
        Some(self.spends_change()?.write(Event::Pod(None)))
    }

    /// A client changes the Pod's labels.
    pub fn relabel_pod(&self, label: Label) -> Option<Self> {
        let pod = self.store.now().pod.filter(|pod| pod.label != label)?;
        Some(self.spends_change()?.write(Event::Pod(Some(Pod { label, ..pod }))))
    }

    /// A client deletes a ReplicaSet, whose Pods become orphans first, or are collected later.
    pub fn delete_set(&self, name: u8, orphans: bool) -> Option<Self> {
        let set_deletions = self.budgets.set_deletions.checked_sub(1)?;
        let set = self.store.now().sets[usize::from(name)].filter(|set| !set.orphans)?;
        let next = self.write(Event::Set(name, orphans.then_some(Set { orphans, ..set })));
        Some(State { budgets: Budgets { set_deletions, ..self.budgets }, ..next })
    }

    /// A client creates the first ReplicaSet again.
    pub fn recreate_set(&self) -> Option<Self> {
        let free = self.store.now().sets[0].is_none();
        free.then(|| self.write(Event::Set(0, Some(Set::new(Reference::FirstAgain)))))
    }

    /// What the controller asked for is lost on its way.
    pub fn lose_request(&self, name: u8) -> Option<Self> {
        let faults = self.budgets.faults.checked_sub(1)?;
        let sent = self.requests[usize::from(name)] != Request::None;
        let next = sent.then(|| self.requests(usize::from(name), Request::None))?;
        Some(State { budgets: Budgets { faults, ..self.budgets }, ..next })
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let faults = self.budgets.faults.checked_sub(1)?;
        let budgets = Budgets { faults, ..self.budgets };
        let mut next = State { requests: [Request::None; SETS], budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    pub(super) fn requests(mut self, name: usize, request: Request) -> Self {
        self.requests[name] = request;
        self
    }

    pub(super) fn patched(&self, mut pod: Pod, owner: Reference, value: bool) -> Self {
        let was = std::mem::replace(&mut pod.controllers[owner as usize], value);
        if was == value { *self } else { self.write(Event::Pod(Some(pod))) }
    }

    fn spends_change(&self) -> Option<Self> {
        let changes = self.budgets.changes.checked_sub(1)?;
        Some(State { budgets: Budgets { changes, ..self.budgets }, ..*self })
    }

    fn write(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}

impl Request {
    /// The patch that is on its way, and whether it adds the reference or takes it away.
    pub(super) fn patch(self) -> Option<(Patch, bool)> {
        match self {
            Request::None | Request::Recheck(_) => None,
            Request::Adopt(patch) => Some((patch, true)),
            Request::Release(patch) => Some((patch, false)),
        }
    }
}
