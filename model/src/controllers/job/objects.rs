//! The Job and its Pods, as the API server stores them.

use crate::history;
use crate::packed;

/// How many Pods can exist.
pub const PODS: usize = 2;

/// A set of Pods.
pub type Set = [bool; PODS];

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The Job, unless it is gone.
    pub job: Option<Job>,
    /// The Pods by name.
    pub pods: [Option<Pod>; PODS],
}

/// A Job. Its status only ever moves on, so two that are equal have the same resourceVersion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Job {
    /// `status.succeeded`.
    pub succeeded: u8,
    /// `status.failed`.
    pub failed: u8,
    /// `status.uncountedTerminatedPods`.
    pub uncounted: [Uncounted; PODS],
    /// The condition that says that it is finished.
    pub condition: Condition,
    /// Whether it has a deletionTimestamp, and the finalizer `orphan`.
    pub orphans: bool,
}

/// Where a Pod stands in `status.uncountedTerminatedPods`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Uncounted {
    /// Not in it.
    No,
    /// In `succeeded`.
    Succeeded,
    /// In `failed`.
    Failed,
}

/// The condition of a Job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// It is not finished.
    None,
    /// `Complete`.
    Complete,
    /// `Failed`.
    Failed,
}

/// A Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// `status.phase`.
    pub phase: Phase,
    /// Whether `metadata.ownerReferences` names the Job.
    pub owned: bool,
    /// Whether it has the finalizer `batch.kubernetes.io/job-tracking`.
    pub finalizer: bool,
    /// Whether it has a deletionTimestamp.
    pub deleting: bool,
}

/// `status.phase` of a Pod. Nobody here tells Pending from Running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// `Running`.
    Running,
    /// `Succeeded`.
    Succeeded,
    /// `Failed`.
    Failed,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the Job.
    Job(Option<Job>),
    /// Of the Pod of this number.
    Pod(u8, Option<Pod>),
}

impl Job {
    /// A Job of which nothing is done yet.
    pub const NEW: Self = Job {
        succeeded: 0,
        failed: 0,
        uncounted: [Uncounted::No; PODS],
        condition: Condition::None,
        orphans: false,
    };

    /// How many Pods it waits to count.
    pub fn waiting(&self) -> u8 {
        self.uncounted.iter().filter(|uncounted| **uncounted != Uncounted::No).count() as u8
    }
}

impl Pod {
    /// A Pod as the controller creates it.
    pub const NEW: Self =
        Pod { phase: Phase::Running, owned: true, finalizer: true, deleting: false };

    /// What it is to be counted as. A Pod that is deleted before it has succeeded has failed.
    pub fn ended(&self) -> Uncounted {
        match (self.phase, self.deleting) {
            (Phase::Succeeded, _) => Uncounted::Succeeded,
            (Phase::Failed, _) | (Phase::Running, true) => Uncounted::Failed,
            (Phase::Running, false) => Uncounted::No,
        }
    }

    /// Whether it is still to end.
    pub fn is_active(&self) -> bool {
        self.ended() == Uncounted::No
    }

    /// Whether nothing keeps it from being removed.
    pub fn is_gone(&self) -> bool {
        self.deleting && !self.finalizer && self.phase != Phase::Running
    }
}

impl Objects {
    /// The Pods that name the Job as their owner, with their numbers.
    pub fn pods_of_job(&self) -> impl Iterator<Item = (usize, Pod)> {
        let pods = self.pods.into_iter().enumerate();
        pods.filter_map(|(number, pod)| Some((number, pod?))).filter(|(_, pod)| pod.owned)
    }

    /// Whether the Pod has the tracking finalizer and no Job.
    pub fn is_orphan(&self, pod: Pod) -> bool {
        pod.finalizer && (!pod.owned || self.job.is_none())
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Job(job) => self.job = job,
            Event::Pod(number, pod) => self.pods[usize::from(number)] = pod,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        matches!(event, Event::Job(_)) == (watcher == super::JOB_INFORMER)
    }
}

packed!(struct Objects { job, pods });
packed!(struct Job { succeeded, failed, uncounted, condition, orphans });
packed!(
    enum Uncounted {
        No,
        Succeeded,
        Failed,
    }
);
packed!(
    enum Condition {
        None,
        Complete,
        Failed,
    }
);
packed!(struct Pod { phase, owned, finalizer, deleting });
packed!(
    enum Phase {
        Running,
        Succeeded,
        Failed,
    }
);
packed!(
    enum Event {
        Job(job),
        Pod(number, pod),
    }
);
