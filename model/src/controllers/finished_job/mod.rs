//! The TTL-after-finished controller: a Job that asks to be deleted some time after it has finished.
//!
//! The Job may come again under its name, and its user may take the wish back. Left out: Pods, and how a Job
//! finishes; an informer that is more than three events behind.

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

/// The watcher of Jobs.
pub const JOB_INFORMER: usize = 0;
/// How many events the informer is behind at most.
pub const LAG: usize = 3;

/// The scenario `ttl-after-finished`.
#[derive(Clone, Debug)]
pub struct FinishedJobSlice {
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
    /// The Job that the controller asks to delete, as it has seen it.
    pub asked: Option<Job>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The Job.
    pub job: Option<Job>,
}

/// A Job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Job {
    /// Which of its name.
    pub uid: u8,
    /// Whether it has `spec.ttlSecondsAfterFinished`.
    pub has_ttl: bool,
    /// Whether it has finished.
    pub finished: bool,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the Job.
    Job(Option<Job>),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client creates the Job.
    pub jobs: u8,
    /// A client takes its wish back, or has it again.
    pub edits: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverJob,
    Expire,
    CommitDeletion,
    FinishJob,
    CreateJob,
    EditTtl,
    DeleteJob,
    Crash,
}

impl Slice for FinishedJobSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        State { store: History::listed(Objects { job: None }), asked: None, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        vec![DeliverJob, Expire, CommitDeletion, FinishJob, CreateJob, EditTtl, DeleteJob, Crash]
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverJob | Action::Expire | Action::CommitDeletion => Cause::Duty,
            Action::FinishJob | Action::CreateJob | Action::EditTtl | Action::DeleteJob => {
                Cause::Choice
            }
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitDeletion))
    }
}

impl Family for FinishedJobSlice {
    const SCENARIOS: &'static [&'static str] = &["ttl-after-finished"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { jobs: 2, edits: 2, crashes: size.times(1) };
        Ok(FinishedJobSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        let Event::Job(job) = *event;
        self.job = job;
    }

    fn selects(watcher: usize, _: &Event) -> bool {
        watcher == JOB_INFORMER
    }
}

packed!(struct State { store, asked, budgets });
packed!(struct Objects { job });
packed!(struct Job { uid, has_ttl, finished });
packed!(
    enum Event {
        Job(job),
    }
);
packed!(struct Budgets { jobs, edits, crashes });
