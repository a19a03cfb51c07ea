//! The ResourceQuota controller: counts what is used anew, while clients create and delete.
//!
//! Admission counts what is created, in the same step. Left out: what is refused (the scenario `quota` has it),
//! scopes, other quotas; an informer that is more than three events behind.

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

/// The watcher of the quota.
pub const QUOTA_INFORMER: usize = 0;
/// How many events the informer is behind at most.
pub const LAG: usize = 3;

/// The scenario `resource-quota`.
#[derive(Clone, Debug)]
pub struct ResourceQuotaSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the controller has read.
    pub store: History<Objects, 1, 5>,
    /// What the controller has read.
    pub reading: Option<Reading>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The ResourceQuota.
    pub quota: Quota,
    /// How many objects there are that it counts.
    pub objects: u8,
}

/// The ResourceQuota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Its resourceVersion: how often it was written.
    pub version: u8,
    /// `status.used`.
    pub used: u8,
}

/// What the controller has read: the quota, then what it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reading {
    /// The quota, as its cache showed it.
    pub quota: Quota,
    /// How many objects a list has shown since.
    pub count: Option<u8>,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the quota and of the number of objects that it counts.
    Objects(Quota, u8),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client creates an object.
    pub objects: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverQuota,
    ReadQuota,
    ListObjects,
    CommitStatus,
    CreateObject,
    DeleteObject,
    Crash,
}

impl Slice for ResourceQuotaSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let objects = Objects { quota: Quota { version: 0, used: 0 }, objects: 0 };
        State { store: History::listed(objects), reading: None, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        vec![DeliverQuota, ReadQuota, ListObjects, CommitStatus, CreateObject, DeleteObject, Crash]
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverQuota
            | Action::ReadQuota
            | Action::ListObjects
            | Action::CommitStatus => Cause::Duty,
            Action::CreateObject | Action::DeleteObject => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitStatus))
    }
}

impl Family for ResourceQuotaSlice {
    const SCENARIOS: &'static [&'static str] = &["resource-quota"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { objects: 3, crashes: size.times(1) };
        Ok(ResourceQuotaSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        let Event::Objects(quota, objects) = *event;
        *self = Objects { quota, objects };
    }

    fn selects(watcher: usize, _: &Event) -> bool {
        watcher == QUOTA_INFORMER
    }
}

packed!(struct State { store, reading, budgets });
packed!(struct Objects { quota, objects });
packed!(struct Quota { version, used });
packed!(struct Reading { quota, count });
packed!(
    enum Event {
        Objects(quota, objects),
    }
);
packed!(struct Budgets { objects, crashes });
