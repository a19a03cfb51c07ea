//! The TTL controller: tells each Node for how long it may keep what it has read, by how many Nodes there are.
//!
//! There are two sizes of clusters, small and large, which overlap at two Nodes. Left out: the five sizes and their
//! seconds; an informer that is more than three events behind.

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

/// The watcher of Nodes.
pub const NODE_INFORMER: usize = 0;
/// How many events the informer is behind at most.
pub const LAG: usize = 3;
/// How many Nodes there are at most.
pub const NODES: usize = 3;
/// Of how many Nodes both a small cluster and a large one may be.
pub const BOTH: usize = 2;

/// The scenario `node-ttl`.
#[derive(Clone, Debug)]
pub struct NodeTtlSlice {
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
    /// What the controller takes the cluster for.
    pub size: Ttl,
    /// The Node that the controller patches, and what it tells it.
    pub asked: Option<(u8, Ttl)>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// What each Node was told, if it is there.
    pub nodes: [Option<Ttl>; NODES],
}

/// What a Node is told by its annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ttl {
    /// Nothing.
    Untold,
    /// What Nodes of a small cluster are.
    Short,
    /// What Nodes of a large one are.
    Long,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of a Node.
    Node(u8, Option<Ttl>),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A Node comes.
    pub nodes: u8,
    /// A Node goes.
    pub deletions: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverNode,
    Sync { node: u8 },
    CommitPatch,
    CreateNode { node: u8 },
    DeleteNode { node: u8 },
    Crash,
}

impl Slice for NodeTtlSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let store = History::listed(Objects { nodes: [None; NODES] });
        State { store, size: Ttl::Short, asked: None, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut candidates = vec![DeliverNode, CommitPatch, Crash];
        for node in [0, 1, 2] {
            candidates.extend([Sync { node }, CreateNode { node }, DeleteNode { node }]);
        }
        candidates
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverNode | Action::Sync { .. } | Action::CommitPatch => Cause::Duty,
            Action::CreateNode { .. } | Action::DeleteNode { .. } => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitPatch))
    }
}

impl Family for NodeTtlSlice {
    const SCENARIOS: &'static [&'static str] = &["node-ttl"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { nodes: 4, deletions: 2, crashes: size.times(1) };
        Ok(NodeTtlSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl Objects {
    /// How many Nodes there are.
    pub fn count(&self) -> usize {
        self.nodes.iter().flatten().count()
    }
}

impl Ttl {
    /// Whether Nodes may be told this where there are so many.
    pub fn suits(self, count: usize) -> bool {
        match self {
            Ttl::Untold => false,
            Ttl::Short => count <= BOTH,
            Ttl::Long => count >= BOTH,
        }
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        let Event::Node(node, ttl) = *event;
        self.nodes[usize::from(node)] = ttl;
    }

    fn selects(watcher: usize, _: &Event) -> bool {
        watcher == NODE_INFORMER
    }
}

packed!(struct State { store, size, asked, budgets });
packed!(struct Objects { nodes });
packed!(
    enum Ttl {
        Untold,
        Short,
        Long,
    }
);
packed!(
    enum Event {
        Node(node, ttl),
    }
);
packed!(struct Budgets { nodes, deletions, crashes });
