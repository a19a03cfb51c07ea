//! The claims about claims that grow. Their sentences stand in `specs/persistent-volume-expander.md`.

use super::{ExpanderSlice, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<ExpanderSlice>> {
    use Fact::{EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("EXPANDER-1", EachStep(a_claim_that_is_told_is_seen_to_want_more)),
        claim("EXPANDER-2", EachStep(a_claim_that_is_told_wants_more)),
        claim("EXPANDER-3", Reachable(a_claim_goes_while_it_is_told)),
        claim("EXPANDER-4", Eventually(a_claim_that_wants_more_is_told)),
    ]
}

fn a_claim_that_is_told_is_seen_to_want_more(
    _: &ExpanderSlice,
    before: &State,
    after: &State,
) -> bool {
    let is_decision = after.asked.is_some() && before.asked.is_none();
    !is_decision || before.store.caches().is_some_and(|seen| seen.wants_resizer())
}

fn a_claim_that_is_told_wants_more(_: &ExpanderSlice, before: &State, after: &State) -> bool {
    let [was, is] = [before, after].map(|state| state.store.now());
    let is_told = is.claim.is_some_and(|claim| claim.has_resizer);
    let was_told = was.claim.is_some_and(|claim| claim.has_resizer);
    !is_told || was_told || was.wants_resizer()
}

fn a_claim_goes_while_it_is_told(_: &ExpanderSlice, state: &State) -> bool {
    state.asked.is_some() && state.store.now().claim.is_none_or(|claim| !claim.is_bound)
}

fn a_claim_that_wants_more_is_told(_: &ExpanderSlice, state: &State) -> bool {
    let claim = state.store.now().claim;
    claim.is_none_or(|claim| !claim.is_bound || !claim.wants_more() || claim.has_resizer)
}
