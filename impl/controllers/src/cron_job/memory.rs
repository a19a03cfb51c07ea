//! What is remembered of a CronJob beside what the caches show.

use std::collections::{BTreeMap, BTreeSet};

use api::object::text;
use api::{ApiResource, Key, Reason, Request, Timestamp};
use client::Outcome;
use client::event::Note;
use k8s_openapi::api::core::v1::ObjectReference;

use super::active;

/// How a refusal ends that need not be told, since all others in the namespace will be refused, too.
const NAMESPACE_TERMINATING: &str = "because it is being terminated";

/// A Job that was made, and for when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Started {
    pub(super) reference: ObjectReference,
    pub(super) scheduled: Timestamp,
}

/// A Job that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) name: String,
    pub(super) scheduled: Timestamp,
    /// Whether there is one of that name already.
    pub(super) is_taken: bool,
}

/// A status that is being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    pub(super) notes: Vec<Note>,
    /// Whether it tells of the Job that was started.
    pub(super) has_started: bool,
}

/// What one CronJob has asked for and been told.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// The uid of the CronJob: another of its name has done nothing yet.
    uid: String,
    /// What the API server has answered where the cache could not be believed.
    answers: BTreeMap<(&'static ApiResource, Key), Outcome>,
    /// The uids of Jobs that were deleted, though the caches may still tell of them.
    pub(super) deleted: BTreeSet<String>,
    /// The last Job that was asked for.
    pub(super) attempt: Option<Attempt>,
    /// The Job that was made, until the status tells of it.
    pub(super) started: Option<Started>,
    /// The status that is being written.
    pub(super) pending: Option<Pending>,
    /// The `resourceVersion` that the last status was written over. A cache that shows it is too old.
    pub(super) outdated: String,
    /// Whether the schedule has changed since the last look.
    pub(super) is_rescheduled: bool,
    /// Before this nothing starts: what was due by another schedule is not due by this one.
    pub(super) starts_from: Option<Timestamp>,
}

impl Memory {
    /// Remembers nothing of another CronJob than this.
    pub(super) fn begin(&mut self, uid: &str) {
        if self.uid != uid {
            *self = Self { uid: uid.to_owned(), ..Self::default() };
        }
    }

    /// What the API server has answered about an object.
    pub(super) fn answer(&self, resource: &'static ApiResource, key: &Key) -> Option<&Outcome> {
        self.answers.get(&(resource, key.clone()))
    }

    /// Answers serve once.
    pub(super) fn forget_answers(&mut self) {
        self.answers.clear();
    }

    /// What came of reading an object.
    pub(super) fn read(&mut self, request: &Request, outcome: &Outcome) {
        self.answers.insert((request.resource, request.key.clone()), outcome.clone());
    }

    /// What came of making a Job. What there is to tell.
    pub(super) fn create_completed(&mut self, outcome: &Outcome) -> Option<Note> {
        let attempt = self.attempt.as_mut()?;
        match outcome {
            Ok(job) => {
                let message = format!("Created job {}", attempt.name);
                let started =
                    Started { reference: active::reference(job), scheduled: attempt.scheduled };
                self.started = Some(started);
                Some(Note::normal("SuccessfulCreate", message))
            }
            Err(status) if status.reason == Reason::AlreadyExists => {
                attempt.is_taken = true;
                None
            }
            Err(status) => {
                let is_ending = status.message.ends_with(NAMESPACE_TERMINATING);
                let message = format!("Error creating job: {status}");
                (!is_ending).then(|| Note::warning("FailedCreate", message))
            }
        }
    }

    /// What came of deleting a Job. What there is to tell.
    pub(super) fn delete_completed(&mut self, request: &Request, outcome: &Outcome) -> Note {
        match outcome {
            Ok(_) => {
                let body = request.body.as_ref();
                let uid = body.map(|body| text(body, &["preconditions", "uid"]));
                self.deleted.insert(uid.unwrap_or_default().to_owned());
                Note::normal("SuccessfulDelete", format!("Deleted job {}", request.key.name))
            }
            Err(status) => Note::warning("FailedDelete", format!("Deleted job: {status}")),
        }
    }

    /// What came of writing the status. What there is to tell.
    pub(super) fn status_completed(&mut self, request: &Request, outcome: &Outcome) -> Vec<Note> {
        let Some(pending) = self.pending.take() else { return vec![] };
        let (Ok(answer), Some(body)) = (outcome, &request.body) else { return vec![] };
        let [before, after] =
            [body, answer].map(|object| text(object, &["metadata", "resourceVersion"]));
        if before != after {
            before.clone_into(&mut self.outdated);
        }
        if pending.has_started {
            self.started = None;
        }
        pending.notes
    }
}
