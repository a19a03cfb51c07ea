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
mod requests;
mod state;
mod steps;
mod words;

pub use mutations::Mutation;
pub use state::{Action, Budgets, Container, Event, Objects, Phase, Pod, State, Work, Worker};

use crate::cause::Cause;
use crate::history::History;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};

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

    fn cause(&self, action: Action) -> Cause {
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
            | Action::Forget { .. } => Cause::Duty,
            Action::PlacePod { .. } | Action::DeletePod { .. } | Action::Exit { .. } => {
                Cause::Choice
            }
            Action::Crash => Cause::Fault(Fault::Crash),
            Action::Reboot => Cause::Fault(Fault::Reboot),
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

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        let after = self.step(before, action)?;
        Some(requests::request(action, &after)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start()
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
