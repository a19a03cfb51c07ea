//! The claims about leases. Their sentences stand in `specs/etcd.md`.

use super::{Key, LeaseSlice, State, TTL};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<LeaseSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("ETCD-18", EachStep(a_lease_takes_all_its_keys_at_once)),
        claim("ETCD-19", EachStep(a_lease_lives_as_long_as_its_ttl)),
        claim("ETCD-20", Always(a_silent_lease_does_not_outlive_its_leaders)),
        claim("ETCD-21", Eventually(a_silent_lease_expires)),
        claim("ETCD-22", Reachable(a_detached_key_survives)),
    ]
}

fn a_lease_takes_all_its_keys_at_once(_: &LeaseSlice, before: &State, after: &State) -> bool {
    let attached = |state: &State| state.keys.iter().filter(|key| **key == Key::Attached).count();
    let revoked = before.lease.is_some_and(|lease| lease.revoking)
        && before.budgets == after.budgets
        && attached(after) < attached(before);
    !revoked || attached(after) == 0 && after.lease.is_none()
}

fn a_lease_lives_as_long_as_its_ttl(_: &LeaseSlice, before: &State, after: &State) -> bool {
    match (before.lease, after.lease) {
        (Some(lease), None) => lease.silent >= TTL,
        (_, _) => true,
    }
}

fn a_silent_lease_does_not_outlive_its_leaders(_: &LeaseSlice, state: &State) -> bool {
    state.lease.is_none_or(|lease| lease.silent <= TTL + lease.leader_changes)
}

fn a_silent_lease_expires(_: &LeaseSlice, state: &State) -> bool {
    state.lease.is_none()
}

fn a_detached_key_survives(_: &LeaseSlice, state: &State) -> bool {
    state.expired && state.deleted == 1 && state.keys.contains(&Key::Detached)
}
