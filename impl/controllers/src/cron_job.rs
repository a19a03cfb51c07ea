//! The CronJob controller: a Job at each time of a schedule.
//!
//! Source: pkg/controller/cronjob (v1.36). Differs where upstream would wait for a change: a Job of somebody else
//! that has the name of the next one costs that time only, and a new schedule never starts what was due before it.

mod active;
mod children;
mod due;
mod history;
mod memory;
mod pass;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::object::controller_of;
use api::{AnyObject, Key, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::{Change, Outcome, View};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use self::memory::{Attempt, Memory, Pending};
use self::pass::{Seen, Wanted};
use crate::notes::Notes;
use crate::ownership::{name, uid};
use crate::{Controller, Plan};

/// Starts Jobs on a schedule, and deletes those that are over.
#[derive(Clone, Debug)]
pub struct CronJobController {
    notes: Notes,
    memories: BTreeMap<Key, Memory>,
}

impl Default for CronJobController {
    fn default() -> Self {
        Self { notes: Notes::new("cronjob-controller"), memories: BTreeMap::new() }
    }
}

impl Controller for CronJobController {
    fn name(&self) -> &'static str {
        "cronjob-controller"
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        if change.resource() == &resources::CRON_JOBS {
            if is_rescheduled(change) {
                let memory = self.memories.entry(change.key()).or_default();
                memory.begin(change.new.as_ref().map_or("", |new| uid(new.metadata())));
                memory.is_rescheduled = true;
            }
            vec![change.key()]
        } else if change.resource() == &resources::JOBS {
            let objects = change.old.iter().chain(change.new.iter());
            let owners = objects.filter_map(|object| owner_key(view, object.metadata()));
            owners.collect::<BTreeSet<Key>>().into_iter().collect()
        } else {
            vec![]
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(cron_job) = view.cron_jobs.get(key) else {
            self.notes.forget(key);
            self.memories.remove(key);
            return Plan::default();
        };
        self.notes.about(key, &AnyObject::from(Arc::clone(cron_job)));
        let mut plan = Plan::default();
        if self.begin(cron_job, now) {
            self.sync(view, cron_job, (&mut plan, now));
        }
        plan.requests.extend(self.notes.flush(key, now));
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let Some(memory) = self.memories.get_mut(key) else { return };
        let is_job = request.resource == &resources::JOBS;
        let notes: Vec<Note> = match request.verb {
            Verb::Create if is_job => memory.create_completed(outcome).into_iter().collect(),
            Verb::Delete if is_job => vec![memory.delete_completed(request, outcome)],
            Verb::Update => memory.status_completed(request, outcome),
            Verb::Get => {
                memory.read(request, outcome);
                vec![]
            }
            Verb::Create
            | Verb::Delete
            | Verb::List
            | Verb::MergePatch
            | Verb::StrategicMergePatch
            | Verb::Apply => vec![],
        };
        for note in notes {
            self.notes.add(key, note);
        }
    }
}

impl CronJobController {
    /// Hears of a new schedule. Whether the cache is new enough to go on.
    fn begin(&mut self, cron_job: &CronJob, now: Timestamp) -> bool {
        let key = Key::of(&cron_job.metadata);
        let memory = self.memories.entry(key.clone()).or_default();
        memory.begin(uid(&cron_job.metadata));
        if std::mem::take(&mut memory.is_rescheduled) {
            let last = due::last(cron_job, &cron_job.status.clone().unwrap_or_default());
            match due::schedule(&cron_job.spec) {
                Ok(schedule) => memory.starts_from = due::look_again(last, &schedule, now),
                Err(_) => {
                    let message =
                        format!("unparseable schedule for cronjob: {}", cron_job.spec.schedule);
                    self.notes.add(&key, Note::warning("UnParseableCronJobSchedule", message));
                    return false;
                }
            }
        }
        cron_job.metadata.resource_version.as_deref() != Some(memory.outdated.as_str())
    }

    fn sync(&mut self, view: &View, cron_job: &CronJob, (plan, now): (&mut Plan, Timestamp)) {
        let key = Key::of(&cron_job.metadata);
        let Some(memory) = self.memories.get_mut(&key) else { return };
        let mut jobs = jobs_of(view, cron_job);
        let status = cron_job.status.as_ref();
        memory.deleted.retain(|gone| {
            jobs.iter().any(|job| uid(&job.metadata) == gone)
                || status.is_some_and(|status| active::is_active(status, gone))
        });
        jobs.retain(|job| !memory.deleted.contains(uid(&job.metadata)));
        let wanted = pass::run(&Seen { cron_job, jobs, memory, now });
        if wanted.questions.is_empty() {
            memory.forget_answers();
            self.perform(cron_job, wanted, (plan, now));
        } else {
            plan.requests.extend(wanted.questions);
            plan.look_again = Some(now);
        }
    }

    /// Deletions first, then the status, then the next Job. What there is to tell waits for the last look, but what was
    /// missed is told with the Job that makes up for it.
    fn perform(&mut self, cron_job: &CronJob, wanted: Wanted, (plan, now): (&mut Plan, Timestamp)) {
        let key = Key::of(&cron_job.metadata);
        let Some(memory) = self.memories.get_mut(&key) else { return };
        let (starts, deletes) = (wanted.start.is_some(), !wanted.deletions.is_empty());
        let missed = wanted.missed.filter(|_| starts || !deletes);
        let notes = wanted.notes.into_iter().filter(|_| !starts && !deletes);
        plan.look_again = wanted.look_again;
        plan.requests.extend(wanted.deletions);
        if cron_job.status.clone().unwrap_or_default() != wanted.status {
            let written = CronJob { status: Some(wanted.status), ..cron_job.clone() };
            plan.requests.push(Request::update_status(&written));
            let has_started = memory.started.is_some();
            memory.pending = Some(Pending { notes: wanted.status_notes, has_started });
        } else if memory.started.take().is_some() {
            plan.look_again_at(now);
        }
        if let Some((job, scheduled)) = wanted.start {
            let name = name(&job.metadata).to_owned();
            memory.attempt = Some(Attempt { name, scheduled, is_taken: false });
            plan.requests.push(Request::create(&job));
        }
        for note in missed.into_iter().chain(notes) {
            self.notes.add(&key, note);
        }
    }
}

/// Whether the schedule or its time zone is another than before.
fn is_rescheduled(change: &Change) -> bool {
    let (Some(AnyObject::CronJob(old)), Some(AnyObject::CronJob(new))) = (&change.old, &change.new)
    else {
        return false;
    };
    old.spec.schedule != new.spec.schedule || old.spec.time_zone != new.spec.time_zone
}

/// The CronJob that controls a Job, if it is there.
fn owner_key(view: &View, metadata: &ObjectMeta) -> Option<Key> {
    let owner = controller_of(metadata).filter(|owner| owner.kind == resources::CRON_JOBS.kind)?;
    let key = Key::new(metadata.namespace.as_deref().unwrap_or_default(), &owner.name);
    let cron_job = view.cron_jobs.get(&key)?;
    (uid(&cron_job.metadata) == owner.uid).then_some(key)
}

/// The Jobs that name the CronJob as their controller.
fn jobs_of(view: &View, cron_job: &CronJob) -> Vec<Arc<Job>> {
    let namespace = cron_job.metadata.namespace.as_deref().unwrap_or_default();
    let is_its_own = |job: &&Arc<Job>| {
        let owner = controller_of(&job.metadata);
        owner.is_some_and(|owner| owner.name == name(&cron_job.metadata))
    };
    view.jobs.in_namespace(namespace).filter(is_its_own).cloned().collect()
}

#[cfg(test)]
mod tests;
