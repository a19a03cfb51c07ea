//! The pod workers of one kubelet: they start, restart and stop a container, probe it, report.
//!
//! Two Pods take turns on a Node with one place: one with `restartPolicy: OnFailure`, one with
//! `Never`. Whoever places them looks at the API server only, without a lag. Left out: sandboxes,
//! several containers in a Pod, init containers, volumes, how long a grace period is, liveness and
//! startup probes, readiness that is lost again. Events of what the kubelet itself reported tell it
//! nothing, so its watch does not select them.

mod claims;
mod kubelet;
mod mutations;
mod steps;
mod words;

pub use mutations::Mutation;

use crate::history::{self, History};
use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};
use serde::Serialize;

/// How many Pods there are.
pub const PODS: usize = 2;

/// The scenario `pod-worker`.
#[derive(Clone, Debug)]
pub struct PodWorkerSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// Whether no event is skipped.
    pub lazy: bool,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

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

impl Slice for PodWorkerSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let mut store = History::listed(Objects { pods: [None; PODS] });
        store.lazy = self.lazy;
        State {
            store,
            containers: [Container::None; PODS],
            workers: [Worker::NONE; PODS],
            placed: [false; PODS],
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        let of_pod = |pod| {
            [
                Action::PlacePod { pod },
                Action::DeletePod { pod },
                Action::StartWorker { pod },
                Action::CreateContainer { pod },
                Action::StartContainer { pod },
                Action::Probe { pod },
                Action::Exit { pod, success: true },
                Action::Exit { pod, success: false },
                Action::EndBackoff { pod },
                Action::BeginTermination { pod },
                Action::StopContainer { pod },
                Action::FinishTermination { pod },
                Action::ReportStatus { pod },
                Action::FinishDeletion { pod },
                Action::Forget { pod },
            ]
        };
        let others = [Action::Deliver, Action::Crash, Action::Reboot];
        (0..PODS as u8).flat_map(of_pod).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn is_fair(&self, action: Action) -> bool {
        match action {
            Action::Deliver
            | Action::StartWorker { .. }
            | Action::CreateContainer { .. }
            | Action::StartContainer { .. }
            | Action::Probe { .. }
            | Action::EndBackoff { .. }
            | Action::BeginTermination { .. }
            | Action::StopContainer { .. }
            | Action::FinishTermination { .. }
            | Action::ReportStatus { .. }
            | Action::FinishDeletion { .. }
            | Action::Forget { .. } => true,
            Action::PlacePod { .. }
            | Action::DeletePod { .. }
            | Action::Exit { .. }
            | Action::Crash
            | Action::Reboot => false,
        }
    }

    fn fault(&self, action: Action) -> Option<Fault> {
        match action {
            Action::Crash => Some(Fault::Crash),
            Action::Reboot => Some(Fault::Reboot),
            Action::PlacePod { .. }
            | Action::DeletePod { .. }
            | Action::Deliver
            | Action::StartWorker { .. }
            | Action::CreateContainer { .. }
            | Action::StartContainer { .. }
            | Action::Probe { .. }
            | Action::Exit { .. }
            | Action::EndBackoff { .. }
            | Action::BeginTermination { .. }
            | Action::StopContainer { .. }
            | Action::FinishTermination { .. }
            | Action::ReportStatus { .. }
            | Action::FinishDeletion { .. }
            | Action::Forget { .. } => None,
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all()
    }

    fn describe(&self, _: &State, action: Action, after: &State) -> String {
        words::describe(action, after)
    }

    fn actor(&self, action: Action) -> String {
        words::actor(action).to_owned()
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        words::lanes(state)
    }

    fn outcome(&self, before: &State, _: Action, after: &State) -> Outcome {
        match before.store.now() == after.store.now() {
            true => Outcome::Done,
            false => Outcome::Committed,
        }
    }
}

impl Family for PodWorkerSlice {
    const SCENARIOS: &'static [&'static str] = &["pod-worker"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets =
            Budgets { deletions: 1, exits: 2, crashes: size.times(1), reboots: size.times(1) };
        Ok(PodWorkerSlice { budgets, lazy: size.lazy, mutation: mutation.and_then(Mutation::of) })
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
