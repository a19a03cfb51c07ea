//! The garbage collector: one owner, two dependents, and a graph that is built from two informers.
//!
//! What is absent is known by live lookups only. Left out: owners of owners, several owners of one
//! dependent, finalizers of others, discovery of kinds; an informer that is more than two events
//! behind.

mod claims;
mod mutations;
mod objects;
mod requests;
mod steps;
mod words;

pub use mutations::Mutation;
pub use objects::{Dependent, Event, Objects, Owner, Policy, Reference};

use crate::cause::Cause;
use crate::history::History;
use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};
use serde::Serialize;

/// How many dependents there are.
pub const DEPENDENTS: usize = 2;
/// The watcher of the owner's kind.
pub const OWNER_INFORMER: usize = 0;
/// The watcher of the dependents' kind.
pub const DEPENDENT_INFORMER: usize = 1;
/// How many events an informer is behind at most.
pub const LAG: usize = 2;

/// The scenario `garbage-collector`.
#[derive(Clone, Debug)]
pub struct CollectorSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the informers have read.
    pub store: History<Objects, 2, 6>,
    /// The garbage collector's graph.
    pub graph: Graph,
    /// What may still happen.
    pub budgets: Budgets,
}

/// The graph: the owner's node, and each dependent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Graph {
    /// The node of the owner's uid.
    pub owner: Node,
    /// The dependents that are in it.
    pub dependents: [Entry; DEPENDENTS],
    /// `absentOwnerCache`: whether the uid is known to be absent at the right coordinates, and at
    /// the wrong ones.
    pub absent: [bool; 2],
}

/// The node of the owner's uid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// There is none.
    None,
    /// No informer has shown it. A dependent names it so.
    Virtual(Reference),
    /// An informer has shown it.
    Observed,
}

/// A dependent in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// It is not in it.
    None,
    /// It is in it, and nothing is to be done.
    Known,
    /// It waits in `attemptToDelete`.
    Queued,
    /// Its deletion is on its way.
    Deleting,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client creates a dependent.
    pub creations: [bool; DEPENDENTS],
    /// A client creates an owner of the same name again.
    pub recreations: u8,
    /// The garbage collector crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverOwner,
    DeliverDependent,
    InsertOwner,
    InsertDependent { dependent: u8 },
    VerifyVirtual,
    AttemptToDelete { dependent: u8 },
    CommitDeletion { dependent: u8 },
    Orphan { dependent: u8 },
    RemoveFinalizer,
    CreateDependent { dependent: u8, wrong: bool },
    DeleteOwner { policy: Policy },
    RecreateOwner,
    Crash,
}

impl Slice for CollectorSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let owner = Some(Owner { recreated: false, deleting: None });
        let objects = Objects { owner, dependents: [None; DEPENDENTS] };
        State { store: History::listed(objects), graph: Graph::EMPTY, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let of = |dependent| {
            [
                InsertDependent { dependent },
                AttemptToDelete { dependent },
                CommitDeletion { dependent },
                Orphan { dependent },
                CreateDependent { dependent, wrong: false },
                CreateDependent { dependent, wrong: true },
            ]
        };
        let others = [
            DeliverOwner,
            DeliverDependent,
            InsertOwner,
            VerifyVirtual,
            RemoveFinalizer,
            DeleteOwner { policy: Policy::Background },
            DeleteOwner { policy: Policy::Foreground },
            DeleteOwner { policy: Policy::Orphan },
            RecreateOwner,
            Crash,
        ];
        (0..DEPENDENTS as u8).flat_map(of).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverOwner
            | Action::DeliverDependent
            | Action::InsertOwner
            | Action::InsertDependent { .. }
            | Action::VerifyVirtual
            | Action::AttemptToDelete { .. }
            | Action::CommitDeletion { .. }
            | Action::Orphan { .. }
            | Action::RemoveFinalizer => Cause::Duty,
            Action::CreateDependent { .. } | Action::DeleteOwner { .. } | Action::RecreateOwner => {
                Cause::Choice
            }
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all()
    }

    fn describe(&self, _: &State, action: Action, _: &State) -> String {
        words::describe(action)
    }

    fn actor(&self, action: Action) -> String {
        words::actor(action).to_owned()
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        words::lanes(state)
    }

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        let is_request = matches!(action, Action::CommitDeletion { .. });
        after.store.outcome(&before.store, is_request)
    }

    fn request(&self, _: &State, action: Action) -> Option<serde_json::Value> {
        Some(requests::request(action)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start(&self.initial())
    }
}

impl Family for CollectorSlice {
    const SCENARIOS: &'static [&'static str] = &["garbage-collector"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets =
            Budgets { creations: [true; DEPENDENTS], recreations: 1, crashes: size.times(1) };
        Ok(CollectorSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { store, graph, budgets });
packed!(struct Graph { owner, dependents, absent });
packed!(
    enum Node {
        None,
        Virtual(reference),
        Observed,
    }
);
packed!(
    enum Entry {
        None,
        Known,
        Queued,
        Deleting,
    }
);
packed!(struct Budgets { creations, recreations, crashes });
