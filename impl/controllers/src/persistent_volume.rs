//! The persistent volume binder: gives claims their volumes, and sees to volumes whose claims are gone.
//!
//! Source: pkg/controller/volume/persistentvolume (v1.36). A pass takes one step of a binding and begins again
//! when it sees what that has changed; upstream takes all in a row. What upstream says again every 15 s, with
//! its resync, is said once until something else is to be said. Left out: recycling, which only
//! hostPath and nfs still have: a volume of theirs is treated like one that no plugin knows.

mod bind;
mod claim;
mod concerns;
mod latest;
mod migration;
mod pass;
mod provision;
mod reclaim;
mod status;
mod volume;

use std::collections::BTreeMap;

use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use self::latest::Latest;
use self::pass::{Answer, Pass};
use crate::notes::Notes;
use crate::{Controller, Plan, after_seconds};

/// How long it waits before it asks again about a claim of which it was told nothing.
const ASK_AGAIN_SECONDS: i64 = 1;

/// Binds claims and volumes. A key with a namespace is a claim's, one without a volume's.
#[derive(Clone, Debug)]
pub struct PersistentVolumeBinder {
    claims: Latest<PersistentVolumeClaim>,
    volumes: Latest<PersistentVolume>,
    /// By volume, what the API server has said of its claim.
    answers: BTreeMap<Key, Answer>,
    notes: Notes,
    /// By the key of a pass and that of an object, what the pass has said of the object last.
    said: BTreeMap<(Key, Key), Note>,
}

impl Default for PersistentVolumeBinder {
    fn default() -> Self {
        Self {
            claims: Latest::default(),
            volumes: Latest::default(),
            answers: BTreeMap::new(),
            notes: Notes::new("persistentvolume-controller"),
            said: BTreeMap::new(),
        }
    }
}

impl Controller for PersistentVolumeBinder {
    fn name(&self) -> &'static str {
        "persistentvolume-binder-controller"
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        self.hear(change);
        concerns::of(view, change)
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let mut pass = Pass {
            view,
            claims: &self.claims,
            volumes: &self.volumes,
            answer: self.answers.remove(key),
            requests: vec![],
            notes: vec![],
            is_unanswered: false,
        };
        let is_there = match key.namespace() {
            Some(_) => pass.claim(key).map(|claim| claim::sync(&mut pass, &claim)).is_some(),
            None => pass.volume(key).map(|volume| volume::sync(&mut pass, &volume)).is_some(),
        };
        let Pass { requests, notes, is_unanswered, .. } = pass;
        let mut plan = Plan { requests, look_again: None };
        if is_unanswered {
            plan.look_again_at(after_seconds(now, ASK_AGAIN_SECONDS));
        }
        if is_there {
            plan.requests.extend(notes.into_iter().filter_map(|note| self.say(key, note, now)));
        } else {
            self.said.retain(|(pass, _), _| pass != key);
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if request.verb == Verb::Get {
            self.answers.insert(key.clone(), answer(outcome));
        }
        let (Verb::Update, Ok(object)) = (request.verb, outcome) else { return };
        let written = AnyObject::decode(request.resource, object.to_string().as_bytes());
        if let Ok(AnyObject::PersistentVolumeClaim(claim)) = written {
            self.claims.written(claim);
        } else if let Ok(AnyObject::PersistentVolume(volume)) = written {
            self.volumes.written(volume);
        }
    }
}

impl PersistentVolumeBinder {
    /// What the cache has read need not be remembered.
    fn hear(&mut self, change: &Change) {
        let is_gone = change.new.is_none();
        if let AnyObject::PersistentVolumeClaim(claim) = change.object() {
            self.claims.seen(claim, is_gone);
        } else if let AnyObject::PersistentVolume(volume) = change.object() {
            self.volumes.seen(volume, is_gone);
        }
    }

    /// The request that says something of an object, unless it was said last.
    fn say(
        &mut self,
        pass: &Key,
        (about, note): (AnyObject, Note),
        now: Timestamp,
    ) -> Option<Request> {
        let before = self.said.insert((pass.clone(), about.key()), note.clone());
        let is_new = before.as_ref() != Some(&note);
        is_new.then(|| self.notes.record(client::event::reference(&about, ""), note, now))?
    }
}

/// What the API server says of a claim.
fn answer(outcome: &Outcome) -> Answer {
    let claims = &resources::PERSISTENT_VOLUME_CLAIMS;
    match outcome {
        Err(status) if status.reason == Reason::NotFound => Answer::Gone,
        Err(_) => Answer::Unknown,
        Ok(claim) => {
            let decoded = AnyObject::decode(claims, claim.to_string().as_bytes());
            let Ok(AnyObject::PersistentVolumeClaim(claim)) = decoded else {
                return Answer::Unknown;
            };
            Answer::Lives(claim)
        }
    }
}

#[cfg(test)]
mod tests;
