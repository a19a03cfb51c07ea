//! The list of active Jobs in the status of a CronJob.

use api::Key;
use api::object::text;
use k8s_openapi::api::batch::v1::{CronJob, CronJobStatus};
use k8s_openapi::api::core::v1::ObjectReference;
use serde_json::Value;

use super::memory::{Memory, Started};

/// The status, with what was done since it was written.
pub(super) fn current(cron_job: &CronJob, memory: &Memory) -> CronJobStatus {
    let mut status = cron_job.status.clone().unwrap_or_default();
    if let Some(active) = &mut status.active {
        active.retain(|job| !memory.deleted.contains(uid_of(job)));
    }
    if let Some(started) = &memory.started {
        tell_of(&mut status, started);
    }
    status
}

/// Tells of a Job that was started.
pub(super) fn tell_of(status: &mut CronJobStatus, started: &Started) {
    if !is_active(status, uid_of(&started.reference)) {
        status.active.get_or_insert_default().push(started.reference.clone());
    }
    status.last_schedule_time = Some(api::time::time(started.scheduled));
}

/// Which Job it is.
pub(super) fn uid_of(job: &ObjectReference) -> &str {
    job.uid.as_deref().unwrap_or_default()
}

/// How the Job is called.
pub(super) fn key_of(job: &ObjectReference) -> Key {
    Key::new(job.namespace.as_deref().unwrap_or_default(), job.name.as_deref().unwrap_or_default())
}

/// Whether the status lists a Job.
pub(super) fn is_active(status: &CronJobStatus, uid: &str) -> bool {
    status.active.iter().flatten().any(|job| uid_of(job) == uid)
}

/// Whether a CronJob as the API server answers it lists an active Job.
pub(super) fn lists(cron_job: &Value, uid: &str) -> bool {
    let active = cron_job["status"]["active"].as_array();
    active.into_iter().flatten().any(|job| text(job, &["uid"]) == uid)
}

/// Whether a Job as the API server answers it belongs to the owner of this uid.
pub(super) fn is_controlled_by(job: &Value, uid: &str) -> bool {
    let owners = job["metadata"]["ownerReferences"].as_array();
    owners.into_iter().flatten().any(|owner| owner["controller"] == true && owner["uid"] == uid)
}

/// The reference to a Job as the API server answers it.
pub(super) fn reference(job: &Value) -> ObjectReference {
    let field = |path: &[&str]| Some(text(job, path).to_owned());
    ObjectReference {
        api_version: Some("batch/v1".to_owned()),
        kind: Some("Job".to_owned()),
        name: field(&["metadata", "name"]),
        namespace: field(&["metadata", "namespace"]),
        uid: field(&["metadata", "uid"]),
        resource_version: field(&["metadata", "resourceVersion"]),
        field_path: None,
    }
}
