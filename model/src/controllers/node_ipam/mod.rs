//! The node IPAM controller: two Nodes, and one range of addresses for their Pods.
//!
//! A Node may go and come again under its name. Left out: more ranges than one, ranges that Nodes bring, a request
//! that arrives after its sender has crashed; an informer that is more than three events behind.

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

/// How many Nodes there are.
pub const NODES: usize = 2;
/// The watcher of Nodes.
pub const NODE_INFORMER: usize = 0;
/// How many events the informer is behind at most.
pub const LAG: usize = 3;

/// The scenario `node-ipam`.
#[derive(Clone, Debug)]
pub struct NodeIpamSlice {
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
    /// The Nodes that the controller has offered the range to, and has not seen with it.
    pub offered: [bool; NODES],
    /// The patches that are on their way: the uids of the Nodes that they are for.
    pub asked: [Option<u8>; NODES],
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The Nodes.
    pub nodes: [Option<Node>; NODES],
}

/// A Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Which of its name.
    pub uid: u8,
    /// Whether `spec.podCIDR` is the range.
    pub has_range: bool,
}

/// A change of a Node, with what it is then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of this Node.
    Node(u8, Option<Node>),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A Node registers.
    pub nodes: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverNode,
    Offer { node: u8 },
    CommitRange { node: u8 },
    CreateNode { node: u8 },
    DeleteNode { node: u8 },
    Crash,
}

impl Slice for NodeIpamSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let objects = Objects { nodes: [None; NODES] };
        let (offered, asked) = ([false; NODES], [None; NODES]);
        State { store: History::listed(objects), offered, asked, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        let of_node = |node| {
            use Action::*;
            [Offer { node }, CommitRange { node }, CreateNode { node }, DeleteNode { node }]
        };
        let of_nodes = [0, 1].into_iter().flat_map(of_node);
        [Action::DeliverNode, Action::Crash].into_iter().chain(of_nodes).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverNode | Action::Offer { .. } | Action::CommitRange { .. } => Cause::Duty,
            Action::CreateNode { .. } | Action::DeleteNode { .. } => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitRange { .. }))
    }
}

impl Family for NodeIpamSlice {
    const SCENARIOS: &'static [&'static str] = &["node-ipam"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { nodes: 3, crashes: size.times(1) };
        Ok(NodeIpamSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        let Event::Node(node, now) = *event;
        self.nodes[usize::from(node)] = now;
    }

    fn selects(watcher: usize, _: &Event) -> bool {
        watcher == NODE_INFORMER
    }
}

packed!(struct State { store, offered, asked, budgets });
packed!(struct Objects { nodes });
packed!(struct Node { uid, has_range });
packed!(
    enum Event {
        Node(node, now),
    }
);
packed!(struct Budgets { nodes, crashes });
