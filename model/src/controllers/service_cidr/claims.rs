//! The claims about ranges of Services. Their sentences stand in `specs/service-cidr.md`.

use super::{ServiceCidrSlice, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<ServiceCidrSlice>> {
    use Fact::{Always, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("SERVICECIDR-1", Always(an_address_has_its_range)),
        claim("SERVICECIDR-2", Reachable(a_range_waits_for_its_addresses)),
        claim("SERVICECIDR-3", Eventually(a_range_is_protected)),
        claim("SERVICECIDR-4", Eventually(a_range_that_nobody_needs_goes)),
    ]
}

fn an_address_has_its_range(_: &ServiceCidrSlice, state: &State) -> bool {
    let objects = state.store.now();
    !objects.address || objects.cidr.is_some()
}

fn a_range_waits_for_its_addresses(_: &ServiceCidrSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.address && objects.cidr.is_some_and(|cidr| cidr.deleting && cidr.protected)
}

fn a_range_is_protected(_: &ServiceCidrSlice, state: &State) -> bool {
    state.store.now().cidr.is_none_or(|cidr| cidr.protected || cidr.deleting)
}

fn a_range_that_nobody_needs_goes(_: &ServiceCidrSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.address || objects.cidr.is_none_or(|cidr| !cidr.deleting)
}
