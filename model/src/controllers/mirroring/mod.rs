//! The EndpointSliceMirroring controller: Endpoints that somebody writes by hand, as slices.
//!
//! One Service, which may come to select Pods itself, its Endpoints, and a slice of somebody else. Left out:
//! addresses and ports, of which one number stands for all; several slices for several ports. Informers that are
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

/// The watcher of Endpoints and Services.
pub const ENDPOINTS_INFORMER: usize = 0;
/// The watcher of slices.
pub const SLICE_INFORMER: usize = 1;
/// How many events the informers are behind at most.
pub const LAG: usize = 3;
/// How many slices of the controller there are at most.
pub const MIRRORS: usize = 2;

/// The scenario `endpoint-slice-mirroring`.
#[derive(Clone, Debug)]
pub struct MirroringSlice {
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
    /// How many writes of slices the controller must see before it believes its cache.
    pub unseen: u8,
    /// What the controller asks for.
    pub asked: Option<Write>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// Whether the Service selects Pods.
    pub selects: bool,
    /// What the Endpoints say, if they are there.
    pub endpoints: Option<u8>,
    /// What each slice of the controller says.
    pub mirrors: [Option<u8>; MIRRORS],
    /// Whether the slice of somebody else is there.
    pub foreign: bool,
}

/// A write of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// A new one that says this.
    Create(u8),
    /// One that is there says this.
    Update(u8, u8),
    /// One goes.
    Delete(u8),
    /// The slice of somebody else goes.
    DeleteForeign,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the Service.
    Service(bool),
    /// Of the Endpoints.
    Endpoints(Option<u8>),
    /// Of a slice of the controller.
    Mirror(u8, Option<u8>),
    /// The slice of somebody else is gone.
    ForeignGone,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client writes the Endpoints; what they say counts these down.
    pub writes: u8,
    /// A client edits the selector of the Service.
    pub edits: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverEndpoints,
    DeliverSlice,
    Sync,
    CommitSlice,
    WriteEndpoints,
    DeleteEndpoints,
    EditSelector,
    Crash,
}

impl Slice for MirroringSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let objects =
            Objects { selects: false, endpoints: None, mirrors: [None; MIRRORS], foreign: true };
        State { store: History::listed(objects), unseen: 0, asked: None, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut candidates = vec![DeliverEndpoints, DeliverSlice, Sync, CommitSlice];
        candidates.extend([WriteEndpoints, DeleteEndpoints, EditSelector, Crash]);
        candidates
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverEndpoints
            | Action::DeliverSlice
            | Action::Sync
            | Action::CommitSlice => Cause::Duty,
            Action::WriteEndpoints | Action::DeleteEndpoints | Action::EditSelector => {
                Cause::Choice
            }
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitSlice))
    }
}

impl Family for MirroringSlice {
    const SCENARIOS: &'static [&'static str] = &["endpoint-slice-mirroring"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { writes: 3, edits: 2, crashes: size.times(1) };
        Ok(MirroringSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Service(selects) => self.selects = selects,
            Event::Endpoints(endpoints) => self.endpoints = endpoints,
            Event::Mirror(index, says) => self.mirrors[usize::from(index)] = says,
            Event::ForeignGone => self.foreign = false,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        match event {
            Event::Service(_) | Event::Endpoints(_) => watcher == ENDPOINTS_INFORMER,
            Event::Mirror(..) | Event::ForeignGone => watcher == SLICE_INFORMER,
        }
    }
}

packed!(struct State { store, unseen, asked, budgets });
packed!(struct Objects { selects, endpoints, mirrors, foreign });
packed!(
    enum Write {
        Create(says),
        Update(index, says),
        Delete(index),
        DeleteForeign,
    }
);
packed!(
    enum Event {
        Service(selects),
        Endpoints(endpoints),
        Mirror(index, says),
        ForeignGone,
    }
);
packed!(struct Budgets { writes, edits, crashes });
