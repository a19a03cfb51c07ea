//! Two kube-schedulers, of which one leads, and what the old leader had sent when the lead changes.
//!
//! Two Pods, two Nodes with one place each, two kubelets that admit. Left out: how the Lease is
//! written (see `election`): a leader that cannot renew has exited when its Lease may be taken; the
//! queue; the answers to Bindings; kubelets that lag.

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

/// How many schedulers there are.
pub const SCHEDULERS: usize = 2;
/// How many Pods there are.
pub const PODS: usize = 2;
/// How many Nodes there are; each has one place.
pub const NODES: usize = 2;

/// The scenario `two-schedulers`.
#[derive(Clone, Debug)]
pub struct FailoverSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// Whether no event is skipped.
    pub lazy: bool,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the store, the schedulers and the Nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The store, and how far each scheduler has read.
    pub store: History<Objects, SCHEDULERS, 10>,
    /// The Lease.
    pub lease: Lease,
    /// The schedulers.
    pub schedulers: [Scheduler; SCHEDULERS],
    /// By Pod: the Node of a Binding that a scheduler had sent before it exited.
    pub late_bindings: [Option<u8>; PODS],
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The Pods.
    pub pods: [Pod; PODS],
}

/// A Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// `status.phase`.
    pub phase: Phase,
    /// `spec.nodeName`.
    pub node: Option<u8>,
}

/// `status.phase` of a Pod, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The Pod has not been created.
    Absent,
    /// It waits.
    Pending,
    /// Its containers run.
    Running,
    /// The kubelet has rejected it.
    Failed,
}

/// A Pod has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// The Pod.
    pub pod: u8,
    /// How it is now.
    pub object: Pod,
}

/// The Lease object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// `spec.holderIdentity`, by number.
    pub holder: Option<u8>,
    /// Whether it was not renewed for `leaseDurationSeconds`.
    pub silent: bool,
}

/// A scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scheduler {
    /// Whether it leads.
    pub leads: bool,
    /// By Pod: the Node that it is assumed on until the informer shows it bound.
    pub assumed: [Option<Assumed>; PODS],
}

/// A Pod that is assumed on a Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Assumed {
    /// The Node.
    pub node: u8,
    /// Whether the Binding was committed.
    pub bound: bool,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// The leader crashes.
    pub crashes: u8,
    /// The leader cannot renew the Lease, and exits.
    pub partitions: u8,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    CreatePod { pod: u8 },
    Deliver { scheduler: u8 },
    Lead { scheduler: u8 },
    FallSilent,
    Schedule { scheduler: u8, pod: u8, node: u8 },
    CommitBinding { scheduler: u8, pod: u8 },
    CommitLateBinding { pod: u8 },
    Admit { pod: u8 },
    Reject { pod: u8 },
    Crash { scheduler: u8 },
    GiveUp { scheduler: u8 },
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        self.pods[usize::from(event.pod)] = event.object;
    }
}

impl Objects {
    /// How many Pods are bound to this Node and have not been rejected.
    pub fn bound_to(&self, node: u8) -> usize {
        let here = |pod: &&Pod| pod.node == Some(node) && pod.phase != Phase::Failed;
        self.pods.iter().filter(here).count()
    }

    /// How many Pods run on this Node.
    pub fn running_on(&self, node: u8) -> usize {
        let here = |pod: &&Pod| pod.node == Some(node) && pod.phase == Phase::Running;
        self.pods.iter().filter(here).count()
    }
}

impl Slice for FailoverSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let absent = Pod { phase: Phase::Absent, node: None };
        let mut store = History::listed(Objects { pods: [absent; PODS] });
        store.lazy = self.lazy;
        State {
            store,
            lease: Lease { holder: None, silent: false },
            schedulers: [Scheduler::STARTED; SCHEDULERS],
            late_bindings: [None; PODS],
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        let mut all = vec![Action::FallSilent];
        for pod in 0..PODS as u8 {
            all.extend([Action::CreatePod { pod }, Action::CommitLateBinding { pod }]);
            all.extend([Action::Admit { pod }, Action::Reject { pod }]);
        }
        for scheduler in 0..SCHEDULERS as u8 {
            all.extend([Action::Deliver { scheduler }, Action::Lead { scheduler }]);
            all.extend([Action::Crash { scheduler }, Action::GiveUp { scheduler }]);
            for pod in 0..PODS as u8 {
                all.push(Action::CommitBinding { scheduler, pod });
                all.extend((0..NODES as u8).map(|node| Action::Schedule { scheduler, pod, node }));
            }
        }
        all
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::Deliver { .. }
            | Action::Lead { .. }
            | Action::FallSilent
            | Action::Schedule { .. }
            | Action::CommitBinding { .. }
            | Action::Admit { .. }
            | Action::Reject { .. } => Cause::Duty,
            Action::CreatePod { .. } => Cause::Choice,
            Action::CommitLateBinding { .. } => Cause::Fault(Fault::LateRequest),
            Action::Crash { .. } => Cause::Fault(Fault::Crash),
            Action::GiveUp { .. } => Cause::Fault(Fault::Partition),
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
        let binds =
            matches!(action, Action::CommitBinding { .. } | Action::CommitLateBinding { .. });
        after.store.outcome(&before.store, binds)
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        Some(requests::request(before, action)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start()
    }
}

impl Family for FailoverSlice {
    const SCENARIOS: &'static [&'static str] = &["two-schedulers"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { crashes: size.times(1), partitions: size.times(1) };
        Ok(FailoverSlice { budgets, lazy: size.lazy, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { store, lease, schedulers, late_bindings, budgets });
packed!(struct Objects { pods });
packed!(struct Pod { phase, node });
packed!(
    enum Phase {
        Absent,
        Pending,
        Running,
        Failed,
    }
);
packed!(struct Event { pod, object });
packed!(struct Lease { holder, silent });
packed!(struct Scheduler { leads, assumed });
packed!(struct Assumed { node, bound });
packed!(struct Budgets { crashes, partitions });
