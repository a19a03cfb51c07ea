//! The claims about Jobs. Their sentences stand in `specs/job.md`.

use super::objects::{Condition, Job, Objects, Uncounted};
use super::{BACKOFF_LIMIT, COMPLETIONS, JobSlice, PARALLELISM, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<JobSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("JOB-1", Always(no_pod_is_counted_twice)),
        claim("JOB-2", Always(no_pod_is_lost)),
        claim("JOB-3", EachStep(a_finalizer_goes_once_the_end_is_recorded)),
        claim("JOB-4", Always(no_more_than_parallelism_are_active)),
        claim("JOB-5", EachStep(counters_never_go_back)),
        claim("JOB-6", Always(a_finished_job_has_counted)),
        claim("JOB-7", Reachable(a_job_completes)),
        claim("JOB-8", Reachable(a_job_fails)),
        claim("JOB-9", Eventually(a_job_finishes)),
        claim("JOB-10", Eventually(finalizers_go_with_the_job)),
        claim("JOB-11", Eventually(a_deleted_pod_goes)),
    ]
}

/// The Job as long as it counts.
fn tracked_job(objects: &Objects) -> Option<Job> {
    objects.job.filter(|job| !job.orphans && job.condition == Condition::None)
}

fn no_pod_is_counted_twice(_: &JobSlice, state: &State) -> bool {
    let counted = |job: Job| job.succeeded + job.failed + job.waiting() <= state.ended;
    tracked_job(&state.store.now()).is_none_or(counted)
}

fn no_pod_is_lost(_: &JobSlice, state: &State) -> bool {
    let objects = state.store.now();
    tracked_job(&objects).is_none_or(|job| {
        let unrecorded = objects.pods_of_job().filter(|(number, pod)| {
            pod.finalizer && !pod.is_active() && job.uncounted[*number] == Uncounted::No
        });
        state.ended <= job.succeeded + job.failed + job.waiting() + unrecorded.count() as u8
    })
}

fn a_finalizer_goes_once_the_end_is_recorded(_: &JobSlice, before: &State, after: &State) -> bool {
    let (was, is) = (before.store.now(), after.store.now());
    tracked_job(&was).is_none_or(|job| {
        was.pods_of_job().filter(|(_, pod)| pod.finalizer).all(|(number, _)| {
            let kept = is.pods[number].is_some_and(|pod| pod.finalizer);
            kept || job.uncounted[number] != Uncounted::No
        })
    })
}

fn no_more_than_parallelism_are_active(_: &JobSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.pods_of_job().filter(|(_, pod)| pod.is_active()).count() <= usize::from(PARALLELISM)
}

fn counters_never_go_back(_: &JobSlice, before: &State, after: &State) -> bool {
    match (before.store.now().job, after.store.now().job) {
        (Some(was), Some(is)) => was.succeeded <= is.succeeded && was.failed <= is.failed,
        (None, _) | (_, None) => true,
    }
}

fn a_finished_job_has_counted(_: &JobSlice, state: &State) -> bool {
    state.store.now().job.is_none_or(|job| match job.condition {
        Condition::None => true,
        Condition::Complete => job.succeeded >= COMPLETIONS && job.waiting() == 0,
        Condition::Failed => job.failed > BACKOFF_LIMIT && job.waiting() == 0,
    })
}

fn a_job_completes(_: &JobSlice, state: &State) -> bool {
    state.store.now().job.is_some_and(|job| job.condition == Condition::Complete)
}

fn a_job_fails(_: &JobSlice, state: &State) -> bool {
    state.store.now().job.is_some_and(|job| job.condition == Condition::Failed)
}

fn a_job_finishes(_: &JobSlice, state: &State) -> bool {
    let job = state.store.now().job.filter(|job| !job.orphans);
    job.is_none_or(|job| job.condition != Condition::None)
}

fn finalizers_go_with_the_job(_: &JobSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.job.is_some() || !objects.pods.iter().flatten().any(|pod| pod.finalizer)
}

fn a_deleted_pod_goes(_: &JobSlice, state: &State) -> bool {
    state.store.now().pods.iter().flatten().all(|pod| !pod.deleting)
}
