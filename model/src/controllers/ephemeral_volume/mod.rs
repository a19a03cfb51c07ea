//! The claim that a Pod brings: the ephemeral volume controller, the scheduler and the garbage collector.
//!
//! There are a Pod, which may come again under its name, and somebody who takes the name of its claim. Left
//! out: volumes, the finalizer of the claim, other claims; an informer that is more than three events behind.

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

/// The watcher of Pods.
pub const POD_INFORMER: usize = 0;
/// The watcher of claims.
pub const CLAIM_INFORMER: usize = 1;
/// How many events an informer is behind at most.
pub const LAG: usize = 3;

/// The scenario `ephemeral-volume`.
#[derive(Clone, Debug)]
pub struct EphemeralVolumeSlice {
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
    /// The claim that the controller has asked for: its Pod's uid.
    pub asked: Option<u8>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The Pod.
    pub pod: Option<Pod>,
    /// The claim of its name.
    pub claim: Option<VolumeClaim>,
}

/// The Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// Which of its name.
    pub uid: u8,
    /// Whether it runs on a Node.
    pub runs: bool,
}

/// A PersistentVolumeClaim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VolumeClaim {
    /// The uid of the Pod that controls it; nothing where somebody else has made it.
    pub owner: Option<u8>,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the Pod.
    Pod(Option<Pod>),
    /// Of the claim.
    Claim(Option<VolumeClaim>),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client creates the Pod.
    pub pods: u8,
    /// A client creates a claim of the name.
    pub claims: u8,
    /// A client deletes the claim.
    pub claim_deletions: u8,
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
    CommitClaim,
    RunPod,
    CollectClaim,
    CreatePod,
    DeletePod,
    CreateClaim,
    DeleteClaim,
    Crash,
}

impl Slice for EphemeralVolumeSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let objects = Objects { pod: None, claim: None };
        State { store: History::listed(objects), asked: None, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        vec![
            DeliverPod,
            DeliverClaim,
            SyncPod,
            CommitClaim,
            RunPod,
            CollectClaim,
            CreatePod,
            DeletePod,
            CreateClaim,
            DeleteClaim,
            Crash,
        ]
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
            | Action::CommitClaim
            | Action::RunPod
            | Action::CollectClaim => Cause::Duty,
            Action::CreatePod | Action::DeletePod | Action::CreateClaim | Action::DeleteClaim => {
                Cause::Choice
            }
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitClaim))
    }
}

impl Family for EphemeralVolumeSlice {
    const SCENARIOS: &'static [&'static str] = &["ephemeral-volume"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { pods: 2, claims: 1, claim_deletions: 2, crashes: size.times(1) };
        Ok(EphemeralVolumeSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Pod(pod) => self.pod = pod,
            Event::Claim(claim) => self.claim = claim,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        matches!(event, Event::Pod(_)) == (watcher == POD_INFORMER)
    }
}

packed!(struct State { store, asked, budgets });
packed!(struct Objects { pod, claim });
packed!(struct Pod { uid, runs });
packed!(struct VolumeClaim { owner });
packed!(
    enum Event {
        Pod(pod),
        Claim(claim),
    }
);
packed!(struct Budgets { pods, claims, claim_deletions, crashes });
