//! Mutations of the election: each replaces one step and passes the rest through.

use super::steps::RENEW_DEADLINE;
use super::{Action, Candidate, State};

crate::mutations! {
    /// A leader that could not renew stops renewing, and nobody tells it to stop acting.
    NobodyIsTold = "k-23731",
    /// Two candidates take a Lease at once: the second write does not compare the resourceVersion.
    ConcurrentTakeover = "k-67651",
    /// A Lease is taken as soon as its holder could have given up.
    EarlyTakeover = "election-takes-lease-early",
    /// A Lease whose holder is silent is never taken.
    SilentLeaseStays = "election-never-takes-silent-lease",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::NobodyIsTold), Action::GiveUp { candidate: number }) => {
                let next = state.give_up(number)?;
                let candidate = Candidate { renewing: false, ..state.candidate(number) };
                Some(next.with(number, candidate))
            }
            (Some(Mutation::ConcurrentTakeover), Action::Commit { candidate }) => {
                state.written(candidate)
            }
            (Some(Mutation::EarlyTakeover), Action::Decide { candidate }) => {
                state.decide(candidate, RENEW_DEADLINE)
            }
            (Some(Mutation::SilentLeaseStays), Action::Decide { candidate: number }) => {
                let next = action.apply(state)?;
                let allowed = state.candidate(number).leads || state.lease.holder.is_none();
                allowed.then_some(next)
            }
            (_, action) => action.apply(state),
        }
    }
}
