//! The claims about what Pods bring. Their sentences stand in `specs/ephemeral-volume.md`.

use super::{EphemeralVolumeSlice, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<EphemeralVolumeSlice>> {
    use Fact::{EachStep, Eventually};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("EPHEMERAL-1", EachStep(a_pod_runs_with_its_own_claim)),
        claim("EPHEMERAL-2", EachStep(the_claim_of_somebody_else_stays)),
        claim("EPHEMERAL-3", Eventually(a_pod_gets_its_claim)),
        claim("EPHEMERAL-4", Eventually(a_claim_goes_with_its_pod)),
    ]
}

fn a_pod_runs_with_its_own_claim(_: &EphemeralVolumeSlice, before: &State, after: &State) -> bool {
    let runs = |state: &State| state.store.now().pod.is_some_and(|pod| pod.runs);
    runs(before) || !runs(after) || after.store.now().has_own()
}

fn the_claim_of_somebody_else_stays(
    _: &EphemeralVolumeSlice,
    before: &State,
    after: &State,
) -> bool {
    let is_by_client = before.budgets.claim_deletions != after.budgets.claim_deletions;
    let claim = before.store.now().claim.filter(|claim| claim.owner.is_none());
    is_by_client || claim.is_none() || claim == after.store.now().claim
}

fn a_pod_gets_its_claim(_: &EphemeralVolumeSlice, state: &State) -> bool {
    let objects = state.store.now();
    let is_taken = objects.claim.is_some_and(|claim| claim.owner.is_none());
    objects.pod.is_none() || is_taken || objects.has_own()
}

fn a_claim_goes_with_its_pod(_: &EphemeralVolumeSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.has_own() || objects.claim.is_none_or(|claim| claim.owner.is_none())
}
