//! Which of its Jobs a CronJob lists as active: those that are over or missing are not.
//!
//! Source: the first half of syncCronJob in pkg/controller/cronjob/cronjob_controllerv2.go (v1.36).

use api::{Key, Reason, resources};
use client::event::Note;
use k8s_openapi::api::batch::v1::Job;

use super::active;
use super::pass::{End, Pass};
use crate::job::finished;
use crate::ownership::{name, uid};

impl Pass<'_> {
    /// Drops Jobs that are over, and wonders about those that are not known.
    pub(super) fn count_jobs(&mut self) -> Result<(), End> {
        for job in &self.seen.jobs {
            let is_known = active::is_active(&self.wanted.status, uid(&job.metadata));
            match finished(job) {
                None if !is_known => self.wonder_about(job)?,
                None => {}
                Some(condition) => {
                    if is_known {
                        self.drop_job(uid(&job.metadata));
                        let name = name(&job.metadata);
                        let condition = &condition.type_;
                        let message = format!("Saw completed job: {name}, condition: {condition}");
                        self.wanted.status_notes.push(Note::normal("SawCompletedJob", message));
                    }
                    if condition.type_ == "Complete" {
                        self.note_success(job);
                    }
                }
            }
        }
        Ok(())
    }

    fn drop_job(&mut self, uid: &str) {
        self.wanted
            .status
            .active
            .iter_mut()
            .for_each(|active| active.retain(|job| active::uid_of(job) != uid));
    }

    fn note_success(&mut self, job: &Job) {
        let completed = job.status.as_ref().and_then(|status| status.completion_time.clone());
        let last = &mut self.wanted.status.last_successful_time;
        *last = completed.max(last.take());
    }

    /// The cache may show a Job before the status that tells of it.
    fn wonder_about(&mut self, job: &Job) -> Result<(), End> {
        let key = Key::of(&self.seen.cron_job.metadata);
        match self.ask(&resources::CRON_JOBS, &key) {
            None => Ok(()),
            Some(Err(_)) => Err(End::Retry),
            Some(Ok(live)) if active::lists(&live, uid(&job.metadata)) => Err(End::Done),
            Some(Ok(_)) => {
                let name = name(&job.metadata);
                let message =
                    format!("Saw a job that the controller did not create or forgot: {name}");
                self.wanted.notes.push(Note::warning("UnexpectedJob", message));
                Ok(())
            }
        }
    }

    /// Drops Jobs that are not there. The cache may not show one yet.
    pub(super) fn drop_missing(&mut self) -> Result<(), End> {
        for job in self.wanted.status.active.clone().unwrap_or_default() {
            let started = self.seen.memory.started.as_ref();
            let is_new = started.is_some_and(|started| started.reference == job);
            let is_seen =
                self.seen.jobs.iter().any(|seen| uid(&seen.metadata) == active::uid_of(&job));
            if is_new || is_seen {
                continue;
            }
            match self.ask(&resources::JOBS, &active::key_of(&job)) {
                Some(Err(status)) if status.reason == Reason::NotFound => {
                    self.drop_job(active::uid_of(&job));
                    let message = format!("Active job went missing: {}", active::key_of(&job).name);
                    self.wanted.status_notes.push(Note::normal("MissingJob", message));
                }
                Some(Err(_)) => return Err(End::Retry),
                Some(Ok(_)) | None => {}
            }
        }
        Ok(())
    }
}
