//! The claims about ResourceClaims. Their sentences stand in `specs/resource-claim.md`.

use super::{ResourceClaimSlice, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<ResourceClaimSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("RESOURCECLAIM-1", Always(a_pod_has_one_claim)),
        claim("RESOURCECLAIM-2", EachStep(what_a_pod_has_reserved_stays)),
        claim("RESOURCECLAIM-3", Reachable(a_claim_is_reserved_for_a_pod_that_is_gone)),
        claim("RESOURCECLAIM-4", Eventually(every_pod_has_its_claim)),
        claim("RESOURCECLAIM-5", Eventually(what_nobody_uses_is_given_back)),
    ]
}

fn a_pod_has_one_claim(_: &ResourceClaimSlice, state: &State) -> bool {
    let [first, second] = state.store.now().made;
    first.is_none() || first != second
}

fn what_a_pod_has_reserved_stays(_: &ResourceClaimSlice, before: &State, after: &State) -> bool {
    let (before, after) = (before.store.now(), after.store.now());
    let consumer = before.named.reserved_for.filter(|uid| before.lives(*uid));
    consumer.is_none() || after.named.reserved_for == consumer
}

fn a_claim_is_reserved_for_a_pod_that_is_gone(_: &ResourceClaimSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.named.reserved_for.is_some_and(|uid| !objects.lives(uid))
}

fn every_pod_has_its_claim(_: &ResourceClaimSlice, state: &State) -> bool {
    let objects = state.store.now();
    let has_claim = |uid: u8| objects.made.contains(&Some(uid));
    objects.pod.is_none_or(|pod| pod.is_done || has_claim(pod.uid))
}

fn what_nobody_uses_is_given_back(_: &ResourceClaimSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.named.reserved_for.is_none_or(|uid| objects.lives(uid))
}
