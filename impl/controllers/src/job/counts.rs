//! How a Job counts the pods that have ended, each once: it is listed in the status first, then loses its
//! finalizer, and moves from the list into a counter when the cache shows that it has.
//!
//! Source: trackJobStatusAndRemoveFinalizers in pkg/controller/job/job_controller.go (v1.36).

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::batch::v1::{JobSpec, JobStatus};
use k8s_openapi::api::core::v1::Pod;

use super::pass::{Pass, number};
use super::policies;
use crate::ownership::uid;
use crate::pods;

/// How many pods are listed at most.
const UNCOUNTED_MAX: usize = 500;

/// The uids of pods that are listed.
pub(super) fn uncounted(status: &JobStatus) -> BTreeSet<String> {
    let lists = status.uncounted_terminated_pods.iter();
    lists.flat_map(|lists| lists.succeeded.iter().chain(&lists.failed)).flatten().cloned().collect()
}

/// Whether containers that are restarted in place have been so too often.
pub(super) fn restarts_exceed(spec: &JobSpec, all: &[Arc<Pod>], limit: i32) -> bool {
    let pod_spec = spec.template.spec.as_ref();
    if pod_spec.and_then(|spec| spec.restart_policy.as_deref()) != Some("OnFailure") {
        return false;
    }
    let restarts: i32 = all
        .iter()
        .filter(|pod| matches!(pods::phase(pod), "Running" | "Pending"))
        .filter_map(|pod| pod.status.as_ref())
        .flat_map(|status| [&status.init_container_statuses, &status.container_statuses])
        .flatten()
        .flatten()
        .map(|status| status.restart_count)
        .sum();
    restarts > 0 && restarts >= limit
}

/// What a pod adds to the status.
enum Counted {
    Succeeded,
    SucceededIndex(i32),
    Failed,
    Nothing,
}

impl Pass<'_> {
    /// Moves pods whose finalizer is gone from the lists into the counters.
    pub(super) fn count_released(&mut self) {
        let tracked: BTreeSet<String> = self
            .seen
            .pods
            .iter()
            .filter(|pod| self.is_tracked(pod))
            .map(|pod| uid(&pod.metadata).to_owned())
            .collect();
        let status = &mut self.wanted.status;
        let lists = status.uncounted_terminated_pods.get_or_insert_default();
        let moves = [
            (&mut lists.succeeded, &mut status.succeeded),
            (&mut lists.failed, &mut status.failed),
        ];
        for (list, counter) in moves {
            let (left, gone): (Vec<_>, Vec<_>) =
                list.take().unwrap_or_default().into_iter().partition(|uid| tracked.contains(uid));
            let gone = i32::try_from(gone.len()).unwrap_or(i32::MAX);
            *counter = number(counter.unwrap_or(0) + gone);
            *list = (!left.is_empty()).then_some(left);
        }
    }

    /// Lists what has ended. When the status that the cache shows has it all, finalizers go; when those are
    /// gone too, a decided Job is over.
    pub(super) fn track(&mut self) {
        let released = self.list_ended();
        self.write_indexes();
        let now = self.seen.now;
        if let Some(finish) = &self.finish {
            finish.announce(&mut self.wanted.status, now);
        }
        let old = self.seen.job.status.as_ref();
        if old != Some(&self.wanted.status) {
            return;
        }
        let is_over = released.is_empty()
            && self.terminating == 0
            && uncounted(&self.wanted.status).is_empty();
        self.wanted.counted = released;
        if let Some(finish) = self.finish.as_ref().filter(|_| is_over) {
            let completions = self.seen.spec.completions;
            self.wanted.notes.extend(finish.enact(&mut self.wanted.status, completions, now));
        }
    }

    /// The pods that are done with, each in the lists or among the indexes.
    fn list_ended(&mut self) -> Vec<Arc<Pod>> {
        let listed = uncounted(&self.wanted.status);
        let mut room = UNCOUNTED_MAX.saturating_sub(listed.len());
        let mut ended = vec![];
        for pod in self.seen.pods.clone() {
            if room == 0 {
                break;
            }
            if !self.is_tracked(&pod) || !self.is_done_with(&pod) {
                continue;
            }
            if !listed.contains(uid(&pod.metadata)) {
                room -= usize::from(self.list(&pod));
            }
            ended.push(pod);
        }
        ended
    }

    /// Whether the pod's finalizer may go.
    fn is_done_with(&self, pod: &Pod) -> bool {
        if self.finish.is_some()
            || self.seen.job.metadata.deletion_timestamp.is_some()
            || pods::phase(pod) == "Succeeded"
        {
            return true;
        }
        let is_delayed = || {
            let delayed = self.index(pod).and_then(|index| self.delayed.get(&index));
            delayed.is_some_and(|delayed| uid(&delayed.metadata) == uid(&pod.metadata))
        };
        self.is_failed(pod) && !is_delayed()
    }

    /// Puts a pod into the status. Whether that changed it.
    fn list(&mut self, pod: &Pod) -> bool {
        let counted = self.what_counts(pod);
        let lists = self.wanted.status.uncounted_terminated_pods.get_or_insert_default();
        let list = match counted {
            Counted::Nothing => return false,
            Counted::SucceededIndex(index) => {
                self.completed = self.completed.with([index]);
                return true;
            }
            Counted::Succeeded => &mut lists.succeeded,
            Counted::Failed => &mut lists.failed,
        };
        list.get_or_insert_default().push(uid(&pod.metadata).to_owned());
        true
    }

    /// A Job that has failed counts each pod that has not ended as failed.
    fn what_counts(&self, pod: &Pod) -> Counted {
        let has_index = !self.is_indexed() || self.index(pod).is_some();
        if pods::phase(pod) == "Succeeded" {
            return match self.index(pod).filter(|_| self.is_indexed()) {
                Some(index) if !self.completed.has(index) => Counted::SucceededIndex(index),
                None if !self.is_indexed() => Counted::Succeeded,
                Some(_) | None => Counted::Nothing,
            };
        }
        let has_failed = self.finish.as_ref().is_some_and(|finish| !finish.is_success());
        let counts = policies::of_failed(self.seen.spec, pod).is_counted();
        if (self.is_failed(pod) || has_failed) && has_index && counts {
            return Counted::Failed;
        }
        Counted::Nothing
    }

    fn write_indexes(&mut self) {
        if !self.is_indexed() {
            return;
        }
        let completed = self.completed.to_string();
        let status = &mut self.wanted.status;
        status.succeeded = number(self.completed.total());
        status.completed_indexes = (!completed.is_empty()).then_some(completed);
        status.failed_indexes = self.failed_indexes.as_ref().map(ToString::to_string);
    }
}
