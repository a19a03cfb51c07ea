//! Mutations of the Job controller: each replaces one step and passes the rest through.

use super::objects::{Condition, Job, PODS, Set};
use super::track::View;
use super::{Action, COMPLETIONS, JOB_INFORMER, Request, State};

crate::mutations! {
    /// When a Job is gone, nobody thinks of its Pods that are already being deleted: no event of
    /// theirs comes any more.
    DeletionForgetsPods = "k-109429",
    /// A Pod that lost its ownerReference is not queued, since no Job is its own.
    OrphanIsNobodys = "k-108645",
    /// The cache is believed when it still shows a finalizer that was removed.
    ForgetsRemovals = "job-forgets-removed-finalizers",
    /// Finalizers are removed before the status names the Pods.
    ReleasesFirst = "job-removes-finalizers-first",
    /// The status is written whatever the resourceVersion.
    BlindStatus = "job-status-without-resource-version",
    /// Pods are created though those that were asked for have not been seen.
    IgnoresExpectations = "job-ignores-expectations",
    /// The Job is complete before its Pods are counted.
    CompletesEarly = "job-completes-before-counting",
    /// Pods that lost their finalizer are never moved from `uncountedTerminatedPods` to the counters.
    NeverCounts = "job-never-counts-pods",
    /// Pods that fail do not end the Job.
    NeverFails = "job-ignores-backoff-limit",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::DeletionForgetsPods), Action::DeliverJob) => {
                let mut next = *state;
                next.store.deliver(JOB_INFORMER)?;
                Some(next)
            }
            (Some(Mutation::OrphanIsNobodys), Action::DeliverPod) => orphan_is_nobodys(state),
            (Some(Mutation::ForgetsRemovals), Action::SyncJob) => {
                let view = View { expected_removals: [false; PODS], ..state.view()? };
                let may_create = state.controller.expected_creations == 0;
                state.create_pod(&view, may_create).or_else(|| state.track(&view))
            }
            (Some(Mutation::ReleasesFirst), Action::SyncJob) => releases_first(state),
            (Some(Mutation::BlindStatus), Action::Commit) => blind_status(state),
            (Some(Mutation::IgnoresExpectations), Action::SyncJob) => {
                let view = state.view()?;
                state.create_pod(&view, true).or_else(|| state.track(&view))
            }
            (Some(Mutation::CompletesEarly), Action::SyncJob) => completes_early(state),
            (Some(Mutation::NeverCounts), Action::SyncJob | Action::Commit) => {
                never_counts(state, action)
            }
            (Some(Mutation::NeverFails), Action::SyncJob) => never_fails(state),
            (_, action) => action.apply(state),
        }
    }
}

fn orphan_is_nobodys(state: &State) -> Option<State> {
    let (mut next, number, pod) = state.hear_of_pod()?;
    let orphan = |cache: super::Objects| pod.is_some_and(|pod| pod.owned && cache.is_orphan(pod));
    if next.store.caches().is_some_and(orphan) {
        next.queue_orphan(usize::from(number));
    }
    Some(next)
}

fn blind_status(state: &State) -> Option<State> {
    let exists = state.store.now().job.is_some();
    match state.controller.request {
        Request::UpdateStatus { write, release, .. } if exists => {
            Some(state.written(write, release))
        }
        Request::UpdateStatus { .. }
        | Request::None
        | Request::CreatePod
        | Request::DeletePod { .. }
        | Request::RemoveFinalizers { .. } => state.commit(),
    }
}

fn releases_first(state: &State) -> Option<State> {
    let view = state.view()?;
    let next = state.sync_job()?;
    match status_update(&next) {
        Some((_, _, release)) if release.contains(&true) => {
            Some(state.releasing(view.job, release))
        }
        Some(_) | None => Some(next),
    }
}

fn completes_early(state: &State) -> Option<State> {
    let mut next = state.sync_job()?;
    if let Request::UpdateStatus { write, .. } = &mut next.controller.request
        && write.succeeded + write.waiting() >= COMPLETIONS
    {
        write.condition = Condition::Complete;
    }
    Some(next)
}

fn never_counts(state: &State, action: Action) -> Option<State> {
    let next = action.apply(state)?;
    let counts = |(read, write, _): (Job, Job, Set)| write.waiting() < read.waiting();
    (!status_update(&next).is_some_and(counts)).then_some(next)
}

fn never_fails(state: &State) -> Option<State> {
    let next = state.sync_job()?;
    let fails = |(_, write, _): (Job, Job, Set)| write.condition == Condition::Failed;
    let deletes = matches!(next.controller.request, Request::DeletePod { .. });
    (!deletes && !status_update(&next).is_some_and(fails)).then_some(next)
}

fn status_update(state: &State) -> Option<(Job, Job, Set)> {
    match state.controller.request {
        Request::UpdateStatus { read, write, release } => Some((read, write, release)),
        Request::None
        | Request::CreatePod
        | Request::DeletePod { .. }
        | Request::RemoveFinalizers { .. } => None,
    }
}
