//! How ReplicaSets take Pods as their own and let them go, as upstream's `PodControllerRefManager`.
//!
//! Two ReplicaSets, of which one may be deleted and created again, and one name of a Pod, which may
//! be taken twice. Left out: how many Pods a ReplicaSet wants; Pods that are Terminating; the graph
//! of the garbage collector, which looks at what there is; an informer that is more than three events
//! behind.

mod claims;
mod mutations;
mod objects;
mod requests;
mod steps;
mod words;

pub use mutations::Mutation;
pub use objects::{Event, Label, Objects, Pod, Reference, Set};

use crate::cause::Cause;
use crate::history::History;
use crate::slice::{Family, Fault, Outcome, Size, Slice};
use crate::{claims_and_words, packed};
use objects::SETS;
use serde::Serialize;

/// The watcher of ReplicaSets.
pub const SET_INFORMER: usize = 0;
/// The watcher of Pods.
pub const POD_INFORMER: usize = 1;
/// How many events an informer is behind at most.
pub const LAG: usize = 3;

/// The scenario `adoption`.
#[derive(Clone, Debug)]
pub struct AdoptionSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the controller has read.
    pub store: History<Objects, 2, 8>,
    /// What the controller has asked for, for each ReplicaSet.
    pub requests: [Request; SETS],
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the controller has asked for, for one ReplicaSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Nothing.
    None,
    /// To read the ReplicaSet from the API server, before it adopts a Pod.
    Recheck(Patch),
    /// To make it the Pod's controller.
    Adopt(Patch),
    /// To take it out of the Pod's ownerReferences.
    Release(Patch),
}

/// A change of a Pod's ownerReferences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Patch {
    /// The uid of the Pod that the cache showed. The API server refuses the patch for another.
    pub pod: u8,
    /// The ReplicaSet.
    pub owner: Reference,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client creates a Pod, each with another uid.
    pub creations: u8,
    /// A client deletes a Pod or changes its labels.
    pub changes: u8,
    /// A client deletes a ReplicaSet.
    pub set_deletions: u8,
    /// The controller crashes, or a request of it is lost.
    pub faults: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverSet,
    DeliverPod,
    SyncSet { set: u8 },
    Recheck { set: u8 },
    Commit { set: u8 },
    CollectPod,
    OrphanPod { set: u8 },
    FinishOrphaning { set: u8 },
    CreatePod,
    DeletePod,
    RelabelPod { label: Label },
    DeleteSet { set: u8, orphans: bool },
    RecreateSet,
    LoseRequest { set: u8 },
    Crash,
}

impl Slice for AdoptionSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        State {
            store: History::listed(Objects::START),
            requests: [Request::None; SETS],
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let of = |set| {
            let controller = [SyncSet { set }, Recheck { set }, Commit { set }];
            let collector = [OrphanPod { set }, FinishOrphaning { set }, LoseRequest { set }];
            let clients = [true, false].map(|orphans| DeleteSet { set, orphans });
            controller.into_iter().chain(collector).chain(clients)
        };
        let labels = [Label::Both, Label::Second, Label::Neither];
        let others = [DeliverSet, DeliverPod, CollectPod, CreatePod, DeletePod, RecreateSet, Crash];
        let relabels = labels.map(|label| RelabelPod { label });
        (0..SETS as u8).flat_map(of).chain(others).chain(relabels).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverSet
            | Action::DeliverPod
            | Action::SyncSet { .. }
            | Action::Recheck { .. }
            | Action::Commit { .. }
            | Action::CollectPod
            | Action::OrphanPod { .. }
            | Action::FinishOrphaning { .. } => Cause::Duty,
            Action::CreatePod
            | Action::DeletePod
            | Action::RelabelPod { .. }
            | Action::DeleteSet { .. }
            | Action::RecreateSet => Cause::Choice,
            Action::LoseRequest { .. } => Cause::Fault(Fault::LostRequest),
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::Commit { .. }))
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        let after = self.step(before, action)?;
        Some(requests::request(before, action, &after)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start()
    }
}

impl Family for AdoptionSlice {
    const SCENARIOS: &'static [&'static str] = &["adoption"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let faults = size.times(1);
        let budgets = Budgets { creations: 2, changes: 2, set_deletions: 1, faults };
        Ok(AdoptionSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { store, requests, budgets });
packed!(
    enum Request {
        None,
        Recheck(patch),
        Adopt(patch),
        Release(patch),
    }
);
packed!(struct Patch { pod, owner });
packed!(struct Budgets { creations, changes, set_deletions, faults });
