//! The disruption controller and evictions: one PodDisruptionBudget over two Pods.
//!
//! Evictions read and write the budget at the API server, the controller reads it and the Pods
//! through informers; both write its status. Left out: Pods that become unhealthy on their own,
//! `maxUnavailable`, `unhealthyPodEvictionPolicy`, how the controller finds out how many Pods are
//! expected; an informer that is more than three events behind; an eviction that takes longer than
//! the two minutes after which the controller no longer believes in it.

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

/// How many Pods the budget selects.
pub const PODS: usize = 2;
/// The watcher of PodDisruptionBudgets.
pub const BUDGET_INFORMER: usize = 0;
/// The watcher of Pods.
pub const POD_INFORMER: usize = 1;
/// How many events an informer is behind at most.
pub const LAG: usize = 3;

/// The scenario `disruption`.
#[derive(Clone, Debug)]
pub struct DisruptionSlice {
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
    /// The eviction of each Pod.
    pub evictions: [Eviction; PODS],
    /// Whether a Pod has been named in `disruptedPods` for longer than an eviction takes.
    pub expired: [bool; PODS],
    /// The status update that the controller has asked for.
    pub update: Option<StatusUpdate>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The PodDisruptionBudget.
    pub budget: Budget,
    /// The Pods.
    pub pods: [Option<Pod>; PODS],
}

/// A PodDisruptionBudget. Two that are equal count as one resourceVersion: who decides by the one
/// decides the same by the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// `spec.minAvailable`. It is raised once at most, so it stands for `metadata.generation`.
    pub min_available: u8,
    /// The `minAvailable` of `status.observedGeneration`; nothing before the first status.
    pub observed: Option<u8>,
    /// `status.disruptionsAllowed`.
    pub disruptions_allowed: u8,
    /// `status.disruptedPods`.
    pub disrupted_pods: [bool; PODS],
}

/// A Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// Whether its condition `Ready` is true.
    pub ready: bool,
    /// Whether it has a deletionTimestamp.
    pub deleting: bool,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the PodDisruptionBudget.
    Budget(Budget),
    /// Of the Pod of this number.
    Pod(u8, Option<Pod>),
}

/// How far the API server is with the eviction of a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Eviction {
    /// There is none.
    None,
    /// It has read the budget, which allows it.
    Checked(Budget),
    /// The budget is written: the Pod may be deleted.
    Granted,
}

/// An update of the budget's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatusUpdate {
    /// The budget that was read: its resourceVersion must still be the newest.
    pub read: Budget,
    /// The budget as it is to be.
    pub write: Budget,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client raises `minAvailable` by one.
    pub raises: u8,
    /// The API server crashes between writing the budget and deleting the Pod.
    pub lost_evictions: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverBudget,
    DeliverPod,
    SyncBudget,
    CommitStatus,
    Evict { pod: u8 },
    CommitEviction { pod: u8 },
    DeleteEvicted { pod: u8 },
    RemovePod { pod: u8 },
    ReplacePod { pod: u8 },
    BecomeReady { pod: u8 },
    Expire { pod: u8 },
    RaiseMinAvailable,
    LoseEviction { pod: u8 },
    Crash,
}

impl Slice for DisruptionSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let pod = Pod { ready: true, deleting: false };
        let budget = Budget {
            min_available: 1,
            observed: None,
            disruptions_allowed: 0,
            disrupted_pods: [false; PODS],
        };
        State {
            store: History::listed(Objects { budget, pods: [Some(pod); PODS] }),
            evictions: [Eviction::None; PODS],
            expired: [false; PODS],
            update: None,
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let of = |pod| {
            [
                Evict { pod },
                CommitEviction { pod },
                DeleteEvicted { pod },
                RemovePod { pod },
                ReplacePod { pod },
                BecomeReady { pod },
                Expire { pod },
                LoseEviction { pod },
            ]
        };
        let others =
            [DeliverBudget, DeliverPod, SyncBudget, CommitStatus, RaiseMinAvailable, Crash];
        (0..PODS as u8).flat_map(of).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverBudget
            | Action::DeliverPod
            | Action::SyncBudget
            | Action::CommitStatus
            | Action::CommitEviction { .. }
            | Action::DeleteEvicted { .. }
            | Action::RemovePod { .. }
            | Action::ReplacePod { .. }
            | Action::BecomeReady { .. }
            | Action::Expire { .. } => Cause::Duty,
            Action::Evict { .. } | Action::RaiseMinAvailable => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
            Action::LoseEviction { .. } => Cause::Fault(Fault::LostRequest),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(
            &before.store,
            matches!(action, Action::CommitStatus | Action::CommitEviction { .. }),
        )
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        let after = self.step(before, action)?;
        Some(requests::request(before, action, &after)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start(&self.initial())
    }
}

impl Family for DisruptionSlice {
    const SCENARIOS: &'static [&'static str] = &["disruption"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { raises: 1, lost_evictions: size.times(1), crashes: size.times(1) };
        Ok(DisruptionSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Budget(budget) => self.budget = budget,
            Event::Pod(number, pod) => self.pods[usize::from(number)] = pod,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        matches!(event, Event::Budget(_)) == (watcher == BUDGET_INFORMER)
    }
}

packed!(struct State { store, evictions, expired, update, budgets });
packed!(struct Objects { budget, pods });
packed!(struct Budget { min_available, observed, disruptions_allowed, disrupted_pods });
packed!(struct Pod { ready, deleting });
packed!(
    enum Event {
        Budget(budget),
        Pod(number, pod),
    }
);
packed!(
    enum Eviction {
        None,
        Checked(budget),
        Granted,
    }
);
packed!(struct StatusUpdate { read, write });
packed!(struct Budgets { raises, lost_evictions, crashes });
