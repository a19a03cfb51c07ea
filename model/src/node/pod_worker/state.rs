//! The state of pod workers, and their steps by name.

use super::PODS;
use crate::history::{self, History};
use crate::packed;
use serde::Serialize;

/// A state of the store and the Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The store, and how far the kubelet has read.
    pub store: History<Objects, 1, 24>,
    /// What the container runtime holds for each Pod.
    pub containers: [Container; PODS],
    /// What the kubelet remembers of each Pod.
    pub workers: [Worker; PODS],
    /// Whether each Pod was placed on the Node.
    pub placed: [bool; PODS],
    /// What may still happen.
    pub budgets: Budgets,
}

/// The Pods in the store that are bound to the Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// Those that exist.
    pub pods: [Option<Pod>; PODS],
}

/// A Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// `status.phase`.
    pub phase: Phase,
    /// `status.containerStatuses[].ready`.
    pub ready: bool,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deleting: bool,
}

/// `status.phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The container has not run yet.
    Pending,
    /// It runs, or will run again.
    Running,
    /// It has ended well, for good.
    Succeeded,
    /// It has ended badly, for good; or the kubelet has rejected the Pod.
    Failed,
}

/// A Pod has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// The Pod.
    pub pod: u8,
    /// How it is now; nothing where it is gone.
    pub object: Option<Pod>,
    /// Whether only its status has changed.
    pub of_status: bool,
}

/// The container of a Pod, as the runtime holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// There is no record of one.
    None,
    /// It is created and has not started.
    Created,
    /// It runs.
    Running {
        /// Whether its readiness probe has succeeded since it started.
        probed: bool,
        /// Whether the status in the store names it (`containerID`), and not the one before it.
        reported: bool,
    },
    /// It has ended.
    Exited {
        /// Whether with code zero.
        success: bool,
    },
}

/// What the kubelet remembers of a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Worker {
    /// What its pod worker does.
    pub work: Work,
    /// Whether the container is not started again yet (CrashLoopBackOff).
    pub backing_off: bool,
    /// The last result of the readiness probe.
    pub ready: Option<bool>,
}

/// What a pod worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// There is none.
    None,
    /// It keeps the container running (`SyncPod`).
    Syncing,
    /// It stops the container (`SyncTerminatingPod`).
    Terminating,
    /// Nothing runs and nothing will (`SyncTerminatedPod`).
    Terminated,
    /// The Pod was not admitted.
    Rejected,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client deletes a Pod.
    pub deletions: u8,
    /// A container ends.
    pub exits: u8,
    /// The kubelet crashes and starts again.
    pub crashes: u8,
    /// The machine loses power and boots.
    pub reboots: u8,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    PlacePod { pod: u8 },
    DeletePod { pod: u8 },
    Deliver,
    StartWorker { pod: u8 },
    CreateContainer { pod: u8 },
    StartContainer { pod: u8 },
    Probe { pod: u8 },
    Exit { pod: u8, success: bool },
    EndBackoff { pod: u8 },
    BeginTermination { pod: u8 },
    StopContainer { pod: u8 },
    FinishTermination { pod: u8 },
    ReportStatus { pod: u8 },
    FinishDeletion { pod: u8 },
    Forget { pod: u8 },
    Crash,
    Reboot,
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        self.pods[usize::from(event.pod)] = event.object;
    }

    fn selects(_: usize, event: &Event) -> bool {
        !event.of_status
    }
}

impl Phase {
    /// Whether it is final.
    pub fn is_terminal(self) -> bool {
        matches!(self, Phase::Succeeded | Phase::Failed)
    }
}

packed!(struct State { store, containers, workers, placed, budgets });
packed!(struct Objects { pods });
packed!(struct Pod { phase, ready, deleting });
packed!(
    enum Phase {
        Pending,
        Running,
        Succeeded,
        Failed,
    }
);
packed!(struct Event { pod, object, of_status });
packed!(
    enum Container {
        None,
        Created,
        Running { probed, reported },
        Exited { success },
    }
);
packed!(struct Worker { work, backing_off, ready });
packed!(
    enum Work {
        None,
        Syncing,
        Terminating,
        Terminated,
        Rejected,
    }
);
packed!(struct Budgets { deletions, exits, crashes, reboots });
