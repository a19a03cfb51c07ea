//! One pass over one Job: which pods come and go, and what its status becomes.
//!
//! Source: syncJob and manageJob in pkg/controller/job/job_controller.go (v1.36). Where upstream writes the
//! status, takes finalizers away and writes again within one sync, here each is a pass of its own, which
//! begins when the cache shows what the one before has done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::Timestamp;
use client::event::Note;
use k8s_openapi::api::batch::v1::{Job, JobSpec, JobStatus};
use k8s_openapi::api::core::v1::Pod;

use super::backoff::Backoff;
use super::conditions::{self, Finish};
use super::indexes::{self, Indexes};
use super::policies::{self, Failure};
use super::{counts, per_index, template};
use crate::ownership::uid;
use crate::pods;
use crate::replica_set::least_missed;

/// How many pods one pass creates or deletes at most.
const CREATED_OR_DELETED_MAX: usize = 500;

/// The finalizer of pods that the status does not count yet.
pub(super) const TRACKING_FINALIZER: &str = "batch.kubernetes.io/job-tracking";

/// What a pass looks at.
pub(super) struct Seen<'a> {
    pub(super) job: &'a Job,
    pub(super) spec: &'a JobSpec,
    /// The pods that the Job manages.
    pub(super) pods: Vec<Arc<Pod>>,
    /// Pods whose finalizer is gone, though the cache does not show it yet.
    pub(super) released: BTreeSet<String>,
    pub(super) backoff: Backoff,
    pub(super) now: Timestamp,
}

/// What a pass wants done.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Pods to create.
    pub(super) created: Vec<Pod>,
    /// Pods to delete, which will be counted.
    pub(super) deleted: Vec<Arc<Pod>>,
    /// Pods to delete that are not to be counted: their finalizers go first.
    pub(super) withdrawn: Vec<Arc<Pod>>,
    /// Pods that the status counts, whose finalizers may go.
    pub(super) counted: Vec<Arc<Pod>>,
    pub(super) status: JobStatus,
    pub(super) look_again: Option<Timestamp>,
    /// What to say, and what to remember, once the status is written.
    pub(super) notes: Vec<Note>,
    pub(super) backoff: Backoff,
}

/// A pass under way.
pub(super) struct Pass<'a> {
    pub(super) seen: Seen<'a>,
    pub(super) wanted: Wanted,
    pub(super) active: Vec<Arc<Pod>>,
    pub(super) active_count: i32,
    ready: i32,
    pub(super) terminating: i32,
    succeeded: i32,
    pub(super) failed: i32,
    /// Indexes that the status has as completed.
    pub(super) completed: Indexes,
    pub(super) succeeded_indexes: Indexes,
    /// `None` unless there is a limit for each index.
    pub(super) failed_indexes: Option<Indexes>,
    /// By index, the failed pod that stays until its replacement is made, which counts on from it.
    pub(super) delayed: BTreeMap<i32, Arc<Pod>>,
    pub(super) finish: Option<Finish>,
}

/// Runs a pass.
pub(super) fn run(seen: Seen<'_>) -> Wanted {
    let mut pass = Pass::new(seen);
    pass.count_released();
    pass.count_finished();
    if pass.wanted.status.start_time.is_none() && !pass.is_suspended() {
        pass.wanted.status.start_time = Some(api::time::time(pass.seen.now));
    }
    pass.finish = pass.why_finished();
    match pass.finish {
        Some(_) => pass.stop(),
        None => pass.manage(),
    }
    pass.wanted.status.active = number(pass.active_count);
    pass.wanted.status.ready = Some(pass.ready);
    pass.wanted.status.terminating = Some(pass.terminating);
    pass.track();
    pass.wanted
}

/// Kubernetes leaves out numbers that are zero.
pub(super) fn number(count: i32) -> Option<i32> {
    (count != 0).then_some(count)
}

fn length<T>(items: &[T]) -> i32 {
    i32::try_from(items.len()).unwrap_or(i32::MAX)
}

impl<'a> Pass<'a> {
    fn new(seen: Seen<'a>) -> Self {
        let mut status = seen.job.status.clone().unwrap_or_default();
        status.uncounted_terminated_pods.get_or_insert_default();
        let active: Vec<_> = seen.pods.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
        let is_terminating = |pod: &&Arc<Pod>| pods::is_terminating(pod) && !pods::is_finished(pod);
        let terminating = seen.pods.iter().filter(is_terminating).count();
        let completions = seen.spec.completions.unwrap_or(0);
        let completed = status.completed_indexes.as_deref().unwrap_or_default();
        Self {
            active_count: length(&active),
            ready: i32::try_from(active.iter().filter(|pod| pods::is_ready(pod)).count())
                .unwrap_or(i32::MAX),
            terminating: i32::try_from(terminating).unwrap_or(i32::MAX),
            completed: Indexes::parse(completed, completions),
            wanted: Wanted { status, backoff: seen.backoff, ..Wanted::default() },
            active,
            succeeded: 0,
            failed: 0,
            succeeded_indexes: Indexes::default(),
            failed_indexes: None,
            delayed: BTreeMap::new(),
            finish: None,
            seen,
        }
    }

    pub(super) fn is_indexed(&self) -> bool {
        self.seen.spec.completion_mode.as_deref() == Some("Indexed")
    }

    pub(super) fn completions(&self) -> i32 {
        self.seen.spec.completions.unwrap_or(0)
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.seen.spec.suspend == Some(true)
    }

    /// Whether a pod that is being deleted is replaced only when it has ended.
    pub(super) fn replaces_only_failed(&self) -> bool {
        let spec = self.seen.spec;
        spec.pod_replacement_policy.as_deref() == Some("Failed")
            || spec.pod_failure_policy.is_some()
    }

    /// Whether a pod counts as failed; one that is being deleted may never say so itself.
    pub(super) fn is_failed(&self, pod: &Pod) -> bool {
        pods::phase(pod) == "Failed"
            || (!self.replaces_only_failed()
                && pods::is_terminating(pod)
                && pods::phase(pod) != "Succeeded")
    }

    /// Whether the pod still has its finalizer.
    pub(super) fn is_tracked(&self, pod: &Pod) -> bool {
        has_finalizer(pod) && !self.seen.released.contains(uid(&pod.metadata))
    }

    /// The pod's index, if the Job has that index.
    pub(super) fn index(&self, pod: &Pod) -> Option<i32> {
        indexes::of(pod).filter(|index| *index < self.completions())
    }

    /// Adds what has finished and is not counted yet to what the status counts.
    fn count_finished(&mut self) {
        let uncounted = counts::uncounted(&self.wanted.status);
        let is_new = |pod: &&Arc<Pod>| {
            self.is_tracked(pod)
                && !uncounted.contains(uid(&pod.metadata))
                && (!self.is_indexed()
                    || self.index(pod).is_some_and(|index| !self.completed.has(index)))
        };
        let (mut succeeded, mut failed) = (vec![], vec![]);
        for pod in self.seen.pods.iter().filter(is_new) {
            match pods::phase(pod) {
                "Succeeded" => succeeded.push(Arc::clone(pod)),
                _ if self.is_failed(pod) => failed.push(Arc::clone(pod)),
                _ => {}
            }
        }
        self.wanted.backoff = self.seen.backoff.after(&succeeded, &failed);
        failed.retain(|pod| policies::of_failed(self.seen.spec, pod).is_counted());
        let status = &self.wanted.status;
        let listed = status.uncounted_terminated_pods.clone().unwrap_or_default();
        self.failed = status.failed.unwrap_or(0)
            + length(&failed)
            + length(&listed.failed.unwrap_or_default());
        self.succeeded = status.succeeded.unwrap_or(0)
            + length(&succeeded)
            + length(&listed.succeeded.unwrap_or_default());
        if self.is_indexed() {
            self.count_indexes();
        }
    }

    fn count_indexes(&mut self) {
        let succeeded = self.indexes_of(|pod| pods::phase(pod) == "Succeeded");
        self.succeeded_indexes = self.completed.with(succeeded);
        self.succeeded = self.succeeded_indexes.total();
        if let Some(limit) = self.seen.spec.backoff_limit_per_index {
            let before = self.wanted.status.failed_indexes.as_deref().unwrap_or_default();
            let before = Indexes::parse(before, self.completions());
            // Pods that go because the Job is decided fail no index.
            let is_decided = conditions::decided(&self.wanted.status).is_some();
            let failed = self.indexes_of(|pod| !is_decided && self.fails_its_index(pod, limit));
            self.failed_indexes = Some(before.with(failed));
            self.delayed = per_index::delayed(self);
        }
    }

    /// The indexes of the pods that are not counted yet and of which this holds.
    fn indexes_of(&self, holds: impl Fn(&Pod) -> bool) -> Vec<i32> {
        let pods = self.seen.pods.iter().filter(|pod| self.is_tracked(pod) && holds(pod));
        pods.filter_map(|pod| self.index(pod)).collect()
    }

    fn fails_its_index(&self, pod: &Pod, limit: i32) -> bool {
        self.is_failed(pod)
            && match policies::of_failed(self.seen.spec, pod) {
                Failure::FailsIndex => true,
                Failure::Ignored => false,
                Failure::Counts | Failure::FailsJob(_) => per_index::failures(pod) >= limit,
            }
    }

    pub(super) fn look_again_at(&mut self, when: Timestamp) {
        let before = self.wanted.look_again;
        self.wanted.look_again = Some(before.map_or(when, |before| before.min(when)));
    }

    /// The Job is decided: its active pods go, and are counted.
    fn stop(&mut self) {
        self.wanted.deleted = self.active.clone();
        self.goes(&self.active.clone());
    }

    /// Counts pods as terminating that are about to be deleted.
    fn goes(&mut self, gone: &[Arc<Pod>]) {
        let ready = gone.iter().filter(|pod| pods::is_ready(pod)).count();
        self.active_count -= length(gone);
        self.terminating += length(gone);
        self.ready -= i32::try_from(ready).unwrap_or(i32::MAX);
    }

    /// Creates or deletes pods, then looks whether all is done.
    fn manage(&mut self) {
        let is_managed = self.seen.job.metadata.deletion_timestamp.is_none();
        if is_managed {
            self.adjust();
        }
        let is_complete = self.active_count == 0
            && match self.seen.spec.completions {
                Some(completions) => self.succeeded >= completions,
                None => self.succeeded > 0,
            };
        if is_complete {
            let message = "Reached expected number of succeeded pods";
            self.finish = Some(Finish::success("CompletionsReached", message));
        } else if is_managed {
            let (suspended, now) = (self.is_suspended(), self.seen.now);
            self.wanted.notes.extend(conditions::suspend(&mut self.wanted.status, suspended, now));
        }
    }

    fn adjust(&mut self) {
        let wanted = self.wanted_active();
        let surplus = usize::try_from(self.active_count - wanted).unwrap_or(0);
        let mut gone = self.first_to_go(surplus);
        if !self.is_suspended() {
            gone.truncate(CREATED_OR_DELETED_MAX);
        }
        if !gone.is_empty() {
            self.goes(&gone);
            self.wanted.withdrawn = gone;
            return;
        }
        let terminating = if self.replaces_only_failed() { self.terminating } else { 0 };
        let missing = usize::try_from(wanted - terminating - self.active_count).unwrap_or(0);
        if missing > 0 && !self.is_suspended() {
            self.create(missing.min(CREATED_OR_DELETED_MAX));
        }
    }

    /// How many pods should be active.
    fn wanted_active(&self) -> i32 {
        let parallelism = self.seen.spec.parallelism.unwrap_or(1);
        match self.seen.spec.completions {
            _ if self.is_suspended() => 0,
            None if self.succeeded > 0 => self.active_count,
            None => parallelism,
            Some(completions) => (completions - self.succeeded).min(parallelism).max(0),
        }
    }

    /// Pods that have no valid index or the same as another one, and so many others that enough go.
    fn first_to_go(&self, count: usize) -> Vec<Arc<Pod>> {
        let ranked = least_missed(&self.active, self.seen.now);
        let (mut gone, left) =
            if self.is_indexed() { per_index::duplicates(self, ranked) } else { (vec![], ranked) };
        let more = count.saturating_sub(gone.len());
        gone.extend(left.into_iter().take(more));
        gone
    }

    fn create(&mut self, count: usize) {
        let has_limit_per_index = self.failed_indexes.is_some();
        if !has_limit_per_index && let Some(end) = self.wanted.backoff.ends_at(self.seen.now) {
            return self.waits_until(end);
        }
        if !self.is_indexed() {
            self.wanted.created = vec![template::pod(self.seen.job, self.seen.spec); count];
            self.active_count += length(&self.wanted.created);
            return;
        }
        let indexes = per_index::pending(self, count);
        match per_index::due(self, indexes) {
            Ok(indexes) => {
                let made = indexes.into_iter().map(|index| per_index::pod(self, index)).collect();
                self.wanted.created = made;
                self.active_count += length(&self.wanted.created);
            }
            Err(when) => self.waits_until(when),
        }
    }

    /// Upstream says that nothing is active while it waits.
    /// Source: manageJob in pkg/controller/job/job_controller.go, v1.36.
    fn waits_until(&mut self, when: Timestamp) {
        self.look_again_at(when);
        self.active_count = 0;
    }
}

/// Whether a pod has the finalizer of pods that are not counted yet.
pub(super) fn has_finalizer(pod: &Pod) -> bool {
    let mut finalizers = pod.metadata.finalizers.iter().flatten();
    finalizers.any(|finalizer| finalizer == TRACKING_FINALIZER)
}
