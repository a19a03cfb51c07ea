//! Events that a controller writes: what `completed` learns is told with the next plan of the same key.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use api::{AnyObject, Key, Request, Timestamp};
use client::event::{Note, Recorder, reference};
use k8s_openapi::api::core::v1::ObjectReference;

/// What is to be said about the object of one key.
#[derive(Clone, Debug)]
struct Waiting {
    about: ObjectReference,
    notes: Vec<Note>,
}

/// A recorder, and what it has been given since each key's last plan.
#[derive(Clone)]
pub(crate) struct Notes {
    recorder: Recorder,
    by_key: BTreeMap<Key, Waiting>,
    /// The time of the last event. The next is later, because the time is part of its name.
    last: Timestamp,
}

/// Nothing that a controller does follows from what it has said: it is left out here.
impl fmt::Debug for Notes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Notes").finish_non_exhaustive()
    }
}

impl Notes {
    /// The notes of a controller.
    pub(crate) fn new(component: &str) -> Self {
        let recorder = Recorder::new(component, "");
        Self { recorder, by_key: BTreeMap::new(), last: Timestamp::UNIX_EPOCH }
    }

    /// The object that notes under this key are about.
    pub(crate) fn about(&mut self, key: &Key, object: &AnyObject) {
        let about = reference(object, "");
        match self.by_key.get_mut(key) {
            Some(waiting) => waiting.about = about,
            None => {
                self.by_key.insert(key.clone(), Waiting { about, notes: vec![] });
            }
        }
    }

    /// Says something with the next plan of this key.
    pub(crate) fn add(&mut self, key: &Key, note: Note) {
        if let Some(waiting) = self.by_key.get_mut(key) {
            waiting.notes.push(note);
        }
    }

    /// The requests that say what was added since the last call.
    pub(crate) fn flush(&mut self, key: &Key, now: Timestamp) -> Vec<Request> {
        let Some(waiting) = self.by_key.get_mut(key) else {
            return vec![];
        };
        let (about, notes) = (waiting.about.clone(), std::mem::take(&mut waiting.notes));
        notes.into_iter().filter_map(|note| self.record(about.clone(), note, now)).collect()
    }

    /// The request that says something at once, if it is to be said.
    pub(crate) fn record(
        &mut self,
        about: ObjectReference,
        note: Note,
        now: Timestamp,
    ) -> Option<Request> {
        let when = if now > self.last { now } else { self.last + Duration::from_nanos(1) };
        self.last = when;
        self.recorder.record(about, note, when)
    }

    /// Forgets a key whose object is gone.
    pub(crate) fn forget(&mut self, key: &Key) {
        self.by_key.remove(key);
    }
}
