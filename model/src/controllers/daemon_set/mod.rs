//! The DaemonSet controller: one Pod on each Node that is eligible, and one controller after another.
//!
//! The controller asks for one Pod at a time. Left out: rolling updates, Pods that fail, requests
//! that arrive after their sender has crashed; an informer that is more than two events behind.

mod claims;
mod mutations;
mod requests;
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
/// How many names of Pods there are for each Node.
pub const NAMES: usize = 2;
/// The watcher of Nodes.
pub const NODE_INFORMER: usize = 0;
/// The watcher of Pods.
pub const POD_INFORMER: usize = 1;
/// How many events an informer is behind at most.
pub const LAG: usize = 2;

/// The scenario `daemon-set`.
#[derive(Clone, Debug)]
pub struct DaemonSetSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the controller has read.
    pub store: History<Objects, 2, 6>,
    /// What the controller has asked for.
    pub request: Request,
    /// What it asked for and has not seen: until it does, its cache is too old to count.
    pub expected: Expected,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The Nodes that the DaemonSet's node selector selects.
    pub eligible: [bool; NODES],
    /// The Pods of each Node.
    pub pods: [[Pod; NAMES]; NODES],
}

/// A Pod of the DaemonSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pod {
    /// There is none of this name.
    None,
    /// It exists.
    Active,
    /// It has a deletionTimestamp.
    Terminating,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Whether a Node is eligible.
    Node(u8, bool),
    /// A Pod of a Node, by its name.
    Pod {
        /// The Node.
        node: u8,
        /// The name.
        name: u8,
        /// The Pod after it.
        pod: Pod,
    },
}

/// What the controller has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Nothing.
    None,
    /// A Pod for a Node.
    Create(u8),
    /// The deletion of a Pod of a Node.
    Delete {
        /// The Node.
        node: u8,
        /// The Pod's name.
        name: u8,
    },
}

/// What the controller waits to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expected {
    /// Nothing.
    None,
    /// A Pod that is new.
    Creation,
    /// A Pod that goes.
    Deletion,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client labels a Node, or takes the label away.
    pub labels: u8,
    /// A client deletes a Pod.
    pub deletions: u8,
    /// The controller crashes, and another one takes over.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverNode,
    DeliverPod,
    SyncSet,
    Commit,
    RemovePod { node: u8, name: u8 },
    DeletePod { node: u8, name: u8 },
    Label { node: u8 },
    FailOver,
}

impl Slice for DaemonSetSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let objects = Objects { eligible: [true; NODES], pods: [[Pod::None; NAMES]; NODES] };
        State {
            store: History::listed(objects),
            request: Request::None,
            expected: Expected::None,
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let of = |node| {
            let names = 0..NAMES as u8;
            let pods =
                names.flat_map(move |name| [RemovePod { node, name }, DeletePod { node, name }]);
            pods.chain([Label { node }])
        };
        let others = [DeliverNode, DeliverPod, SyncSet, Commit, FailOver];
        (0..NODES as u8).flat_map(of).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverNode
            | Action::DeliverPod
            | Action::SyncSet
            | Action::Commit
            | Action::RemovePod { .. } => Cause::Duty,
            Action::DeletePod { .. } | Action::Label { .. } => Cause::Choice,
            Action::FailOver => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::Commit))
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        let after = self.step(before, action)?;
        Some(requests::request(before, action, &after)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start(&self.initial())
    }
}

impl Family for DaemonSetSlice {
    const SCENARIOS: &'static [&'static str] = &["daemon-set"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { labels: 3, deletions: 2, crashes: size.times(1) };
        Ok(DaemonSetSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Node(node, eligible) => self.eligible[usize::from(node)] = eligible,
            Event::Pod { node, name, pod } => {
                self.pods[usize::from(node)][usize::from(name)] = pod;
            }
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        matches!(event, Event::Node(..)) == (watcher == NODE_INFORMER)
    }
}

packed!(struct State { store, request, expected, budgets });
packed!(struct Objects { eligible, pods });
packed!(
    enum Pod {
        None,
        Active,
        Terminating,
    }
);
packed!(enum Event { Node(node, eligible), Pod { node, name, pod } });
packed!(enum Request { None, Create(node), Delete { node, name } });
packed!(
    enum Expected {
        None,
        Creation,
        Deletion,
    }
);
packed!(struct Budgets { labels, deletions, crashes });
