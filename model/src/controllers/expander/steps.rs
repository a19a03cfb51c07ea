//! The steps of the controller, of the binder, of the driver, and of clients.

use super::{
    Action, Budgets, CLAIM_INFORMER, Claim, Event, Objects, State, VERSIONS, VOLUME_INFORMER,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverClaim => state.deliver_claim(),
            Action::DeliverVolume => state.deliver_volume(),
            Action::Sync => state.sync(Objects::wants_resizer),
            Action::CommitResizer => state.commit_resizer(|live, seen| live == seen),
            Action::BindVolume => state.bind_volume(),
            Action::BindClaim => state.bind_claim(),
            Action::Resize => state.resize(),
            Action::CreateClaim => state.create_claim(),
            Action::DeleteClaim => state.delete_claim(),
            Action::GrowClaim => state.grow_claim(),
            Action::Crash => state.crash(),
        }
    }
}

impl Objects {
    /// Whether the claim and its volume have each other, and the claim asks for more than it has.
    pub fn wants_resizer(&self) -> bool {
        let claim = self.claim.filter(|claim| claim.is_bound && claim.wants_more());
        claim.is_some_and(|claim| self.claim_ref == Some(claim.uid))
    }
}

impl State {
    /// The controller hears of the claim, and looks at it if it is bound and has grown, or is new.
    pub fn deliver_claim(&self) -> Option<Self> {
        let was = self.store.cache(CLAIM_INFORMER)?.claim;
        let mut next = *self;
        next.store.deliver(CLAIM_INFORMER)?;
        let is = next.store.cache(CLAIM_INFORMER)?.claim.filter(|claim| claim.is_bound);
        next.is_due |= is.is_some_and(|is| {
            was.is_none_or(|was| is.requested > was.requested || is.capacity > was.capacity)
        });
        Some(next)
    }

    /// The controller hears of the volume, and looks at the claim if the volume has come to name it.
    pub fn deliver_volume(&self) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(VOLUME_INFORMER)?;
        next.is_due = true;
        Some(next)
    }

    /// The controller looks at the claim and its volume.
    pub fn sync(&self, wants_resizer: fn(&Objects) -> bool) -> Option<Self> {
        let seen = self.store.caches().filter(|_| self.is_due && self.asked.is_none())?;
        let asked = seen.claim.filter(|_| wants_resizer(&seen)).map(|claim| claim.version);
        Some(State { is_due: false, asked, ..*self })
    }

    /// The API server writes into the claim who makes its volume larger, if it is as it was read. The controller tries
    /// again where it is not (Conflict).
    pub fn commit_resizer(&self, is_granted: fn(u8, u8) -> bool) -> Option<Self> {
        let version = self.asked?;
        let next = State { asked: None, ..*self };
        let live = self.store.now().claim;
        let Some(claim) = live.filter(|live| is_granted(live.version, version)) else {
            return Some(State { is_due: true, ..next });
        };
        let told = Claim { has_resizer: true, ..claim };
        Some(if claim.has_resizer { next } else { next.write(told) })
    }

    /// The binder gives the volume, which somebody has taken from a claim that is gone, to the claim.
    pub fn bind_volume(&self) -> Option<Self> {
        let objects = self.store.now();
        let uid = objects.claim?.uid;
        (objects.claim_ref != Some(uid)).then(|| self.put(Event::Volume(Some(uid))))
    }

    /// The binder says of a claim that has its volume how much it has.
    pub fn bind_claim(&self) -> Option<Self> {
        let objects = self.store.now();
        let claim = objects.claim.filter(|claim| !claim.is_bound)?;
        let bound = Claim { is_bound: true, capacity: claim.requested, ..claim };
        (objects.claim_ref == Some(claim.uid)).then(|| self.write(bound))
    }

    /// The driver that the claim names makes the volume larger.
    pub fn resize(&self) -> Option<Self> {
        let claim = self.store.now().claim?;
        let larger = Claim { capacity: claim.requested, ..claim };
        (claim.has_resizer && claim.wants_more()).then(|| self.write(larger))
    }

    /// A client creates the claim.
    pub fn create_claim(&self) -> Option<Self> {
        let claims = self.budgets.claims.checked_sub(1)?;
        let next = State { budgets: Budgets { claims, ..self.budgets }, ..*self };
        let new = Claim {
            uid: claims,
            version: VERSIONS * claims,
            is_bound: false,
            requested: 1,
            capacity: 0,
            has_resizer: false,
        };
        self.store.now().claim.is_none().then(|| next.put(Event::Claim(Some(new))))
    }

    /// A client deletes the claim.
    pub fn delete_claim(&self) -> Option<Self> {
        self.store.now().claim.map(|_| self.put(Event::Claim(None)))
    }

    /// A client asks for more, which only a claim may that is bound.
    pub fn grow_claim(&self) -> Option<Self> {
        let growths = self.budgets.growths.checked_sub(1)?;
        let next = State { budgets: Budgets { growths, ..self.budgets }, ..*self };
        let claim = self.store.now().claim.filter(|claim| claim.is_bound)?;
        Some(next.write(Claim { requested: claim.requested + 1, ..claim }))
    }

    /// The controller crashes, starts again, lists, and looks at what there is.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { is_due: true, asked: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    /// Writes the claim, which has another version then.
    fn write(&self, claim: Claim) -> Self {
        self.put(Event::Claim(Some(Claim { version: claim.version + 1, ..claim })))
    }

    fn put(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}
