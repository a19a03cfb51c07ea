//! Mutations of Jobs under a quota: each replaces one step and passes the rest through.

use super::{Action, State};

crate::mutations! {
    /// Pods that were refused, or left out, count as active.
    CountsUncreated = "job-counts-uncreated-pods",
    /// When a Pod is refused, no status is written.
    SaysNothing = "job-says-nothing-of-refusals",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::CountsUncreated), Action::CommitStatus) => {
                state.commit_status(|plan| plan.status)
            }
            (Some(Mutation::SaysNothing), Action::CommitStatus) => {
                let is_refused = state.plan.is_some_and(|plan| plan.uncreated > 0);
                let next = state.commit_status(|plan| plan.status)?;
                Some(if is_refused { State { status: state.status, ..next } } else { next })
            }
            (_, action) => action.apply(state),
        }
    }
}
