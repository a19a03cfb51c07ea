//! The persistent volume expander: says who is to make the volume of a claim larger.
//!
//! One claim, which may come again under its name, and one volume of a plugin that is a driver now. Left out: claims
//! that a driver looks after without being told, and the Events that all of them get; volumes whose file system is
//! still to grow; the size of the volume, which the claim has as soon as its driver has made it. Informers that are
//! more than three events behind.

mod claims;
mod mutations;
mod steps;
mod words;

pub use mutations::Mutation;

use crate::cause::Cause;
use crate::history::{self, History};
use crate::slice::{Family, Fault, Outcome, Size, Slice};
use crate::{claims_and_words, packed};
use serde::Serialize;

/// The watcher of claims.
pub const CLAIM_INFORMER: usize = 0;
/// The watcher of volumes.
pub const VOLUME_INFORMER: usize = 1;
/// How many events the informers are behind at most.
pub const LAG: usize = 3;
/// More versions than a claim has.
pub const VERSIONS: u8 = 8;

/// The scenario `persistent-volume-expander`.
#[derive(Clone, Debug)]
pub struct ExpanderSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the controller has read.
    pub store: History<Objects, 2, 5>,
    /// Whether the controller is to look at the claim.
    pub is_due: bool,
    /// The version of the claim into which the controller writes who makes its volume larger.
    pub asked: Option<u8>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The claim.
    pub claim: Option<Claim>,
    /// The uid of the claim that the volume names.
    pub claim_ref: Option<u8>,
}

/// The claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The first of the name, or the second.
    pub uid: u8,
    /// Its resourceVersion; no two claims have the same.
    pub version: u8,
    /// Whether its phase is Bound.
    pub is_bound: bool,
    /// How much it asks for.
    pub requested: u8,
    /// How much it has (`status.capacity`).
    pub capacity: u8,
    /// Whether it says who is to make its volume larger.
    pub has_resizer: bool,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the claim.
    Claim(Option<Claim>),
    /// Of the volume.
    Volume(Option<u8>),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client creates the claim.
    pub claims: u8,
    /// A client asks for more.
    pub growths: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverClaim,
    DeliverVolume,
    Sync,
    CommitResizer,
    BindVolume,
    BindClaim,
    Resize,
    CreateClaim,
    DeleteClaim,
    GrowClaim,
    Crash,
}

impl Slice for ExpanderSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let store = History::listed(Objects { claim: None, claim_ref: None });
        State { store, is_due: false, asked: None, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut candidates = vec![DeliverClaim, DeliverVolume, Sync, CommitResizer];
        candidates.extend([BindVolume, BindClaim, Resize]);
        candidates.extend([CreateClaim, DeleteClaim, GrowClaim, Crash]);
        candidates
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverClaim
            | Action::DeliverVolume
            | Action::Sync
            | Action::CommitResizer
            | Action::BindVolume
            | Action::BindClaim
            | Action::Resize => Cause::Duty,
            Action::CreateClaim | Action::DeleteClaim | Action::GrowClaim => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitResizer))
    }
}

impl Family for ExpanderSlice {
    const SCENARIOS: &'static [&'static str] = &["persistent-volume-expander"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { claims: 2, growths: 2, crashes: size.times(1) };
        Ok(ExpanderSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl Claim {
    /// Whether it asks for more than it has.
    pub fn wants_more(&self) -> bool {
        self.requested > self.capacity
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Claim(claim) => self.claim = claim,
            Event::Volume(claim_ref) => self.claim_ref = claim_ref,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        match event {
            Event::Claim(_) => watcher == CLAIM_INFORMER,
            Event::Volume(_) => watcher == VOLUME_INFORMER,
        }
    }
}

packed!(struct State { store, is_due, asked, budgets });
packed!(struct Objects { claim, claim_ref });
packed!(struct Claim { uid, version, is_bound, requested, capacity, has_resizer });
packed!(
    enum Event {
        Claim(claim),
        Volume(claim_ref),
    }
);
packed!(struct Budgets { claims, growths, crashes });
