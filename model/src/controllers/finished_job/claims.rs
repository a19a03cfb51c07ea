//! The claims about Jobs that have finished. Their sentences stand in `specs/ttl-after-finished.md`.

use super::{FinishedJobSlice, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<FinishedJobSlice>> {
    use Fact::{EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("TTLAFTERFINISHED-1", EachStep(only_who_asks_is_deleted)),
        claim("TTLAFTERFINISHED-2", Reachable(a_wish_is_taken_back_in_time)),
        claim("TTLAFTERFINISHED-3", Eventually(a_finished_job_goes)),
    ]
}

fn only_who_asks_is_deleted(_: &FinishedJobSlice, before: &State, after: &State) -> bool {
    let is_by_controller = before.asked.is_some() && after.asked.is_none();
    let gone = before.store.now().job.filter(|_| after.store.now().job.is_none());
    !is_by_controller || gone.is_none_or(|job| job.finished && job.has_ttl)
}

fn a_wish_is_taken_back_in_time(_: &FinishedJobSlice, state: &State) -> bool {
    state.asked.is_some() && state.store.now().job.is_some_and(|job| job.finished && !job.has_ttl)
}

fn a_finished_job_goes(_: &FinishedJobSlice, state: &State) -> bool {
    state.store.now().job.is_none_or(|job| !job.finished || !job.has_ttl)
}
