//! One look at a CronJob: which of its Jobs are active, and whether another is due.
//!
//! Source: syncCronJob in pkg/controller/cronjob/cronjob_controllerv2.go (v1.36). What upstream reads from the
//! API server in the middle of it is a question here, and the look begins anew with the answer.
//! MissSchedule is left out: what is due is sought after the starting deadline, and so never is too late.

use std::sync::Arc;

use api::cron::{Schedule, time_zone};
use api::{ApiResource, Key, Request, Timestamp, resources};
use client::Outcome;
use client::event::Note;
use k8s_openapi::api::batch::v1::{CronJob, CronJobStatus, Job};
use serde_json::json;

use super::due::{self, Missed};
use super::memory::{Memory, Started};
use super::{active, history, template};
use crate::after_seconds;
use crate::ownership::{name, uid};

/// How long it waits where the API server did not answer.
const RETRY_SECONDS: i64 = 1;

/// What is known of a CronJob.
pub(super) struct Seen<'a> {
    pub(super) cron_job: &'a CronJob,
    /// The Jobs that name it as their controller.
    pub(super) jobs: Vec<Arc<Job>>,
    pub(super) memory: &'a Memory,
    pub(super) now: Timestamp,
}

/// What a look comes to.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// What has to be read first. While there is anything, nothing else counts.
    pub(super) questions: Vec<Request>,
    /// The Jobs that are to go.
    pub(super) deletions: Vec<Request>,
    /// The Job that is to start, and for when.
    pub(super) start: Option<(Job, Timestamp)>,
    pub(super) status: CronJobStatus,
    /// What there is to tell once the status is written.
    pub(super) status_notes: Vec<Note>,
    /// What there is to tell once nothing is left to do.
    pub(super) notes: Vec<Note>,
    /// That too much was missed. No look after the start of a Job finds that.
    pub(super) missed: Option<Note>,
    pub(super) look_again: Option<Timestamp>,
}

/// Why a look ends before its end.
pub(super) enum End {
    /// There is nothing more to do until something changes.
    Done,
    /// Something could not be read.
    Retry,
    /// It is to go on at some time.
    LookAgain(Option<Timestamp>),
}

/// What is to be done about a CronJob.
pub(super) fn run(seen: &Seen<'_>) -> Wanted {
    let mut pass = Pass {
        seen,
        wanted: Wanted { status: active::current(seen.cron_job, seen.memory), ..Wanted::default() },
    };
    pass.delete_too_many();
    pass.wanted.look_again = match pass.look() {
        Ok(()) | Err(End::Done) => None,
        Err(End::Retry) => Some(after_seconds(seen.now, RETRY_SECONDS)),
        Err(End::LookAgain(when)) => when,
    };
    let mut wanted = pass.wanted;
    if wanted.status.active.as_ref().is_some_and(Vec::is_empty) {
        wanted.status.active = None;
    }
    wanted
}

fn delete(key: Key, uid: &str) -> Request {
    Request::delete(&resources::JOBS, key, uid, json!({"propagationPolicy": "Background"}))
}

/// A look that is under way.
pub(super) struct Pass<'a> {
    pub(super) seen: &'a Seen<'a>,
    pub(super) wanted: Wanted,
}

impl Pass<'_> {
    fn delete_too_many(&mut self) {
        for job in history::too_many(&self.seen.cron_job.spec, &self.seen.jobs) {
            let metadata = &job.metadata;
            self.wanted.deletions.push(delete(Key::of(metadata), uid(metadata)));
        }
    }

    fn look(&mut self) -> Result<(), End> {
        self.count_jobs()?;
        self.drop_missing()?;
        if !self.wanted.questions.is_empty() || self.is_going() {
            return Err(End::Done);
        }
        let schedule = self.schedule()?;
        let again = |pass: &Self| End::LookAgain(pass.look_again(&schedule));
        let scheduled = self.due(&schedule)?.ok_or_else(|| again(self))?;
        if self.is_started(scheduled) || self.is_forbidden() {
            return Err(again(self));
        }
        if self.makes_room()? {
            self.start(scheduled)?;
        }
        Err(again(self))
    }

    /// What the API server says of an object. `None` when it has to be asked first.
    pub(super) fn ask(&mut self, resource: &'static ApiResource, key: &Key) -> Option<Outcome> {
        let answer = self.seen.memory.answer(resource, key).cloned();
        if answer.is_none() {
            self.wanted.questions.push(Request::get(resource, key.clone()));
        }
        answer
    }

    fn is_going(&self) -> bool {
        self.seen.cron_job.metadata.deletion_timestamp.is_some()
    }

    fn warn(&mut self, reason: &str, message: String) -> End {
        self.wanted.notes.push(Note::warning(reason, message));
        End::Done
    }

    /// The schedule of a CronJob that is not suspended.
    fn schedule(&mut self) -> Result<Schedule, End> {
        let spec = &self.seen.cron_job.spec;
        let zone = spec.time_zone.as_deref().unwrap_or_default();
        if let Err(error) = time_zone::load(zone) {
            let message = format!("invalid timeZone: {zone:?}: {error}");
            return Err(self.warn("UnknownTimeZone", message));
        }
        if spec.suspend == Some(true) {
            return Err(End::Done);
        }
        if due::names_time_zone(spec) {
            let message = format!(
                "CRON_TZ or TZ used in schedule {:?} is not officially supported, see \
                 https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details",
                spec.schedule
            );
            self.warn("UnsupportedSchedule", message);
        }
        due::schedule(spec).map_err(|error| {
            let message = format!("unparseable schedule: {:?} : {error}", spec.schedule);
            self.warn("UnparseableSchedule", message)
        })
    }

    /// For which time a Job is due, if any.
    fn due(&mut self, schedule: &Schedule) -> Result<Option<Timestamp>, End> {
        let due = due::due(&self.seen.cron_job.spec, self.last(), (schedule, self.seen.now));
        let due = due.map_err(|error| {
            let message =
                format!("invalid schedule: {} : {error}", self.seen.cron_job.spec.schedule);
            self.warn("InvalidSchedule", message)
        })?;
        let starts_from = self.seen.memory.starts_from.filter(|when| self.seen.now < *when);
        if starts_from.is_some() {
            return Err(End::LookAgain(starts_from));
        }
        if due.latest.is_some() && due.missed == Missed::Many {
            let message = "too many missed start times. Set or decrease \
                .spec.startingDeadlineSeconds or check clock skew";
            self.wanted.missed = Some(Note::warning("TooManyMissedTimes", message));
        }
        Ok(due.latest)
    }

    /// When it last started a Job, or began.
    fn last(&self) -> Timestamp {
        due::last(self.seen.cron_job, &self.wanted.status)
    }

    fn look_again(&self, schedule: &Schedule) -> Option<Timestamp> {
        due::look_again(self.last(), schedule, self.seen.now)
    }

    /// Whether the Job of this time was started before.
    fn is_started(&self, scheduled: Timestamp) -> bool {
        let (cron_job, status) = (self.seen.cron_job, &self.wanted.status);
        let namespace = cron_job.metadata.namespace.as_deref().unwrap_or_default();
        let key = Key::new(namespace, &template::job_name(cron_job, scheduled));
        let is_last = status.last_schedule_time.as_ref().is_some_and(|last| last.0 == scheduled);
        is_last || status.active.iter().flatten().any(|job| active::key_of(job) == key)
    }

    fn is_forbidden(&mut self) -> bool {
        let has_active = self.wanted.status.active.iter().flatten().next().is_some();
        let forbids = self.seen.cron_job.spec.concurrency_policy.as_deref() == Some("Forbid");
        if forbids && has_active {
            let message = "Not starting job because prior execution is running and concurrency \
                policy is Forbid";
            self.wanted.notes.push(Note::normal("JobAlreadyActive", message));
        }
        forbids && has_active
    }

    /// Deletes what still runs, where the next is to take its place. Whether nothing does.
    fn makes_room(&mut self) -> Result<bool, End> {
        if self.seen.cron_job.spec.concurrency_policy.as_deref() != Some("Replace") {
            return Ok(true);
        }
        let active = self.wanted.status.active.clone().unwrap_or_default();
        for job in &active {
            match self.ask(&resources::JOBS, &active::key_of(job)) {
                Some(Ok(_)) => {
                    self.wanted.deletions.push(delete(active::key_of(job), active::uid_of(job)))
                }
                Some(Err(status)) => {
                    self.warn("FailedGet", format!("Get job: {status}"));
                    return Err(End::Retry);
                }
                None => {}
            }
        }
        Ok(active.is_empty())
    }

    /// Starts the Job of a time, or takes the one that has its name if that is its own.
    fn start(&mut self, scheduled: Timestamp) -> Result<(), End> {
        let cron_job = self.seen.cron_job;
        let job = template::job(cron_job, scheduled);
        let attempt = self.seen.memory.attempt.as_ref();
        let is_taken =
            attempt.is_some_and(|attempt| attempt.is_taken && attempt.name == name(&job.metadata));
        if !is_taken {
            self.wanted.start = Some((job, scheduled));
            return Ok(());
        }
        // The look that asked for the Job has told it.
        self.wanted.missed = None;
        match self.ask(&resources::JOBS, &Key::of(&job.metadata)) {
            Some(Ok(found)) => {
                if active::is_controlled_by(&found, uid(&cron_job.metadata)) {
                    let started = Started { reference: active::reference(&found), scheduled };
                    active::tell_of(&mut self.wanted.status, &started);
                }
                Ok(())
            }
            Some(Err(_)) => Err(End::Retry),
            None => Err(End::Done),
        }
    }
}
