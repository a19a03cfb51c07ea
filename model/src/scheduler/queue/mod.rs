//! kube-scheduler's queue: activeQ, backoffQ, unschedulablePods, and what is in flight.
//!
//! Two Pods want the one place of a Node, until the Node grows or one of them is deleted. Left out:
//! priorities, scheduling gates, nominated Pods; plugins other than resources fit, so that one
//! hint serves all; and the timer that retries unschedulable Pods after five minutes, so that a
//! wake-up that is lost stays lost.

mod claims;
mod mutations;
mod requests;
mod state;
mod steps;
mod words;

pub use mutations::Mutation;
pub use state::{Action, Attempt, Budgets, Event, Objects, Pod, Queued, Stage, State};

use crate::cause::Cause;
use crate::claims_and_words;
use crate::history::History;
use crate::slice::{Family, Fault, Outcome, Size, Slice};

/// How many Pods there are.
pub const PODS: usize = 2;

/// The scenario `scheduler-queue`.
#[derive(Clone, Debug)]
pub struct QueueSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// Whether no event is skipped.
    pub lazy: bool,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

impl Slice for QueueSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let mut store = History::listed(Objects { pods: [Pod::Absent; PODS], allocatable: 1 });
        store.lazy = self.lazy;
        State { store, queue: [Queued::NOWHERE; PODS], budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        let of_pod = |pod| {
            [
                Action::CreatePod { pod },
                Action::DeletePod { pod },
                Action::Pop { pod },
                Action::Assume { pod },
                Action::FailAttempt { pod },
                Action::CommitBinding { pod },
                Action::LoseBinding { pod },
                Action::FinishBinding { pod },
                Action::EndBackoff { pod },
                Action::FlushBackoff { pod },
            ]
        };
        let others = [Action::GrowNode, Action::LabelNode, Action::Deliver, Action::Relist];
        (0..PODS as u8).flat_map(of_pod).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::Deliver
            | Action::Pop { .. }
            | Action::Assume { .. }
            | Action::FailAttempt { .. }
            | Action::CommitBinding { .. }
            | Action::FinishBinding { .. }
            | Action::EndBackoff { .. }
            | Action::FlushBackoff { .. } => Cause::Duty,
            Action::CreatePod { .. }
            | Action::DeletePod { .. }
            | Action::GrowNode
            | Action::LabelNode => Cause::Choice,
            Action::Relist => Cause::Fault(Fault::WatchClosed),
            Action::LoseBinding { .. } => Cause::Fault(Fault::LostRequest),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitBinding { .. }))
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        let after = self.step(before, action)?;
        Some(requests::request(action, &after)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start(&self.initial())
    }
}

impl Family for QueueSlice {
    const SCENARIOS: &'static [&'static str] = &["scheduler-queue"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets {
            deletions: 1,
            growths: 1,
            labels: 1,
            closed_watches: size.times(1),
            lost_requests: size.times(1),
        };
        Ok(QueueSlice { budgets, lazy: size.lazy, mutation: mutation.and_then(Mutation::of) })
    }
}
