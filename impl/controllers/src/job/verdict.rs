//! Whether a Job is decided, and why: what has failed comes before what has succeeded.
//!
//! Source: syncJob in pkg/controller/job/job_controller.go (v1.36).

use super::conditions::{self, Finish};
use super::counts;
use super::pass::Pass;
use super::policies::{self, Failure};
use crate::after_seconds;

impl Pass<'_> {
    /// What has been decided before, then why it has failed, then why it has succeeded by its policy.
    pub(super) fn why_finished(&mut self) -> Option<Finish> {
        conditions::decided(&self.wanted.status)
            .or_else(|| self.failed_by_policy())
            .or_else(|| self.failed_by_limits())
            .or_else(|| self.failed_by_index())
            .or_else(|| {
                let policy = self.seen.spec.success_policy.as_ref().filter(|_| self.is_indexed());
                let message =
                    policies::success(policy, self.completions(), &self.succeeded_indexes)?;
                Some(Finish::success("SuccessPolicy", &message))
            })
    }

    fn failed_by_policy(&self) -> Option<Finish> {
        let failed = self.seen.pods.iter().filter(|pod| self.is_failed(pod));
        failed.into_iter().find_map(|pod| match policies::of_failed(self.seen.spec, pod) {
            Failure::FailsJob(message) => Some(Finish::failure("PodFailurePolicy", &message)),
            Failure::Counts | Failure::Ignored | Failure::FailsIndex => None,
        })
    }

    fn failed_by_limits(&mut self) -> Option<Finish> {
        let limit = self.seen.spec.backoff_limit.unwrap_or(6);
        if self.failed > limit || counts::restarts_exceed(self.seen.spec, &self.seen.pods, limit) {
            let message = "Job has reached the specified backoff limit";
            return Some(Finish::failure("BackoffLimitExceeded", message));
        }
        let seconds = self.seen.spec.active_deadline_seconds.filter(|_| !self.is_suspended())?;
        let deadline = after_seconds(self.wanted.status.start_time.as_ref()?.0, seconds);
        if deadline > self.seen.now {
            self.look_again_at(deadline);
            return None;
        }
        let message = "Job was active longer than specified deadline";
        Some(Finish::failure("DeadlineExceeded", message))
    }

    fn failed_by_index(&self) -> Option<Finish> {
        let failed = self.failed_indexes.as_ref()?.total();
        if self.seen.spec.max_failed_indexes.is_some_and(|most| failed > most) {
            let message = "Job has exceeded the specified maximal number of failed indexes";
            return Some(Finish::failure("MaxFailedIndexesExceeded", message));
        }
        let all_ended = failed + self.succeeded_indexes.total() >= self.completions();
        (failed > 0 && all_ended)
            .then(|| Finish::failure("FailedIndexes", "Job has failed indexes"))
    }
}
