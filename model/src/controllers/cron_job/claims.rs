//! The claims about CronJobs. Their sentences stand in `specs/cron-job.md`.

use super::{CronJobSlice, Job, Objects, Policy, State, TIMES};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<CronJobSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("CRONJOB-1", Always(no_time_has_two_jobs)),
        claim("CRONJOB-2", EachStep(none_starts_beside_one_that_forbids_it)),
        claim("CRONJOB-3", EachStep(what_is_replaced_goes_first)),
        claim("CRONJOB-4", Reachable(two_run_where_one_was_not_told_of)),
        claim("CRONJOB-5", Eventually(the_last_time_has_its_job)),
        claim("CRONJOB-6", Eventually(only_what_runs_is_active)),
    ]
}

fn no_time_has_two_jobs(_: &CronJobSlice, state: &State) -> bool {
    state.store.now().jobs.iter().all(|made| made.created <= 1)
}

/// Whether a Job is made where this policy holds.
fn starts(policy: Policy, before: &Objects, after: &Objects) -> bool {
    let has_policy = before.cron_job.is_some_and(|cron_job| cron_job.policy == policy);
    has_policy && (0..TIMES).any(|time| after.jobs[time].created > before.jobs[time].created)
}

/// Whether the status lists a Job of which something holds.
fn lists(objects: &Objects, holds: fn(Job) -> bool) -> bool {
    let active = objects.cron_job.map_or([false; TIMES], |cron_job| cron_job.status.active);
    (0..TIMES).any(|time| active[time] && holds(objects.jobs[time].job))
}

fn none_starts_beside_one_that_forbids_it(_: &CronJobSlice, before: &State, after: &State) -> bool {
    let (before, after) = (before.store.now(), after.store.now());
    !starts(Policy::Forbid, &before, &after) || !lists(&before, |job| job == Job::Runs)
}

fn what_is_replaced_goes_first(_: &CronJobSlice, before: &State, after: &State) -> bool {
    let (before, after) = (before.store.now(), after.store.now());
    !starts(Policy::Replace, &before, &after) || !lists(&before, |job| job != Job::Absent)
}

fn two_run_where_one_was_not_told_of(_: &CronJobSlice, state: &State) -> bool {
    let objects = state.store.now();
    let forbids = objects.cron_job.is_some_and(|cron_job| cron_job.policy == Policy::Forbid);
    forbids && objects.jobs.iter().filter(|made| made.job == Job::Runs).count() == 2
}

fn the_last_time_has_its_job(_: &CronJobSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.cron_job.is_none_or(|cron_job| {
        let waits = cron_job.policy == Policy::Forbid && lists(&objects, |job| job == Job::Runs);
        cron_job.status.last == state.clock || waits
    })
}

fn only_what_runs_is_active(_: &CronJobSlice, state: &State) -> bool {
    !lists(&state.store.now(), |job| job != Job::Runs)
}
