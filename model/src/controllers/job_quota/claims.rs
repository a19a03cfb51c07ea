//! The claims about Jobs under a quota. Their sentences stand in `specs/job.md`.

use super::{JobQuotaSlice, PARALLELISM, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<JobQuotaSlice>> {
    use Fact::{Always, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("JOB-12", Always(no_more_pods_are_said_than_were_created)),
        claim("JOB-13", Reachable(a_job_says_that_a_pod_is_missing)),
    ]
}

fn no_more_pods_are_said_than_were_created(_: &JobQuotaSlice, state: &State) -> bool {
    state.status.active + state.status.failed <= state.store.now().created
}

fn a_job_says_that_a_pod_is_missing(_: &JobQuotaSlice, state: &State) -> bool {
    state.status.active + 1 == PARALLELISM && state.store.now().active() == state.status.active
}
