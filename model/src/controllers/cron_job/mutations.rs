//! Mutations of the CronJob controller: each replaces one step and passes the rest through.

use super::{Action, Plan, State, TIMES};

crate::mutations! {
    /// The names of Jobs say nothing of their times.
    RandomNames = "cron-job-names-are-random",
    /// The status is believed although it is older than what was written.
    TrustsStaleStatus = "cron-job-trusts-stale-status",
    /// The next Job starts although the last was not deleted.
    ReplacesAtOnce = "cron-job-replaces-without-deleting",
    /// No Job is made.
    NeverStarts = "cron-job-never-starts",
    /// Nothing is written because a Job has finished.
    ListsFinished = "cron-job-lists-finished-jobs",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(RandomNames), Action::CommitCreation) => state.commit_creation(|_| true),
            (Some(TrustsStaleStatus), Action::Look) => state.look(|_, _| true),
            (Some(ReplacesAtOnce), Action::Look) => {
                let next = action.apply(state)?;
                let plan = next.plan.filter(|plan| plan.deletions.contains(&true));
                let at_once = Plan { deletions: [false; TIMES], status: None, start: state.clock };
                Some(State { plan: plan.map(|_| at_once).or(next.plan), ..next })
            }
            (Some(NeverStarts), Action::CommitCreation) => {
                action.apply(state).map(|_| State { plan: None, ..*state })
            }
            (Some(ListsFinished), Action::Look) => {
                let has_started = state.memory.started > 0;
                action.apply(state).filter(|next| has_started || next.plan != just_status(next))
            }
            (_, action) => action.apply(state),
        }
    }
}

/// What is planned, if it is the status and nothing else.
fn just_status(state: &State) -> Option<Plan> {
    state.plan.filter(|plan| plan.start == 0 && !plan.deletions.contains(&true))
}
