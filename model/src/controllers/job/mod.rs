//! The Job controller and its tracking finalizers: one Job, one completion.
//!
//! A sync reads the caches of Jobs and Pods, and asks for one thing at a time. Left out: Indexed
//! Jobs, suspension, Pod failure policy, deadlines, the delay between failures, adoption; an
//! informer that is more than two events behind.

mod claims;
mod controller;
mod mutations;
mod objects;
mod requests;
mod steps;
mod track;
mod words;

pub use mutations::Mutation;
pub use objects::{Condition, Event, Job, Objects, PODS, Phase, Pod, Set, Uncounted};

use crate::cause::Cause;
use crate::history::History;
use crate::slice::{Family, Fault, Outcome, Size, Slice};
use crate::{claims_and_words, packed};
use serde::Serialize;

/// `spec.completions`.
pub const COMPLETIONS: u8 = 1;
/// `spec.parallelism`.
pub const PARALLELISM: u8 = 1;
/// `spec.backoffLimit`.
pub const BACKOFF_LIMIT: u8 = 0;

/// The watcher of Jobs.
pub const JOB_INFORMER: usize = 0;
/// The watcher of Pods.
pub const POD_INFORMER: usize = 1;

/// How many events an informer is behind at most.
pub const LAG: usize = 2;

/// The scenario `job`.
#[derive(Clone, Debug)]
pub struct JobSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the controller has read.
    pub store: History<Objects, 2, 4>,
    /// How many Pods of the Job have ended, or were deleted before: the truth to count.
    pub ended: u8,
    /// The Job controller.
    pub controller: Controller,
    /// What may still happen.
    pub budgets: Budgets,
}

/// The Job controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Controller {
    /// Pods that it asked for and has not seen: while there are any it asks for no more.
    pub expected_creations: u8,
    /// Pods whose finalizer it removes and that its cache still shows with it.
    pub expected_removals: Set,
    /// Pods that lost their Job, waiting for their finalizer to be removed.
    pub orphans: [Orphan; PODS],
    /// What it has asked for and has no answer to.
    pub request: Request,
}

/// Where a Pod without a Job stands in the controller's queue of orphans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Orphan {
    /// It is not in it.
    None,
    /// It waits.
    Queued,
    /// The patch that removes its finalizer is on its way.
    Sent,
}

/// What a sync has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Nothing.
    None,
    /// A Pod to be created.
    CreatePod,
    /// A Pod to be deleted: the Job has failed.
    DeletePod {
        /// Which.
        pod: u8,
    },
    /// An update of the Job's status, and then the removal of finalizers.
    UpdateStatus {
        /// The Job that was read: its resourceVersion must still be the newest.
        read: Job,
        /// The Job as it is to be.
        write: Job,
        /// The Pods to release once this is written.
        release: Set,
    },
    /// Patches that remove finalizers.
    RemoveFinalizers {
        /// The Job as it was written last.
        job: Job,
        /// The Pods that are still to be patched.
        release: Set,
        /// Those that were patched.
        released: Set,
    },
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A container fails, or a client deletes a Pod.
    pub mishaps: u8,
    /// A client deletes the Job.
    pub job_deletions: u8,
    /// The controller crashes, or the answer to a request is lost.
    pub faults: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverJob,
    DeliverPod,
    SyncJob,
    Commit,
    LoseAnswer,
    SyncOrphanPod { pod: u8 },
    CommitOrphanPatch { pod: u8 },
    Succeed { pod: u8 },
    Fail { pod: u8 },
    CollectPod { pod: u8 },
    OrphanPod { pod: u8 },
    FinishOrphaning,
    DeletePod { pod: u8 },
    DeleteJob { orphans: bool },
    Crash,
}

impl Slice for JobSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let objects = Objects { job: Some(Job::NEW), pods: [None; PODS] };
        State {
            store: History::listed(objects),
            ended: 0,
            controller: Controller::STARTED,
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let of = |pod| {
            [
                SyncOrphanPod { pod },
                CommitOrphanPatch { pod },
                Succeed { pod },
                Fail { pod },
                CollectPod { pod },
                OrphanPod { pod },
                DeletePod { pod },
            ]
        };
        let others = [
            DeliverJob,
            DeliverPod,
            SyncJob,
            Commit,
            LoseAnswer,
            FinishOrphaning,
            DeleteJob { orphans: false },
            DeleteJob { orphans: true },
            Crash,
        ];
        (0..PODS as u8).flat_map(of).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverJob
            | Action::DeliverPod
            | Action::SyncJob
            | Action::Commit
            | Action::SyncOrphanPod { .. }
            | Action::CommitOrphanPatch { .. }
            | Action::Succeed { .. }
            | Action::CollectPod { .. }
            | Action::OrphanPod { .. }
            | Action::FinishOrphaning => Cause::Duty,
            Action::Fail { .. } | Action::DeletePod { .. } | Action::DeleteJob { .. } => {
                Cause::Choice
            }
            Action::Crash => Cause::Fault(Fault::Crash),
            Action::LoseAnswer => Cause::Fault(Fault::LostRequest),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        let is_request = matches!(
            action,
            Action::Commit | Action::LoseAnswer | Action::CommitOrphanPatch { .. }
        );
        after.store.outcome(&before.store, is_request)
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        let after = self.step(before, action)?;
        Some(requests::request(before, action, &after)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start()
    }
}

impl Family for JobSlice {
    const SCENARIOS: &'static [&'static str] = &["job"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { mishaps: 1, job_deletions: 1, faults: size.times(1) };
        Ok(JobSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { store, ended, controller, budgets });
packed!(struct Controller { expected_creations, expected_removals, orphans, request });
packed!(
    enum Orphan {
        None,
        Queued,
        Sent,
    }
);
packed!(
    enum Request {
        None,
        CreatePod,
        DeletePod { pod },
        UpdateStatus { read, write, release },
        RemoveFinalizers { job, release, released },
    }
);
packed!(
    struct Budgets {
        mishaps, job_deletions, faults
    }
);
