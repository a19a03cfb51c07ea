//! Which finished Jobs of a CronJob are too many.
//!
//! Source: cleanupFinishedJobs in pkg/controller/cronjob/cronjob_controllerv2.go (v1.36).

use std::sync::Arc;

use k8s_openapi::api::batch::v1::{CronJobSpec, Job};

use crate::job::finished;
use crate::ownership::name;

/// The oldest of those that succeeded and of those that failed, beyond what is to be kept of each.
pub(super) fn too_many<'a>(spec: &CronJobSpec, jobs: &'a [Arc<Job>]) -> Vec<&'a Arc<Job>> {
    let limits = [
        ("Complete", spec.successful_jobs_history_limit),
        ("Failed", spec.failed_jobs_history_limit),
    ];
    let oldest = limits.into_iter().filter_map(|(type_, limit)| Some(oldest(jobs, type_, limit?)));
    oldest.flatten().collect()
}

fn oldest<'a>(jobs: &'a [Arc<Job>], type_: &str, limit: i32) -> Vec<&'a Arc<Job>> {
    let is_of_type = |job: &&Arc<Job>| finished(job).is_some_and(|found| found.type_ == type_);
    let mut found: Vec<&Arc<Job>> = jobs.iter().filter(is_of_type).collect();
    found.sort_by_key(|job| {
        let start = job.status.as_ref().and_then(|status| status.start_time.as_ref());
        (start.is_none(), start.map(|time| time.0), name(&job.metadata))
    });
    found.truncate(found.len().saturating_sub(usize::try_from(limit).unwrap_or(0)));
    found
}
