//! One line of a trace: what an actor did and what came of it. `specs/trace.md` describes the format.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kind::ApiResource;
use crate::object::Key;

/// The version of the format that this code writes, the only one it reads.
pub const VERSION: u32 = 1;

/// The field of a delta that holds the uid of the object's controller.
pub const CONTROLLER_UID: &str = "controller_uid";

/// The first line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Always `kanon`.
    pub trace: String,
    /// The version of the format.
    pub version: u32,
}

/// One event. Fields that say nothing are left out of the line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Counts the lines from 1, without gaps.
    pub seq: u64,
    /// Who acted: `kube-scheduler`, `kubelet/node-1`, `apiserver`, `kubectl` …
    pub actor: String,
    /// How often the actor has been started before this.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub incarnation: u64,
    /// What it did; the list is in `specs/trace.md`.
    pub action: String,
    /// Numbers the request that this event belongs to, from 1; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub req: u64,
    /// The `seq` of the event that led to this one; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cause: u64,
    /// The object: `pods/default/web`, `nodes/node-1`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The object's uid, numbered by first appearance from 1; 0 when there is no object.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uid: u64,
    /// The revision that a write got, or that a watch event carries; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rv: u64,
    /// How far the actor's cache had read when it decided; 0 when it decided on none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub observed_rv: u64,
    /// `ok`, or the reason of the refusal; empty for events that cannot fail.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
    /// What changed, in the fields that the model knows.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub delta: Value,
}

/// Who acts, and on what knowledge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// A component of this cluster, or the program in the `User-Agent` header.
    pub actor: String,
    /// How often the component has been started before.
    pub incarnation: u64,
    /// The revision up to which its caches had read when it decided.
    pub observed_revision: u64,
}

impl Origin {
    /// A component that decides on nothing it has read.
    pub fn new(actor: &str, incarnation: u64) -> Self {
        Self { actor: actor.to_owned(), incarnation, observed_revision: 0 }
    }

    /// An event of this actor.
    pub fn event(&self, action: &str, key: String) -> Event {
        Event {
            actor: self.actor.clone(),
            incarnation: self.incarnation,
            observed_rv: self.observed_revision,
            action: action.to_owned(),
            key,
            ..Event::default()
        }
    }
}

/// `pods/default/web`, `nodes/node-1`; `pods/` for all of them.
pub fn key(resource: &ApiResource, key: &Key) -> String {
    format!("{}/{key}", resource.plural)
}

/// Numbers what a trace numbers: its lines, its requests, the uids in it.
#[derive(Clone, Debug, Default)]
pub struct Numbering {
    lines: u64,
    requests: u64,
    uids: BTreeMap<String, u64>,
}

impl Numbering {
    /// The first line of every trace.
    pub fn header() -> String {
        let header = Header { trace: "kanon".to_owned(), version: VERSION };
        serde_json::to_string(&header).expect("a header is JSON")
    }

    /// A number for a request that may write.
    pub fn request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Completes an event about an object with this uid (empty for none). A uid in the delta is
    /// numbered as well.
    pub fn number(&mut self, mut event: Event, uid: &str) -> Event {
        self.lines += 1;
        event.seq = self.lines;
        event.uid = self.intern(uid);
        if let Some(controller) = event.delta.get_mut(CONTROLLER_UID) {
            let number = self.intern(controller.as_str().unwrap_or_default());
            *controller = Value::from(number);
        }
        event
    }

    fn intern(&mut self, uid: &str) -> u64 {
        if uid.is_empty() {
            return 0;
        }
        let next = self.uids.len() as u64 + 1;
        *self.uids.entry(uid.to_owned()).or_insert(next)
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
