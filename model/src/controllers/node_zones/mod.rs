//! The node lifecycle controller in a cluster of two zones: which Nodes get a taint with the effect NoExecute, and when.
//!
//! The scenario `eviction` has what happens to one Node in detail; here a Node falls silent and is marked in one step.
//! Left out: Leases, the order in which the Nodes of a zone wait, zones of which most Nodes are lost, Nodes that do
//! not count, an informer that is more than two events behind.

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
pub const LAG: usize = 2;
/// How many Nodes there are.
pub const NODES: usize = 3;
/// How many zones there are.
pub const ZONES: usize = 2;
/// The zone of each Node.
pub const ZONE_OF: [usize; NODES] = [0, 0, 1];

/// The scenario `node-zones`.
#[derive(Clone, Debug)]
pub struct NodeZonesSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the controller has read.
    pub store: History<Objects, 1, 4>,
    /// What the controller remembers.
    pub memory: Memory,
    /// The patch of a Node that is on its way.
    pub asked: Option<Patch>,
    /// How many Nodes of each zone have had their turn in this period. For claims only.
    pub turns: [u8; ZONES],
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The Nodes.
    pub nodes: [Node; NODES],
}

/// A Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Its Ready condition.
    pub ready: bool,
    /// Whether it has the taint `node.kubernetes.io/unreachable:NoExecute`.
    pub tainted: bool,
}

/// What the controller remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// How many may be tainted now, in each zone.
    pub limiters: [Limiter; ZONES],
    /// The Nodes whose turn has come and which are not tainted yet.
    pub granted: [bool; NODES],
}

/// The bucket of a zone, for one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limiter {
    /// No token comes: no Node of the cluster is ready.
    Stopped,
    /// The token was taken in this period.
    Empty,
    /// The next Node may be tainted.
    Full,
}

/// The list of taints of a Node, as it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Patch {
    /// The Node.
    pub node: u8,
    /// Whether it is to have the taint.
    pub tainted: bool,
    /// Whether the Node has changed since it was read: the patch names its resourceVersion.
    pub outdated: bool,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of a Node.
    Node(u8, Node),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A Node falls silent.
    pub losses: u8,
    /// A Node is ready again.
    pub returns: u8,
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
    Tick,
    LoseNode { node: u8 },
    NodeReturns { node: u8 },
    Crash,
}

impl Slice for NodeZonesSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let nodes = [Node { ready: true, tainted: false }; NODES];
        State {
            store: History::listed(Objects { nodes }),
            memory: Memory::EMPTY,
            asked: None,
            turns: [0; ZONES],
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut candidates = vec![DeliverNode, CommitPatch, Tick, Crash];
        for node in [0, 1, 2] {
            candidates.extend([Sync { node }, LoseNode { node }, NodeReturns { node }]);
        }
        candidates
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverNode | Action::Sync { .. } | Action::CommitPatch | Action::Tick => {
                Cause::Duty
            }
            Action::LoseNode { .. } | Action::NodeReturns { .. } => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitPatch))
    }
}

impl Family for NodeZonesSlice {
    const SCENARIOS: &'static [&'static str] = &["node-zones"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { losses: 4, returns: 1, crashes: size.times(1) };
        Ok(NodeZonesSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl Objects {
    /// Whether some Node is ready.
    pub fn has_ready(&self) -> bool {
        self.nodes.iter().any(|node| node.ready)
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        let Event::Node(node, object) = *event;
        self.nodes[usize::from(node)] = object;
    }

    fn selects(watcher: usize, _: &Event) -> bool {
        watcher == NODE_INFORMER
    }
}

packed!(struct State { store, memory, asked, turns, budgets });
packed!(struct Objects { nodes });
packed!(struct Node { ready, tainted });
packed!(struct Memory { limiters, granted });
packed!(
    enum Limiter {
        Stopped,
        Empty,
        Full,
    }
);
packed!(struct Patch { node, tainted, outdated });
packed!(
    enum Event {
        Node(node, object),
    }
);
packed!(struct Budgets { losses, returns, crashes });
