//! The Job controller under a quota: which Pods its status counts as active when some are refused.
//!
//! The scenario `job` has how Pods that have ended are counted; here one that has ended counts as failed as soon as the
//! controller hears of it. Left out: finalizers, completions, how many are created at once, conflicts of the status;
//! an informer that is more than three events behind.

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
/// How many events the informer is behind at most.
pub const LAG: usize = 3;
/// `spec.parallelism` of the Job.
pub const PARALLELISM: u8 = 2;

/// The scenario `job-quota`.
#[derive(Clone, Debug)]
pub struct JobQuotaSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The Pods, and how far the controller has read.
    pub store: History<Pods, 1, 5>,
    /// `status` of the Job.
    pub status: Status,
    /// How many Pods the quota allows at a time.
    pub quota: u8,
    /// Pods that the controller has created and not seen yet.
    pub expected: u8,
    /// What the controller is about to ask for.
    pub plan: Option<Plan>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// The Pods of the Job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pods {
    /// How many were ever created.
    pub created: u8,
    /// How many of them have ended.
    pub ended: u8,
}

/// What a Job says of its Pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status {
    /// `active`.
    pub active: u8,
    /// `failed`.
    pub failed: u8,
}

/// What the controller asks for: Pods, and then the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Pods that are still to be created.
    pub creations: u8,
    /// Pods that were refused, or left out because one was.
    pub uncreated: u8,
    /// The status, as if every Pod had been created.
    pub status: Status,
}

/// A change, with what there is after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A Pod was created, or has ended.
    Pod(Pods),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A Pod ends.
    pub ends: u8,
    /// Somebody changes the quota.
    pub changes: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverPod,
    SyncJob,
    CommitCreation,
    CommitStatus,
    EndPod,
    SetQuota { pods: u8 },
    Crash,
}

impl Slice for JobQuotaSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        State {
            store: History::listed(Pods { created: 0, ended: 0 }),
            status: Status { active: 0, failed: 0 },
            quota: PARALLELISM,
            expected: 0,
            plan: None,
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut candidates = vec![DeliverPod, SyncJob, CommitCreation, CommitStatus, EndPod, Crash];
        candidates.extend((0..=PARALLELISM).map(|pods| SetQuota { pods }));
        candidates
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverPod
            | Action::SyncJob
            | Action::CommitCreation
            | Action::CommitStatus => Cause::Duty,
            Action::EndPod | Action::SetQuota { .. } => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        let is_creation = matches!(action, Action::CommitCreation);
        after.store.outcome(&before.store, is_creation)
    }
}

impl Family for JobQuotaSlice {
    const SCENARIOS: &'static [&'static str] = &["job-quota"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { ends: 2, changes: 2, crashes: size.times(1) };
        Ok(JobQuotaSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl Pods {
    /// How many there are that have not ended.
    pub fn active(&self) -> u8 {
        self.created - self.ended
    }
}

impl history::Objects for Pods {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        let Event::Pod(pods) = *event;
        *self = pods;
    }

    fn selects(watcher: usize, _: &Event) -> bool {
        watcher == POD_INFORMER
    }
}

packed!(struct State { store, status, quota, expected, plan, budgets });
packed!(struct Pods { created, ended });
packed!(struct Status { active, failed });
packed!(struct Plan { creations, uncreated, status });
packed!(
    enum Event {
        Pod(pods),
    }
);
packed!(struct Budgets { ends, changes, crashes });
