//! The claims about what quotas say. Their sentences stand in `specs/resource-quota.md`.

use super::{ResourceQuotaSlice, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<ResourceQuotaSlice>> {
    use Fact::{Always, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("QUOTA-1", Always(no_count_takes_back_what_was_charged)),
        claim("QUOTA-2", Reachable(a_quota_says_more_than_there_is)),
        claim("QUOTA-3", Eventually(a_quota_says_what_there_is)),
    ]
}

fn no_count_takes_back_what_was_charged(_: &ResourceQuotaSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.quota.used >= objects.objects
}

fn a_quota_says_more_than_there_is(_: &ResourceQuotaSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.quota.used >= objects.objects + 2 && state.reading.is_some()
}

fn a_quota_says_what_there_is(_: &ResourceQuotaSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.quota.used == objects.objects
}
