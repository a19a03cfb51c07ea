//! Mutations of the scheduling queue: each replaces one step, or a part of it, and passes the rest
//! through.

use super::{Action, Attempt, PODS, Pod, Queued, State};

crate::mutations! {
    /// The addition of a Pod is missed: the cache has it, no queue has.
    MissedAddition = "k-102790",
    /// What happens while a Pod is tried is not remembered for it.
    InFlightEventsForgotten = "queue-forgets-in-flight-events",
    /// The hint for the deletion of a Pod that is bound says that it helps nobody.
    DeletionSkipped = "queueing-hint-skips-deletion",
    /// Nobody asks the hint: every event wakes.
    HintIgnored = "queueing-hint-ignored",
    /// A Pod that is woken is tried at once, though it backs off.
    BackoffIgnored = "queue-ignores-backoff",
    /// A Pod whose last attempt ended in an error is tried before its time, as the others are.
    ErrorsPoppedEarly = "queue-pops-errors-early",
    /// A list adds every Pod that waits to activeQ, those too that are in flight.
    AddedInFlight = "queue-adds-pod-in-flight",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        if let (Some(Mutation::ErrorsPoppedEarly), Action::Pop { pod }) = (mutation, action) {
            let forgiven = Queued { failed: false, ..state.queued(pod) };
            return action.apply(&state.with(pod, forgiven));
        }
        let next = action.apply(state)?;
        Some(match (mutation, action) {
            (Some(Mutation::MissedAddition), Action::Relist) => {
                each(next, |next, pod| match state.informed().pods[usize::from(pod)] {
                    Pod::Absent => state.queued(pod),
                    Pod::Pending | Pod::Bound | Pod::Deleted => next.queued(pod),
                })
            }
            (Some(Mutation::InFlightEventsForgotten), _) => {
                each(next, |next, pod| deaf(next.queued(pod)))
            }
            (Some(Mutation::DeletionSkipped), Action::Deliver)
                if deleted(&next) > deleted(state) =>
            {
                let gone = |pod: u8| next.informed().pods[usize::from(pod)] == Pod::Deleted;
                each(next, |next, pod| if gone(pod) { next.queued(pod) } else { state.queued(pod) })
            }
            (Some(Mutation::HintIgnored), Action::Deliver) => next.moved(),
            (Some(Mutation::BackoffIgnored), _) => each(next, |next, pod| {
                let queued = next.queued(pod);
                let woken = state.queued(pod).unschedulable && queued.backoff;
                if woken { Queued { backoff: false, active: true, ..queued } } else { queued }
            }),
            (Some(Mutation::AddedInFlight), Action::Relist) => each(next, |next, pod| {
                let active = next.queued(pod).active || next.is_pending(pod);
                Queued { active, ..next.queued(pod) }
            }),
            (_, _) => next,
        })
    }
}

/// The state with each Pod's place replaced.
fn each(state: State, place: impl Fn(&State, u8) -> Queued) -> State {
    (0..PODS as u8).fold(state, |next, pod| next.with(pod, place(&next, pod)))
}

fn deaf(queued: Queued) -> Queued {
    match queued.attempt {
        Attempt::Deciding { fits, .. } => {
            Queued { attempt: Attempt::Deciding { fits, moved: false }, ..queued }
        }
        Attempt::None | Attempt::Binding(_) => queued,
    }
}

fn deleted(state: &State) -> usize {
    state.informed().pods.iter().filter(|pod| **pod == Pod::Deleted).count()
}
