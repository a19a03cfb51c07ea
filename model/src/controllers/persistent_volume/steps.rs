//! The steps of the binder, of the protection controllers, of a provisioner, and of who uses claims.

use super::objects::{Claim, Event, Objects, Phase, Pod, Reference, Volume};
use super::{
    Action, Budgets, CLAIM_INFORMER, POD_INFORMER, PROVISIONED, RETAINED, State, USED, Update,
    VOLUME_INFORMER,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverClaim => state.deliver(CLAIM_INFORMER),
            Action::DeliverVolume => state.deliver(VOLUME_INFORMER),
            Action::DeliverPod => state.deliver(POD_INFORMER),
            Action::SyncClaim { claim } => state.sync_claim(claim, State::volume_for),
            Action::SyncVolume { volume } => state.sync_volume(volume, state.store.now()),
            Action::Commit => state.commit(State::is_as_read),
            Action::ProvideVolume { volume } => state.provide_volume(volume),
            Action::CommitProvided => state.commit_provided(),
            Action::BindPod => state.bind_pod(),
            Action::ListPods => state.list_pods(state.store.now()),
            Action::LetClaimGo { claim } => state.let_claim_go(claim),
            Action::LetVolumeGo { volume } => state.let_volume_go(volume, state.store.now()),
            Action::Reclaim { volume } => state.reclaim(volume, usize::from(volume) == PROVISIONED),
            Action::EndPod => state.end_pod(),
            Action::CreateClaim { claim } => state.create_claim(claim),
            Action::DeleteClaim { claim } => state.delete_claim(claim),
            Action::CreateVolume => state.create_volume(),
            Action::DeleteVolume => state.delete_volume(),
            Action::CreatePod => state.create_pod(),
            Action::Crash => state.crash(),
        }
    }
}

impl Objects {
    /// The volume that is kept for a claim.
    pub fn kept_for(&self, reference: Reference) -> Option<u8> {
        self.volume_where(|volume| volume.claim == Some(reference))
    }

    pub(super) fn volume_where(&self, is_it: impl Fn(&Volume) -> bool) -> Option<u8> {
        let volumes = (0..).zip(self.volumes);
        volumes.into_iter().find_map(|(number, volume)| volume.filter(&is_it).map(|_| number))
    }
}

impl Volume {
    /// Whether a claim may get it.
    pub fn is_free(&self) -> bool {
        self.claim.is_none() && self.phase == Phase::Available && !self.deleting
    }
}

impl State {
    /// The volume for a claim that has none: the one that is kept for it, or one that is free. Where claims
    /// wait for their consumers, the binder looks for no other.
    pub fn volume_for(&self, caches: &Objects, reference: Reference) -> Option<u8> {
        let free = || caches.volume_where(|volume| volume.is_free() && !self.waits);
        caches.kept_for(reference).or_else(free)
    }

    /// An informer hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The binder looks at a claim, and takes the next step of its binding.
    pub fn sync_claim(
        &self,
        number: u8,
        choose: fn(&Self, &Objects, Reference) -> Option<u8>,
    ) -> Option<Self> {
        let caches = self.caches_of_idle_binder()?;
        let claim = caches.claims[usize::from(number)]?;
        let reference = Reference { name: number, uid: claim.uid };
        let chosen = claim.volume.or_else(|| choose(self, &caches, reference))?;
        let volume = caches.volumes[usize::from(chosen)]?;
        let is_free = volume.claim.is_none() || volume.claim == Some(reference);
        (is_free || claim.volume.is_none())
            .then(|| self.asks(binding((chosen, volume), (number, claim))))?
    }

    /// The binder looks at a volume. What its cache does not show of the claim it asks the API server.
    pub fn sync_volume(&self, number: u8, live: Objects) -> Option<Self> {
        let caches = self.caches_of_idle_binder()?;
        let volume = caches.volumes[usize::from(number)]?;
        let Some(reference) = volume.claim else {
            return self.asks_for_phase((number, volume), Phase::Available);
        };
        match caches.meant(reference).or_else(|| live.meant(reference)) {
            None => self.asks_for_phase((number, volume), Phase::Released),
            Some(claim) => match claim.volume {
                None => None,
                Some(own) if own == number => self.asks_for_phase((number, volume), Phase::Bound),
                Some(_) => self.give_back(number, volume),
            },
        }
    }

    /// A claim has got another volume than this one: what was made for it goes, anything else is free.
    pub(super) fn give_back(&self, number: u8, volume: Volume) -> Option<Self> {
        if usize::from(number) == PROVISIONED {
            return self.asks_for_phase((number, volume), Phase::Released);
        }
        self.asks(Some(Update::Volume(number, volume, Volume { claim: None, ..volume })))
    }

    fn asks_for_phase(&self, (number, volume): (u8, Volume), phase: Phase) -> Option<Self> {
        let write = Volume { phase, ..volume };
        (volume != write).then(|| self.asks(Some(Update::Volume(number, volume, write))))?
    }

    /// The API server handles what the binder has asked for, unless the object has changed (Conflict).
    pub fn commit(&self, is_granted: fn(&State, Update) -> bool) -> Option<Self> {
        let update = self.binder?;
        let next = State { binder: None, ..*self };
        Some(if is_granted(self, update) { next.written(update) } else { next })
    }

    /// The scheduler finds a volume for the claim of a Pod that waits.
    pub fn provide_volume(&self, number: u8) -> Option<Self> {
        let objects = self.store.now();
        let claim = objects.claims[USED].filter(|claim| claim.volume.is_none())?;
        let reference = Reference { name: USED as u8, uid: claim.uid };
        let waits =
            objects.pod == Some(Pod::Pending) && self.scheduler.is_none() && !claim.deleting;
        let volume = objects.volumes[usize::from(number)].filter(Volume::is_free)?;
        let write = Volume { claim: Some(reference), ..volume };
        let scheduler = Some(Update::Volume(number, volume, write));
        let is_provided = objects.kept_for(reference).is_some();
        (waits && !is_provided).then_some(State { scheduler, ..*self })
    }

    /// The API server handles what the scheduler has asked for.
    pub fn commit_provided(&self) -> Option<Self> {
        let update = self.scheduler?;
        let next = State { scheduler: None, ..*self };
        Some(if self.is_as_read(update) { next.written(update) } else { next })
    }

    /// The scheduler binds the Pod to a Node: it has seen its claim bound, maybe some time ago.
    pub fn bind_pod(&self) -> Option<Self> {
        let objects = self.store.now();
        let claim = objects.claims[USED].filter(|claim| claim.volume.is_some())?;
        let is_pending = objects.pod == Some(Pod::Pending);
        is_pending.then(|| self.put(Event::Pod(Some(Pod::Bound { late: claim.deleting }))))
    }

    /// Before a claim of Pods may go, its protection controller asks whether a Pod on a Node uses it.
    pub fn list_pods(&self, listed: Objects) -> Option<Self> {
        let caches = self.store.caches().filter(|_| !self.unused)?;
        let is_used = |pod: Option<Pod>| matches!(pod, Some(Pod::Bound { .. }));
        let goes = caches.claims[USED].is_some_and(|claim| claim.deleting);
        (goes && !is_used(caches.pod) && !is_used(listed.pod))
            .then_some(State { unused: true, ..*self })
    }

    /// The protection controller removes the finalizer of a claim that is as its cache shows it.
    pub fn let_claim_go(&self, number: u8) -> Option<Self> {
        let seen =
            self.store.caches()?.claims[usize::from(number)].filter(|claim| claim.deleting)?;
        let is_used_by_pods = usize::from(number) == USED;
        let next = State { unused: self.unused && !is_used_by_pods, ..*self };
        let is_as_seen = self.store.now().claims[usize::from(number)] == Some(seen);
        (is_as_seen && (self.unused || !is_used_by_pods))
            .then(|| next.put(Event::Claim(number, None)))
    }

    /// The protection controller removes the finalizer of a volume that is not Bound.
    pub fn let_volume_go(&self, number: u8, live: Objects) -> Option<Self> {
        let seen = self.store.caches()?.volumes[usize::from(number)]?;
        let goes = seen.deleting && seen.phase != Phase::Bound;
        let is_as_seen = live.volumes[usize::from(number)] == Some(seen);
        (goes && is_as_seen).then(|| self.put(Event::Volume(number, None)))
    }

    /// The provisioner deletes a volume that is Released, if that is what its policy says.
    pub fn reclaim(&self, number: u8, is_reclaimed: bool) -> Option<Self> {
        let seen = self.store.caches()?.volumes[usize::from(number)]?;
        let volume = self.store.now().volumes[usize::from(number)].filter(|one| !one.deleting)?;
        let event = Event::Volume(number, Some(Volume { deleting: true, ..volume }));
        (is_reclaimed && seen.phase == Phase::Released).then(|| self.put(event))
    }

    /// The Pod has ended, or is deleted before it runs.
    pub fn end_pod(&self) -> Option<Self> {
        self.store.now().pod.map(|_| self.put(Event::Pod(None)))
    }

    /// A client creates a claim.
    pub fn create_claim(&self, number: u8) -> Option<Self> {
        let mut budgets = self.budgets;
        let left = &mut budgets.claims[usize::from(number)];
        *left = left.checked_sub(1)?;
        let claim = Claim { uid: *left, volume: None, deleting: false };
        let is_free = self.store.now().claims[usize::from(number)].is_none();
        is_free.then(|| State { budgets, ..*self }.put(Event::Claim(number, Some(claim))))
    }

    /// A client deletes a claim: its finalizer keeps it.
    pub fn delete_claim(&self, number: u8) -> Option<Self> {
        let claim = self.store.now().claims[usize::from(number)].filter(|claim| !claim.deleting)?;
        Some(self.put(Event::Claim(number, Some(Claim { deleting: true, ..claim }))))
    }

    /// A person makes a volume.
    pub fn create_volume(&self) -> Option<Self> {
        let volumes = self.budgets.volumes.checked_sub(1)?;
        let next = State { budgets: Budgets { volumes, ..self.budgets }, ..*self };
        Some(next.put(Event::Volume(RETAINED as u8, Some(Volume::NEW))))
    }

    /// A client deletes the volume that was provisioned: its finalizer keeps it.
    pub fn delete_volume(&self) -> Option<Self> {
        let volume_deletions = self.budgets.volume_deletions.checked_sub(1)?;
        let volume = self.store.now().volumes[PROVISIONED].filter(|volume| !volume.deleting)?;
        let next = State { budgets: Budgets { volume_deletions, ..self.budgets }, ..*self };
        let volume = Volume { deleting: true, ..volume };
        Some(next.put(Event::Volume(PROVISIONED as u8, Some(volume))))
    }

    /// A client creates the Pod.
    pub fn create_pod(&self) -> Option<Self> {
        let pods = self.budgets.pods.checked_sub(1)?;
        let next = State { budgets: Budgets { pods, ..self.budgets }, ..*self };
        let is_free = self.store.now().pod.is_none();
        is_free.then(|| next.put(Event::Pod(Some(Pod::Pending))))
    }

    /// The controllers crash, start again and list.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { binder: None, unused: false, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    /// What the binder's caches show, while it waits for no answer.
    pub(super) fn caches_of_idle_binder(&self) -> Option<Objects> {
        self.store.caches().filter(|_| self.binder.is_none())
    }

    pub(super) fn asks(&self, update: Option<Update>) -> Option<Self> {
        update.map(|update| State { binder: Some(update), ..*self })
    }

    /// Whether the object of an update is as it was read.
    pub fn is_as_read(&self, update: Update) -> bool {
        let objects = self.store.now();
        match update {
            Update::Claim(number, read, _) => objects.claims[usize::from(number)] == Some(read),
            Update::Volume(number, read, _) => objects.volumes[usize::from(number)] == Some(read),
        }
    }

    pub(super) fn written(self, update: Update) -> Self {
        match update {
            Update::Claim(number, _, claim) => self.put(Event::Claim(number, Some(claim))),
            Update::Volume(number, _, volume) => self.put(Event::Volume(number, Some(volume))),
        }
    }

    pub(super) fn put(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}

/// The next step of a binding: the volume names the claim, is Bound, and the claim names the volume.
fn binding((chosen, volume): (u8, Volume), (number, claim): (u8, Claim)) -> Option<Update> {
    let reference = Reference { name: number, uid: claim.uid };
    if volume.claim != Some(reference) {
        let write = Volume { claim: Some(reference), ..volume };
        Some(Update::Volume(chosen, volume, write))
    } else if volume.phase != Phase::Bound {
        Some(Update::Volume(chosen, volume, Volume { phase: Phase::Bound, ..volume }))
    } else {
        let write = Claim { volume: Some(chosen), ..claim };
        (claim != write).then_some(Update::Claim(number, claim, write))
    }
}
