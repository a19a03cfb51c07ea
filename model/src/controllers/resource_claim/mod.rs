//! The ResourceClaim controller: makes claims for Pods, and gives back what Pods had reserved.
//!
//! One Pod, which may come again under its name, the claims that are made for it from a template, and a claim that
//! somebody else has made and that it names. kube-scheduler allocates and reserves in one step. Left out: devices;
//! claims made for a Pod are not reserved. Informers that are more than three events behind.

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

/// The watcher of the Pod.
pub const POD_INFORMER: usize = 0;
/// The watcher of claims.
pub const CLAIM_INFORMER: usize = 1;
/// How many events the informers are behind at most.
pub const LAG: usize = 3;
/// How many claims are made at most.
pub const MADE: usize = 2;

/// The scenario `resource-claim`.
#[derive(Clone, Debug)]
pub struct ResourceClaimSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the controller has read.
    pub store: History<Objects, 2, 5>,
    /// The uid of the Pod for which the controller has made a claim, though its cache may not show it.
    pub made: Option<u8>,
    /// What the controller asks for.
    pub asked: Option<Write>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The Pod.
    pub pod: Option<Pod>,
    /// The uids of the Pods for which there are claims.
    pub made: [Option<u8>; MADE],
    /// The claim that the Pod names.
    pub named: Named,
}

/// A Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// Which of its name.
    pub uid: u8,
    /// Whether it has ended.
    pub is_done: bool,
}

/// The claim that a Pod names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Named {
    /// Its resourceVersion: how often it was written.
    pub version: u8,
    /// The uid of the Pod for which it is allocated and reserved.
    pub reserved_for: Option<u8>,
}

/// A write of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// One is made for the Pod of this uid.
    Make(u8),
    /// The one of this version is reserved for nobody, and not allocated.
    Release(u8),
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the Pod.
    Pod(Option<Pod>),
    /// Of a claim that was made.
    Made(u8, Option<u8>),
    /// Of the claim that the Pod names.
    Named(Named),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client creates the Pod.
    pub pods: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverPod,
    DeliverClaim,
    SyncPod,
    SyncClaim,
    CommitClaim,
    Reserve,
    CollectClaim { claim: u8 },
    CreatePod,
    FinishPod,
    DeletePod,
    Crash,
}

impl Slice for ResourceClaimSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let named = Named { version: 0, reserved_for: None };
        let objects = Objects { pod: None, made: [None; MADE], named };
        State { store: History::listed(objects), made: None, asked: None, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut candidates = vec![DeliverPod, DeliverClaim, SyncPod, SyncClaim, CommitClaim];
        candidates.extend([0, 1].map(|claim| CollectClaim { claim }));
        candidates.extend([Reserve, CreatePod, FinishPod, DeletePod, Crash]);
        candidates
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverPod
            | Action::DeliverClaim
            | Action::SyncPod
            | Action::SyncClaim
            | Action::CommitClaim
            | Action::Reserve
            | Action::CollectClaim { .. } => Cause::Duty,
            Action::CreatePod | Action::FinishPod | Action::DeletePod => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitClaim))
    }
}

impl Family for ResourceClaimSlice {
    const SCENARIOS: &'static [&'static str] = &["resource-claim"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { pods: 2, crashes: size.times(1) };
        Ok(ResourceClaimSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl Objects {
    /// Whether the Pod of this uid is there, and has not ended.
    pub fn lives(&self, uid: u8) -> bool {
        self.pod.is_some_and(|pod| pod.uid == uid && !pod.is_done)
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Pod(pod) => self.pod = pod,
            Event::Made(claim, owner) => self.made[usize::from(claim)] = owner,
            Event::Named(named) => self.named = named,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        match event {
            Event::Pod(_) => watcher == POD_INFORMER,
            Event::Made(..) | Event::Named(_) => watcher == CLAIM_INFORMER,
        }
    }
}

packed!(struct State { store, made, asked, budgets });
packed!(struct Objects { pod, made, named });
packed!(struct Pod { uid, is_done });
packed!(struct Named { version, reserved_for });
packed!(
    enum Write {
        Make(uid),
        Release(version),
    }
);
packed!(
    enum Event {
        Pod(pod),
        Made(claim, owner),
        Named(named),
    }
);
packed!(struct Budgets { pods, crashes });
