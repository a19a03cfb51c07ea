//! The claims about aggregated roles. Their sentences stand in `specs/cluster-role-aggregation.md`.

use super::{AggregationSlice, ROLES, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<AggregationSlice>> {
    use Fact::{EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("AGGREGATION-1", EachStep(the_controller_asks_for_what_its_cache_shows)),
        claim("AGGREGATION-2", Reachable(a_role_grants_what_no_role_has)),
        claim("AGGREGATION-3", Eventually(a_role_has_what_the_others_have)),
        claim("AGGREGATION-4", Eventually(a_role_has_nothing_else)),
    ]
}

fn the_controller_asks_for_what_its_cache_shows(
    _: &AggregationSlice,
    before: &State,
    after: &State,
) -> bool {
    let is_new = before.asked.is_none();
    let seen = before.store.caches().map(|seen| seen.roles);
    after.asked.is_none_or(|rules| !is_new || Some(rules) == seen)
}

fn a_role_grants_what_no_role_has(_: &AggregationSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.roles == [false; ROLES] && objects.aggregated == [true; ROLES]
}

fn a_role_has_what_the_others_have(_: &AggregationSlice, state: &State) -> bool {
    let objects = state.store.now();
    (0..ROLES).all(|role| objects.aggregated[role] || !objects.roles[role])
}

fn a_role_has_nothing_else(_: &AggregationSlice, state: &State) -> bool {
    let objects = state.store.now();
    (0..ROLES).all(|role| objects.roles[role] || !objects.aggregated[role])
}
