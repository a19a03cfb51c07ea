//! The VolumeAttributesClass protection controller: a class stays as long as a claim or a volume names it.
//!
//! One class, one claim that comes to name it, and one volume that has it. Left out: how a volume gets what its
//! class says; other classes. Informers that are more than three events behind.

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

/// The watcher of classes.
pub const CLASS_INFORMER: usize = 0;
/// The watcher of claims and volumes.
pub const USER_INFORMER: usize = 1;
/// How many events the informers are behind at most.
pub const LAG: usize = 3;

/// The scenario `volume-attributes-class`.
#[derive(Clone, Debug)]
pub struct AttributesClassSlice {
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
    /// What the controller asks for, and over which version of the class.
    pub asked: Option<(u8, Finalizer)>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The class.
    pub class: Option<Class>,
    /// Whether the claim names the class.
    pub is_claimed: bool,
    /// Whether the volume has the class.
    pub is_applied: bool,
}

/// The class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Class {
    /// Its resourceVersion: how often it was written.
    pub version: u8,
    /// Whether it has the finalizer of the controller.
    pub finalizer: bool,
    /// Whether it is being deleted.
    pub deleted: bool,
}

/// What becomes of the finalizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finalizer {
    /// The class gets it.
    Comes,
    /// The class loses it.
    Goes,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the class.
    Class(Option<Class>),
    /// Of the claim.
    Claim(bool),
    /// Of the volume.
    Volume(bool),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client creates the class.
    pub classes: u8,
    /// The claim names the class, or does so no longer.
    pub edits: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverClass,
    DeliverUser,
    Sync,
    CommitFinalizer,
    ModifyVolume,
    CreateClass,
    DeleteClass,
    EditClaim,
    Crash,
}

impl Slice for AttributesClassSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let objects = Objects { class: None, is_claimed: false, is_applied: false };
        State { store: History::listed(objects), asked: None, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut candidates = vec![DeliverClass, DeliverUser, Sync, CommitFinalizer, ModifyVolume];
        candidates.extend([CreateClass, DeleteClass, EditClaim, Crash]);
        candidates
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverClass
            | Action::DeliverUser
            | Action::Sync
            | Action::CommitFinalizer
            | Action::ModifyVolume => Cause::Duty,
            Action::CreateClass | Action::DeleteClass | Action::EditClaim => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitFinalizer))
    }
}

impl Family for AttributesClassSlice {
    const SCENARIOS: &'static [&'static str] = &["volume-attributes-class"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { classes: 2, edits: 3, crashes: size.times(1) };
        Ok(AttributesClassSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl Objects {
    /// Whether a claim or a volume names the class.
    pub fn is_used(&self) -> bool {
        self.is_claimed || self.is_applied
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Class(class) => self.class = class,
            Event::Claim(is_claimed) => self.is_claimed = is_claimed,
            Event::Volume(is_applied) => self.is_applied = is_applied,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        match event {
            Event::Class(_) => watcher == CLASS_INFORMER,
            Event::Claim(_) | Event::Volume(_) => watcher == USER_INFORMER,
        }
    }
}

packed!(struct State { store, asked, budgets });
packed!(struct Objects { class, is_claimed, is_applied });
packed!(struct Class { version, finalizer, deleted });
packed!(
    enum Finalizer {
        Comes,
        Goes,
    }
);
packed!(
    enum Event {
        Class(class),
        Claim(is_claimed),
        Volume(is_applied),
    }
);
packed!(struct Budgets { classes, edits, crashes });
