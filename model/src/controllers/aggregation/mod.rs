//! The ClusterRole aggregation controller: a role that has the rules of two others.
//!
//! Anybody may change the rules of the aggregated role, and of the others. Left out: selectors that change, rules
//! that several roles have; an informer that is more than three events behind.

mod claims;
mod mutations;
mod steps;
mod words;

pub use mutations::Mutation;

use crate::cause::Cause;
use crate::history::{self, History};
use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};
use serde::Serialize;

/// How many roles are aggregated.
pub const ROLES: usize = 2;
/// The watcher of ClusterRoles.
pub const ROLE_INFORMER: usize = 0;
/// How many events the informer is behind at most.
pub const LAG: usize = 3;

/// Whether there are the rules of each of the roles.
pub type Rules = [bool; ROLES];

/// The scenario `cluster-role-aggregation`.
#[derive(Clone, Debug)]
pub struct AggregationSlice {
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
    /// The rules that the controller applies.
    pub asked: Option<Rules>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// Which of the roles that match the selector are there.
    pub roles: Rules,
    /// The rules of the aggregated role.
    pub aggregated: Rules,
}

/// A change, with the rules after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of this role.
    Role(u8, bool),
    /// Of the aggregated one.
    Aggregated(Rules),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A role comes or goes.
    pub changes: u8,
    /// A client edits the rules of the aggregated role.
    pub edits: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverRole,
    SyncRole,
    CommitRules,
    ChangeRole { role: u8 },
    EditRules { role: u8 },
    Crash,
}

impl Slice for AggregationSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let objects = Objects { roles: [false; ROLES], aggregated: [false; ROLES] };
        State { store: History::listed(objects), asked: None, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let of_role = |role| [ChangeRole { role }, EditRules { role }];
        let always = [DeliverRole, SyncRole, CommitRules, Crash];
        always.into_iter().chain([0, 1].into_iter().flat_map(of_role)).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverRole | Action::SyncRole | Action::CommitRules => Cause::Duty,
            Action::ChangeRole { .. } | Action::EditRules { .. } => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all()
    }

    fn describe(&self, _: &State, action: Action, after: &State) -> String {
        words::describe(action, after)
    }

    fn actor(&self, action: Action) -> String {
        words::actor(action).to_owned()
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        words::lanes(state)
    }

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitRules))
    }
}

impl Family for AggregationSlice {
    const SCENARIOS: &'static [&'static str] = &["cluster-role-aggregation"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { changes: 3, edits: 1, crashes: size.times(1) };
        Ok(AggregationSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Role(role, is_there) => self.roles[usize::from(role)] = is_there,
            Event::Aggregated(rules) => self.aggregated = rules,
        }
    }

    fn selects(watcher: usize, _: &Event) -> bool {
        watcher == ROLE_INFORMER
    }
}

packed!(struct State { store, asked, budgets });
packed!(struct Objects { roles, aggregated });
packed!(
    enum Event {
        Role(role, is_there),
        Aggregated(rules),
    }
);
packed!(struct Budgets { changes, edits, crashes });
