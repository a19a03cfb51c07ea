//! The Jobs that a CronJob makes.
//!
//! Source: getJobFromTemplate2 in pkg/controller/cronjob/utils.go (v1.36).

use api::Timestamp;
use api::cron::time_zone;
use api::object::controller_reference;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::ownership::name;

/// The annotation that says for when a Job was made.
const SCHEDULED_TIMESTAMP: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// The name of the Job of one time: no time has two.
pub(super) fn job_name(cron_job: &CronJob, scheduled: Timestamp) -> String {
    format!("{}-{}", name(&cron_job.metadata), scheduled.as_second() / 60)
}

/// The Job of one time.
pub(super) fn job(cron_job: &CronJob, scheduled: Timestamp) -> Job {
    let spec = &cron_job.spec;
    let template = spec.job_template.metadata.clone().unwrap_or_default();
    let mut annotations = template.annotations.unwrap_or_default();
    let time = in_zone(scheduled, spec.time_zone.as_deref().unwrap_or_default());
    annotations.insert(SCHEDULED_TIMESTAMP.to_owned(), time);
    Job {
        metadata: ObjectMeta {
            name: Some(job_name(cron_job, scheduled)),
            namespace: cron_job.metadata.namespace.clone(),
            labels: template.labels,
            annotations: Some(annotations),
            owner_references: Some(vec![controller_reference(cron_job)]),
            ..ObjectMeta::default()
        },
        spec: spec.job_template.spec.clone(),
        status: None,
    }
}

/// A time as RFC 3339 has it, on the clock of a time zone.
fn in_zone(time: Timestamp, zone: &str) -> String {
    let zoned = time_zone::load(zone).map(|zone| time.to_zoned(zone)).ok();
    match zoned.filter(|zoned| !zoned.offset().is_zero()) {
        Some(zoned) => zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        None => api::time::text(time),
    }
}
