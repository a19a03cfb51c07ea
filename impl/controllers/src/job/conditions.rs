//! The conditions of a Job: suspended, decided, finished.
//!
//! Source: pkg/controller/job/job_controller.go (v1.36).

use api::Timestamp;
use client::event::Note;
use k8s_openapi::api::batch::v1::{Job, JobCondition, JobStatus};

/// Why a Job is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finish {
    is_success: bool,
    reason: String,
    message: String,
}

impl Finish {
    pub(super) fn success(reason: &str, message: &str) -> Self {
        Self { is_success: true, reason: reason.to_owned(), message: message.to_owned() }
    }

    pub(super) fn failure(reason: &str, message: &str) -> Self {
        Self { is_success: false, ..Self::success(reason, message) }
    }

    pub(super) fn is_success(&self) -> bool {
        self.is_success
    }

    /// Says that the Job is decided, before its pods are gone. Whether that was said before.
    pub(super) fn announce(&self, status: &mut JobStatus, now: Timestamp) -> bool {
        let type_ = if self.is_success { "SuccessCriteriaMet" } else { "FailureTarget" };
        !set(status, type_, "True", (&self.reason, &self.message), now)
    }

    /// Says that the Job is over. What there is to tell.
    pub(super) fn enact(
        &self,
        status: &mut JobStatus,
        completions: Option<i32>,
        now: Timestamp,
    ) -> Vec<Note> {
        let type_ = if self.is_success { "Complete" } else { "Failed" };
        set(status, type_, "True", (&self.reason, &self.message), now);
        if !self.is_success {
            return vec![Note::warning(&self.reason, &*self.message)];
        }
        status.completion_time = Some(api::time::time(now));
        let too_many = completions.is_some_and(|most| status.succeeded.unwrap_or(0) > most);
        let warning = too_many.then(|| {
            let message = "Too many succeeded pods running after completion count reached";
            Note::warning("TooManySucceededPods", message)
        });
        warning.into_iter().chain([Note::normal("Completed", "Job completed")]).collect()
    }
}

/// Whether a Job is complete or has failed.
pub(crate) fn is_finished(job: &Job) -> bool {
    finished(job).is_some()
}

/// Since when a Job is complete or has failed.
pub(crate) fn finished_at(job: &Job) -> Option<Timestamp> {
    finished(job)?.last_transition_time.as_ref().map(|time| time.0)
}

/// The condition that says that a Job is complete or has failed.
pub(crate) fn finished(job: &Job) -> Option<&JobCondition> {
    let mut conditions = job.status.as_ref()?.conditions.iter().flatten();
    conditions.find(|condition| {
        matches!(condition.type_.as_str(), "Complete" | "Failed") && condition.status == "True"
    })
}

/// What an earlier pass has decided.
pub(super) fn decided(status: &JobStatus) -> Option<Finish> {
    let holds = |type_: &str| {
        let mut conditions = status.conditions.iter().flatten();
        conditions.find(|condition| condition.type_ == type_ && condition.status == "True")
    };
    let finish = |condition: &JobCondition, is_success| Finish {
        is_success,
        reason: condition.reason.clone().unwrap_or_default(),
        message: condition.message.clone().unwrap_or_default(),
    };
    let succeeded = holds("SuccessCriteriaMet").map(|condition| finish(condition, true));
    succeeded.or_else(|| holds("FailureTarget").map(|condition| finish(condition, false)))
}

/// Says whether the Job is suspended. What there is to tell, if that is new. Time begins anew when it is
/// resumed, and is not counted while it is suspended.
pub(super) fn suspend(status: &mut JobStatus, suspended: bool, now: Timestamp) -> Option<Note> {
    if suspended {
        let is_new = set(status, "Suspended", "True", ("JobSuspended", "Job suspended"), now);
        return is_new.then(|| {
            status.start_time = None;
            Note::normal("Suspended", "Job suspended")
        });
    }
    let is_new = set(status, "Suspended", "False", ("JobResumed", "Job resumed"), now);
    is_new.then(|| {
        status.start_time = Some(api::time::time(now));
        Note::normal("Resumed", "Job resumed")
    })
}

/// Sets a condition; one that was never there does not become false. Whether that changes anything.
fn set(
    status: &mut JobStatus,
    type_: &str,
    value: &str,
    (reason, message): (&str, &str),
    now: Timestamp,
) -> bool {
    let condition = JobCondition {
        type_: type_.to_owned(),
        status: value.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_probe_time: Some(api::time::time(now)),
        last_transition_time: Some(api::time::time(now)),
    };
    let said = |old: &JobCondition| (old.status.clone(), old.reason.clone(), old.message.clone());
    let conditions = status.conditions.iter_mut().flatten();
    match conditions.into_iter().find(|old| old.type_ == type_) {
        Some(old) if said(old) == said(&condition) => false,
        Some(old) => {
            *old = condition;
            true
        }
        None if value == "True" => {
            status.conditions.get_or_insert_default().push(condition);
            true
        }
        None => false,
    }
}
