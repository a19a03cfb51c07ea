//! The CronJob controller: a Job at each time of a schedule, while others run or do not.
//!
//! The times are 1, 2 and 3. Left out: Jobs that somebody else makes or deletes, the policy Allow, starting
//! deadlines, suspension, histories; a Job that has the name of the next one is its own. The controller keeps its
//! status from what it has just read of missing Jobs. Informers that are more than three events behind.

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

/// The watcher of the CronJob.
pub const CRON_JOB_INFORMER: usize = 0;
/// The watcher of Jobs.
pub const JOB_INFORMER: usize = 1;
/// How many events the informers are behind at most.
pub const LAG: usize = 3;
/// How many times the schedule has.
pub const TIMES: usize = 3;

/// The scenario `cron-job`.
#[derive(Clone, Debug)]
pub struct CronJobSlice {
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
    /// The last time of the schedule that has come; 0 before the first.
    pub clock: u8,
    /// What the controller remembers.
    pub memory: Memory,
    /// What the controller is about to ask for.
    pub plan: Option<Plan>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The CronJob.
    pub cron_job: Option<CronJob>,
    /// What was made for each time.
    pub jobs: [Made; TIMES],
}

/// The CronJob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CronJob {
    /// `spec.concurrencyPolicy`.
    pub policy: Policy,
    /// Its resourceVersion: how often it was written.
    pub version: u8,
    /// Its status.
    pub status: Status,
}

/// What becomes of a Job that runs when the next is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// The next is not started.
    Forbid,
    /// It is deleted.
    Replace,
}

/// The status of the CronJob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status {
    /// `lastScheduleTime`; 0 before the first.
    pub last: u8,
    /// The times whose Jobs `active` lists.
    pub active: [bool; TIMES],
}

/// The Jobs of one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Made {
    /// How many were created.
    pub created: u8,
    /// The Job.
    pub job: Job,
}

/// A Job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// It is not there.
    Absent,
    /// It has not finished.
    Runs,
    /// It has finished.
    Finished,
}

/// What the controller remembers beside its caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// The time whose Job was made, until the status tells of it; 0 for none.
    pub started: u8,
    /// One more than the version over which the status was written: a cache that shows it is too old.
    pub outdated: u8,
    /// The times whose Jobs were deleted.
    pub deleted: [bool; TIMES],
}

/// What the controller asks for, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// The times whose Jobs are to go.
    pub deletions: [bool; TIMES],
    /// The version of the CronJob that it has read, and the status that it writes.
    pub status: Option<(u8, Status)>,
    /// The time whose Job is to start; 0 for none.
    pub start: u8,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the CronJob.
    CronJob(CronJob),
    /// Of the Jobs of a time.
    Jobs(u8, Made),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    CreateForbidding,
    CreateReplacing,
    Tick,
    DeliverCronJob,
    DeliverJob,
    Look,
    CommitDeletions,
    CommitStatus,
    CommitCreation,
    FinishJob { time: u8 },
    Crash,
}

impl Slice for CronJobSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let none = Made { created: 0, job: Job::Absent };
        let objects = Objects { cron_job: None, jobs: [none; TIMES] };
        State {
            store: History::listed(objects),
            clock: 0,
            memory: Memory::EMPTY,
            plan: None,
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut candidates = vec![CreateForbidding, CreateReplacing, Tick];
        candidates.extend([DeliverCronJob, DeliverJob, Look]);
        candidates.extend([CommitDeletions, CommitStatus, CommitCreation, Crash]);
        candidates.extend([1, 2, 3].map(|time| FinishJob { time }));
        candidates
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::Tick
            | Action::DeliverCronJob
            | Action::DeliverJob
            | Action::Look
            | Action::CommitDeletions
            | Action::CommitStatus
            | Action::CommitCreation => Cause::Duty,
            Action::CreateForbidding | Action::CreateReplacing | Action::FinishJob { .. } => {
                Cause::Choice
            }
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        let is_request = matches!(
            action,
            Action::CommitDeletions | Action::CommitStatus | Action::CommitCreation
        );
        after.store.outcome(&before.store, is_request)
    }
}

impl Family for CronJobSlice {
    const SCENARIOS: &'static [&'static str] = &["cron-job"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { crashes: size.times(1) };
        Ok(CronJobSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::CronJob(cron_job) => self.cron_job = Some(cron_job),
            Event::Jobs(time, made) => self.jobs[usize::from(time) - 1] = made,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        match event {
            Event::CronJob(_) => watcher == CRON_JOB_INFORMER,
            Event::Jobs(..) => watcher == JOB_INFORMER,
        }
    }
}

packed!(struct State { store, clock, memory, plan, budgets });
packed!(struct Objects { cron_job, jobs });
packed!(struct CronJob { policy, version, status });
packed!(
    enum Policy {
        Forbid,
        Replace,
    }
);
packed!(struct Status { last, active });
packed!(struct Made { created, job });
packed!(
    enum Job {
        Absent,
        Runs,
        Finished,
    }
);
packed!(struct Memory { started, outdated, deleted });
packed!(struct Plan { deletions, status, start });
packed!(
    enum Event {
        CronJob(cron_job),
        Jobs(time, made),
    }
);
packed!(struct Budgets { crashes });
