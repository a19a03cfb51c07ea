//! The claims about tokens that nobody uses. Their sentences stand in `specs/token-cleaner.md`.

use super::{State, TokenCleanerSlice};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<TokenCleanerSlice>> {
    use Fact::{EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("TOKENCLEANER-1", EachStep(only_what_was_marked_for_long_goes)),
        claim("TOKENCLEANER-2", EachStep(what_is_seen_in_use_is_left_alone)),
        claim("TOKENCLEANER-3", Reachable(a_mark_is_taken_away_in_time)),
        claim("TOKENCLEANER-4", Eventually(a_token_that_nobody_uses_goes)),
    ]
}

fn only_what_was_marked_for_long_goes(
    _: &TokenCleanerSlice,
    before: &State,
    after: &State,
) -> bool {
    let gone = before.store.now().secret.filter(|_| after.store.now().secret.is_none());
    gone.is_none_or(|secret| secret.is_over(before.today) && secret.is_unused(before.today))
}

fn what_is_seen_in_use_is_left_alone(_: &TokenCleanerSlice, before: &State, after: &State) -> bool {
    let decides = before.asked.is_none() && after.asked.is_some();
    let is_unused = before.store.caches().is_some_and(|seen| {
        !seen.is_mounted && seen.secret.is_some_and(|secret| secret.is_unused(before.today))
    });
    !decides || is_unused
}

fn a_mark_is_taken_away_in_time(_: &TokenCleanerSlice, state: &State) -> bool {
    let is_to_go = state.asked.is_some_and(|(secret, _)| secret.marked.is_some());
    is_to_go && state.store.now().secret.is_some_and(|secret| secret.marked.is_none())
}

fn a_token_that_nobody_uses_goes(_: &TokenCleanerSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.secret.is_none_or(|secret| {
        let waits = secret.marked.is_some() && !secret.is_over(state.today);
        objects.is_mounted || !secret.is_unused(state.today) || waits
    })
}
