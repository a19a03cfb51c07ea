//! The claims about leader election. Their sentences stand in `specs/leader-election.md`.

use super::steps::LEASE_DURATION;
use super::{Attempt, ElectionSlice, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<ElectionSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("ELECTION-1", Always(at_most_one_leads)),
        claim("ELECTION-2", EachStep(only_a_silent_lease_is_taken)),
        claim("ELECTION-3", Reachable(the_lead_changes_hands)),
        claim("ELECTION-4", Eventually(somebody_leads)),
    ]
}

fn at_most_one_leads(_: &ElectionSlice, state: &State) -> bool {
    state.candidates.iter().filter(|candidate| candidate.leads).count() <= 1
}

fn only_a_silent_lease_is_taken(_: &ElectionSlice, before: &State, after: &State) -> bool {
    before.candidates.iter().zip(after.candidates).all(|(was, is)| {
        let takes = was.attempt == Attempt::None && is.attempt == Attempt::Take;
        !takes || before.lease.holder.is_none() || was.since_observed >= LEASE_DURATION
    })
}

fn the_lead_changes_hands(slice: &ElectionSlice, state: &State) -> bool {
    state.lease.changed_hands && state.budgets == slice.budgets
}

fn somebody_leads(_: &ElectionSlice, state: &State) -> bool {
    state.candidates.iter().any(|candidate| candidate.leads)
}
