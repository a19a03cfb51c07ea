//! The objects and their history, replayed from the writes of a trace.

use std::collections::{BTreeMap, BTreeSet};

use api::trace::Event;
use serde::Deserialize;

use super::refusal::{Allowed, Denial};
use super::table::{self, Kind};
use crate::trace::{Delivery, Verb};

/// The first revision that a new store gives to a write.
const FIRST_REVISION: u64 = 2;

/// The fields of an object that a trace tells, of whatever kind it is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Delta {
    pub(super) phase: String,
    pub(super) node: String,
    pub(super) controller: String,
    /// 0 where the trace does not tell.
    pub(super) controller_uid: u64,
    pub(super) ready: bool,
    pub(super) deleting: bool,
    pub(super) owned: bool,
    pub(super) cpu: i64,
    pub(super) pods: Option<i64>,
    pub(super) taints: Vec<String>,
    pub(super) replicas: Option<u64>,
    pub(super) holder: String,
    pub(super) container: String,
}

impl Delta {
    pub(super) fn of(event: &Event) -> Allowed<Self> {
        if event.delta.is_null() {
            return Ok(Self::default());
        }
        serde_json::from_value(event.delta.clone())
            .map_err(|error| Denial::plain(format!("its delta is not understood: {error}")))
    }

    /// Whether its phase is final.
    pub(super) fn terminated(&self) -> bool {
        matches!(self.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Whether a ReplicaSet counts it.
    pub(super) fn active(&self) -> bool {
        !self.terminated() && !self.deleting
    }

    /// Whether the node evicts what does not tolerate it.
    pub(super) fn evicts(&self) -> bool {
        self.taints.iter().any(|taint| taint.ends_with(":NoExecute"))
    }
}

/// An object as it is now.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    pub(super) uid: u64,
    /// The revision that created it; 0 when it is older than the trace.
    pub(super) created: u64,
    pub(super) delta: Delta,
}

/// A write that was allowed.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) verb: Verb,
    pub(super) actor: String,
    pub(super) key: String,
    pub(super) revision: u64,
    /// Whether the trace may leave out objects that are older than itself.
    pub(super) partial: bool,
    /// The object before; nothing for a creation.
    pub(super) before: Option<Object>,
    /// The object after; for a deletion, as it was.
    pub(super) after: Object,
}

/// A write as a watch delivers it.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) revision: u64,
    pub(super) key: String,
    pub(super) uid: u64,
    pub(super) kind: Delivery,
    /// `spec.nodeName` before and after, for watches that select by it.
    pub(super) nodes: [String; 2],
}

/// Objects and history.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    /// The newest revision that a write or a read has shown.
    pub(super) newest: u64,
    /// The request that got it; 0 where that is not known.
    writer: u64,
    started_empty: Option<bool>,
    objects: BTreeMap<String, Object>,
    changes: BTreeMap<String, Vec<Change>>,
    uids: BTreeSet<u64>,
    named: BTreeSet<String>,
}

/// The resource of a key: `pods` of `pods/default/web`.
pub(super) fn resource(key: &str) -> &str {
    key.split('/').next().unwrap_or_default()
}

/// Its namespace, where it has one.
pub(super) fn namespace(key: &str) -> Option<&str> {
    let mut parts = key.split('/').skip(1);
    let (first, second) = (parts.next()?, parts.next());
    second.map(|_| first)
}

impl Log {
    /// Whether objects may exist that the trace does not tell of: it does not begin with the store.
    pub(super) fn is_partial(&self) -> bool {
        self.started_empty == Some(false)
    }

    pub(super) fn object(&self, key: &str) -> Option<&Object> {
        self.objects.get(key)
    }

    /// Whether an object of this name has ever existed.
    pub(super) fn has_existed(&self, key: &str) -> bool {
        self.named.contains(key) || self.started_empty != Some(true)
    }

    /// Whether an object is gone, or marked as being deleted.
    pub(super) fn is_deleting(&self, key: &str) -> bool {
        self.object(key).is_none_or(|object| object.delta.deleting)
    }

    /// All objects whose keys begin like this.
    pub(super) fn objects(&self, prefix: &str) -> impl Iterator<Item = (&String, &Object)> {
        let objects = self.objects.range(prefix.to_owned()..);
        objects.take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// The history of a resource.
    pub(super) fn changes(&self, resource: &str) -> &[Change] {
        self.changes.get(resource).map_or(&[], Vec::as_slice)
    }

    /// A read showed this revision: it exists.
    pub(super) fn shown(&mut self, revision: u64) -> Allowed {
        if self.started_empty.is_some() && revision > self.newest {
            let why =
                format!("revision {revision} does not exist yet: {} is the newest", self.newest);
            return Err(Denial::of("ETCD-1", why));
        }
        self.newest = self.newest.max(revision);
        Ok(())
    }

    /// Replays a write that succeeded.
    pub(super) fn write(&mut self, verb: Verb, event: &Event) -> Allowed<Write> {
        let delta = Delta::of(event)?;
        self.take_revision(event)?;
        if event.uid == 0 {
            return Err(Denial::plain("a write names the uid of its object"));
        }
        let before = self.before(verb, event)?;
        let created = before.as_ref().map_or(event.rv, |before| before.created);
        let adopted = before.is_none() && verb != Verb::Create;
        let mut after =
            Object { uid: event.uid, created: if adopted { 0 } else { created }, delta };
        let marked = before.as_ref().is_some_and(|before| before.delta.deleting);
        after.delta.deleting |= marked || verb == Verb::DeleteGracefully;
        let before = if adopted { Some(after.clone()) } else { before };
        let write = Write {
            verb,
            actor: event.actor.clone(),
            key: event.key.clone(),
            revision: event.rv,
            partial: self.is_partial(),
            before,
            after,
        };
        self.apply(&write);
        Ok(write)
    }

    fn take_revision(&mut self, event: &Event) -> Allowed {
        let revision = event.rv;
        if self.is_beside(event) {
            return Ok(());
        }
        if self.started_empty.is_none() {
            self.started_empty = Some(revision <= FIRST_REVISION);
            if revision > self.newest {
                self.newest = revision - 1;
            }
        }
        let due = self.newest + 1;
        if revision != due {
            let why = format!("the write got revision {revision}, but {due} is next");
            return Err(Denial::of("ETCD-1", why));
        }
        (self.newest, self.writer) = (revision, event.req);
        Ok(())
    }

    /// Whether this is written in one transaction with what was written before it: another object, by the same
    /// request. No Pod is, nor anything else that the model has steps for.
    fn is_beside(&self, event: &Event) -> bool {
        let of_key = self.changes(resource(&event.key)).iter().rev();
        let mut written = of_key.take_while(|change| change.revision == event.rv);
        event.rv == self.newest
            && event.req == self.writer
            && event.req != 0
            && table::kind(resource(&event.key)) == Kind::Other
            && written.all(|change| change.key != event.key)
    }

    /// The object that a write finds.
    fn before(&self, verb: Verb, event: &Event) -> Allowed<Option<Object>> {
        let found = self.objects.get(&event.key);
        match (verb, found) {
            (Verb::Create, Some(_)) => {
                Err(Denial::of("ETCD-3", "it exists already: the answer is AlreadyExists"))
            }
            (Verb::Create, None) if self.uids.contains(&event.uid) => {
                Err(Denial::plain("a new object has a new uid, this one has an old one"))
            }
            (Verb::Create, None) => Ok(None),
            (_, Some(found)) if found.uid != event.uid => {
                let why = format!("uid {} is gone; the object has uid {}", event.uid, found.uid);
                Err(Denial::of("ETCD-3", why))
            }
            (_, Some(found)) => Ok(Some(found.clone())),
            (_, None) if self.is_partial() && !self.uids.contains(&event.uid) => Ok(None),
            (_, None) => Err(Denial::of("ETCD-3", "it does not exist: the answer is NotFound")),
        }
    }

    fn apply(&mut self, write: &Write) {
        self.uids.insert(write.after.uid);
        self.named.insert(write.key.clone());
        let kind = match write.verb {
            Verb::Create => Delivery::Added,
            Verb::Delete => Delivery::Deleted,
            Verb::Update
            | Verb::UpdateStatus
            | Verb::Scale
            | Verb::Bind
            | Verb::DeleteGracefully => Delivery::Modified,
        };
        if kind == Delivery::Deleted {
            self.objects.remove(&write.key);
        } else {
            self.objects.insert(write.key.clone(), write.after.clone());
        }
        let node_before = write.before.as_ref().map(|before| before.delta.node.clone());
        let nodes = [node_before.unwrap_or_default(), write.after.delta.node.clone()];
        let (key, uid, revision) = (write.key.clone(), write.after.uid, write.revision);
        let change = Change { revision, key, uid, kind, nodes };
        self.changes.entry(resource(&write.key).to_owned()).or_default().push(change);
    }
}
