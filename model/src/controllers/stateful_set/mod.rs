//! The StatefulSet controller, two ordinals, and a Node that is cut off.
//!
//! A Pod's name is its identity: it is created again only after the old one is gone. Left out:
//! volumes, `Parallel`, rolling updates, `maxUnavailable`, Pods that fail, deletion by force, the
//! deletion of a Node; an informer that is more than two events behind.

mod claims;
mod mutations;
mod requests;
mod steps;
mod words;

pub use mutations::Mutation;

use crate::cause::Cause;
use crate::history::{self, History};
use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};
use serde::Serialize;

/// How many ordinals there are at most.
pub const ORDINALS: usize = 2;
/// How many Nodes there are.
pub const NODES: usize = 2;
/// The Node that can be cut off.
pub const FAR: usize = 0;
/// The watcher of StatefulSets.
pub const SET_INFORMER: usize = 0;
/// The watcher of Pods.
pub const POD_INFORMER: usize = 1;
/// How many events an informer is behind at most.
pub const LAG: usize = 2;

/// The scenario `stateful-set`.
#[derive(Clone, Debug)]
pub struct StatefulSetSlice {
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
    /// By Node, the ordinals whose containers run there.
    pub running: [[bool; ORDINALS]; NODES],
    /// Whether [`FAR`] is cut off.
    pub partitioned: bool,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// `spec.replicas` of the StatefulSet.
    pub replicas: u8,
    /// The Pods by ordinal.
    pub pods: [Option<Pod>; ORDINALS],
}

/// A Pod of the StatefulSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// `spec.nodeName`.
    pub node: Option<u8>,
    /// Whether it is Running and Ready.
    pub ready: bool,
    /// Whether it has a deletionTimestamp.
    pub deleting: bool,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the StatefulSet's replicas.
    Scaled(u8),
    /// Of the Pod of this ordinal.
    Pod(u8, Option<Pod>),
}

/// What the controller has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Nothing.
    None,
    /// A Pod, by its ordinal.
    Create(u8),
    /// The deletion of a Pod.
    Delete(u8),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client scales the StatefulSet.
    pub scales: u8,
    /// A client deletes a Pod.
    pub deletions: u8,
    /// A Node is cut off.
    pub partitions: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverSet,
    DeliverPod,
    SyncSet,
    Commit,
    Bind { ordinal: u8, node: u8 },
    StartContainer { ordinal: u8, node: u8 },
    StopContainer { ordinal: u8, node: u8 },
    ReportReady { ordinal: u8 },
    ConfirmDeletion { ordinal: u8 },
    Evict { ordinal: u8 },
    Reconnect,
    Scale { replicas: u8 },
    DeletePod { ordinal: u8 },
    CutOff,
    Crash,
}

impl Slice for StatefulSetSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        State {
            store: History::listed(Objects { replicas: 2, pods: [None; ORDINALS] }),
            request: Request::None,
            running: [[false; ORDINALS]; NODES],
            partitioned: false,
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let on = |ordinal| {
            (0..NODES as u8).flat_map(move |node| {
                [
                    Bind { ordinal, node },
                    StartContainer { ordinal, node },
                    StopContainer { ordinal, node },
                ]
            })
        };
        let of = |ordinal| {
            [
                ReportReady { ordinal },
                ConfirmDeletion { ordinal },
                Evict { ordinal },
                DeletePod { ordinal },
                Scale { replicas: ordinal + 1 },
            ]
        };
        let others = [DeliverSet, DeliverPod, SyncSet, Commit, Reconnect, CutOff, Crash];
        let ordinals = 0..ORDINALS as u8;
        ordinals
            .flat_map(|ordinal| of(ordinal).into_iter().chain(on(ordinal)))
            .chain(others)
            .collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverSet
            | Action::DeliverPod
            | Action::SyncSet
            | Action::Commit
            | Action::Bind { .. }
            | Action::StartContainer { .. }
            | Action::StopContainer { .. }
            | Action::ReportReady { .. }
            | Action::ConfirmDeletion { .. }
            | Action::Evict { .. }
            | Action::Reconnect => Cause::Duty,
            Action::Scale { .. } | Action::DeletePod { .. } => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
            Action::CutOff => Cause::Fault(Fault::Partition),
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all()
    }

    fn describe(&self, before: &State, action: Action, after: &State) -> String {
        words::describe(before, action, after)
    }

    fn actor(&self, action: Action) -> String {
        words::actor(action)
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        words::lanes(state)
    }

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::Commit))
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        Some(requests::request(before, action)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start()
    }
}

impl Family for StatefulSetSlice {
    const SCENARIOS: &'static [&'static str] = &["stateful-set"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets =
            Budgets { scales: 1, deletions: 1, partitions: size.times(1), crashes: size.times(1) };
        Ok(StatefulSetSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Scaled(replicas) => self.replicas = replicas,
            Event::Pod(ordinal, pod) => self.pods[usize::from(ordinal)] = pod,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        matches!(event, Event::Scaled(_)) == (watcher == SET_INFORMER)
    }
}

packed!(struct State { store, request, running, partitioned, budgets });
packed!(struct Objects { replicas, pods });
packed!(struct Pod { node, ready, deleting });
packed!(
    enum Event {
        Scaled(replicas),
        Pod(ordinal, pod),
    }
);
packed!(
    enum Request {
        None,
        Create(ordinal),
        Delete(ordinal),
    }
);
packed!(struct Budgets { scales, deletions, partitions, crashes });
