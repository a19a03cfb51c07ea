//! Preemption: a Pod that fits nowhere has Pods of lower priority deleted, and waits for their place.
//!
//! Two Nodes with one place each, both taken by Pods of low priority, of which one is covered by a
//! PodDisruptionBudget; a Pod of high priority, and one more of low priority that would like the
//! place too. Left out: the queue (see `scheduler-queue`), several victims on one Node, preemption
//! policies, answers to requests, Bindings that outlive the scheduler which sent them.

mod claims;
mod mutations;
mod requests;
mod scheduler;
mod steps;
mod words;

pub use mutations::Mutation;

use crate::cause::Cause;
use crate::history::{self, History};
use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};
use serde::Serialize;

/// How many Pods there are.
pub const PODS: usize = 4;
/// How many Nodes there are; each has one place.
pub const NODES: usize = 2;
/// The Pod of high priority. A client creates it.
pub const HIGH: u8 = 0;
/// A Pod of low priority on node-0. Its PodDisruptionBudget allows no disruption.
pub const PROTECTED: u8 = 1;
/// A Pod of low priority on node-1.
pub const OTHER: u8 = 2;
/// A Pod of low priority that a client creates.
pub const LATE: u8 = 3;
/// `spec.priority` of each Pod.
pub const PRIORITY: [u8; PODS] = [1, 0, 0, 0];

/// The scenario `preemption`.
#[derive(Clone, Debug)]
pub struct PreemptionSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// Whether no event is skipped.
    pub lazy: bool,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the store and the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The store, and how far the scheduler has read.
    pub store: History<Objects, 1, 20>,
    /// The scheduler.
    pub scheduler: Scheduler,
    /// Whether a client has still to create the Pod.
    pub to_create: [bool; PODS],
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The Pods that exist.
    pub pods: [Option<Pod>; PODS],
    /// Whether each Node exists.
    pub nodes: [bool; NODES],
}

/// A Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// `spec.nodeName`.
    pub node: Option<u8>,
    /// `status.nominatedNodeName`.
    pub nominated: Option<u8>,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deleting: bool,
}

/// A change of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The Pod is so now, or is gone.
    Pod(u8, Option<Pod>),
    /// The Node was deleted.
    NodeDeleted(u8),
}

/// kube-scheduler's memory, and its requests in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scheduler {
    /// By Pod: the Node that it is assumed on until the informer shows it there.
    pub assumed: [Option<Assumed>; PODS],
    /// By Pod: the Node that it is nominated to (`nominator`).
    pub nominated: [Option<u8>; PODS],
    /// The deletion of a victim that is on its way.
    pub eviction: Option<Eviction>,
    /// The Pod whose `status.nominatedNodeName` is about to be patched.
    pub patching: Option<u8>,
}

/// A Pod that is assumed on a Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Assumed {
    /// The Node.
    pub node: u8,
    /// Whether the Binding was committed.
    pub bound: bool,
}

/// `DELETE` of a Pod for the sake of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Eviction {
    /// Who needs the place.
    pub preemptor: u8,
    /// Who has it.
    pub victim: u8,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client deletes node-1.
    pub deletions: u8,
    /// kube-scheduler crashes and starts again.
    pub crashes: u8,
    /// The deletion of a victim is lost on its way.
    pub lost_requests: u8,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    CreatePod { pod: u8 },
    DeleteNode,
    RemovePod { pod: u8 },
    Deliver,
    Schedule { pod: u8, node: u8 },
    CommitBinding { pod: u8 },
    Preempt { pod: u8, node: u8 },
    CommitEviction,
    LoseEviction,
    CommitNomination,
    Crash,
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Pod(pod, object) => self.pods[usize::from(pod)] = object,
            Event::NodeDeleted(node) => self.nodes[usize::from(node)] = false,
        }
    }
}

impl Slice for PreemptionSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let on = |node| Some(Pod { node: Some(node), nominated: None, deleting: false });
        let pods = [None, on(0), on(1), None];
        let mut store = History::listed(Objects { pods, nodes: [true; NODES] });
        store.lazy = self.lazy;
        let to_create = [true, false, false, true];
        State { store, scheduler: Scheduler::STARTED, to_create, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        let of_pod = |pod| {
            [
                Action::CreatePod { pod },
                Action::RemovePod { pod },
                Action::CommitBinding { pod },
                Action::Schedule { pod, node: 0 },
                Action::Schedule { pod, node: 1 },
                Action::Preempt { pod, node: 0 },
                Action::Preempt { pod, node: 1 },
            ]
        };
        let others = [
            Action::DeleteNode,
            Action::Deliver,
            Action::CommitEviction,
            Action::LoseEviction,
            Action::CommitNomination,
            Action::Crash,
        ];
        (0..PODS as u8).flat_map(of_pod).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::RemovePod { .. }
            | Action::Deliver
            | Action::Schedule { .. }
            | Action::CommitBinding { .. }
            | Action::Preempt { .. }
            | Action::CommitEviction
            | Action::CommitNomination => Cause::Duty,
            Action::CreatePod { .. } | Action::DeleteNode => Cause::Choice,
            Action::LoseEviction => Cause::Fault(Fault::LostRequest),
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
        requests::outcome(before, action, after)
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        Some(requests::request(before, action)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start(&self.initial())
    }
}

impl Family for PreemptionSlice {
    const SCENARIOS: &'static [&'static str] = &["preemption"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets =
            Budgets { deletions: 1, crashes: size.times(1), lost_requests: size.times(1) };
        Ok(PreemptionSlice { budgets, lazy: size.lazy, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { store, scheduler, to_create, budgets });
packed!(struct Objects { pods, nodes });
packed!(struct Pod { node, nominated, deleting });
packed!(
    enum Event {
        Pod(pod, object),
        NodeDeleted(node),
    }
);
packed!(struct Scheduler { assumed, nominated, eviction, patching });
packed!(struct Assumed { node, bound });
packed!(struct Eviction { preemptor, victim });
packed!(struct Budgets { deletions, crashes, lost_requests });
