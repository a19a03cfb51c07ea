//! The store itself: what each key holds, what happened since compaction, and reads of both.

use std::ops::Bound;
use std::sync::Arc;

use im::OrdMap;

use crate::transaction::{Committed, Compare, Operation, Precondition, Record, Transaction, Write};
use crate::{Bytes, Revision};

/// A key with its value and its counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Bytes,
    /// Its value; empty in the event of a deletion.
    pub value: Bytes,
    /// When it came into being; zero in the event of a deletion.
    pub create_revision: Revision,
    /// When it was last written or deleted.
    pub mod_revision: Revision,
    /// How often it has been written since it came into being; 0 in the event of a deletion.
    pub version: u64,
}

/// Whether an event wrote or removed its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Created or changed.
    Put,
    /// Removed.
    Delete,
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Written or removed.
    pub kind: EventKind,
    /// The key as it is after the event.
    pub now: Arc<KeyValue>,
    /// The key as it was; `None` when it did not exist.
    pub before: Option<Arc<KeyValue>>,
}

/// The revision asked for has been compacted away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("revision {asked} has been compacted; the oldest is {compacted}")]
pub struct Expired {
    /// What was asked for.
    pub asked: Revision,
    /// What is still there.
    pub compacted: Revision,
}

/// Keys from `start` up to, and not including, `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first key.
    pub start: Bytes,
    /// The key after the last.
    pub end: Bytes,
}

impl Range {
    /// All keys that begin with `prefix`, which must not be empty nor all `0xff`.
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        while end.pop_if(|last| *last == u8::MAX).is_some() {}
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        Self { start: prefix.into(), end: end.into() }
    }

    /// The part of the range that begins with `start`.
    #[must_use]
    pub fn from(&self, start: Bytes) -> Self {
        Self { start: start.max(self.start.clone()), end: self.end.clone() }
    }

    /// Whether a key lies in it.
    pub fn contains(&self, key: &[u8]) -> bool {
        *self.start <= *key && *key < *self.end
    }
}

/// Everything the store knows. A clone is a snapshot: it costs nothing and never changes.
#[derive(Clone, Debug)]
pub struct Store {
    revision: Revision,
    compacted: Revision,
    keys: OrdMap<Bytes, Arc<KeyValue>>,
    /// What happened after `compacted`, by revision.
    history: OrdMap<Revision, Arc<[Event]>>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            revision: Revision(1),
            compacted: Revision(0),
            keys: OrdMap::new(),
            history: OrdMap::new(),
        }
    }
}

impl Store {
    /// A store that holds these keys at this revision and remembers nothing before it.
    pub fn restore(revision: Revision, keys: impl IntoIterator<Item = KeyValue>) -> Self {
        let keys = keys.into_iter().map(|found| (found.key.clone(), Arc::new(found))).collect();
        Self { revision, compacted: revision, keys, history: OrdMap::new() }
    }

    /// The revision of the last change.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Events up to this revision are forgotten.
    pub fn compacted(&self) -> Revision {
        self.compacted
    }

    /// Decides and applies a transaction.
    pub fn commit(&mut self, transaction: &Transaction) -> Committed {
        let succeeded = transaction.compares.iter().all(|compare| self.holds(compare));
        let writes = if succeeded { self.writes(&transaction.operations) } else { vec![] };
        if writes.is_empty() {
            return Committed { succeeded, revision: self.revision, record: None };
        }
        let record = Record { revision: self.revision.next(), writes };
        self.apply(&record);
        Committed { succeeded, revision: self.revision, record: Some(record) }
    }

    /// Applies a record of the log. Records come in order, without gaps.
    pub fn apply(&mut self, record: &Record) {
        assert_eq!(record.revision, self.revision.next(), "records come in order, without gaps");
        self.revision = record.revision;
        let events: Arc<[Event]> = record.writes.iter().map(|write| self.write(write)).collect();
        self.history.insert(self.revision, events);
    }

    /// Forgets the history up to `revision`; what the keys hold now stays.
    pub fn compact(&mut self, revision: Revision) {
        let revision = revision.min(self.revision);
        if revision <= self.compacted {
            return;
        }
        self.compacted = revision;
        let (_, later) = self.history.split(&revision);
        self.history = later;
    }

    /// The key now.
    pub fn get(&self, key: &[u8]) -> Option<&Arc<KeyValue>> {
        self.keys.get(key)
    }

    /// The keys of a range now, in order.
    pub fn range(&self, range: &Range) -> impl Iterator<Item = &Arc<KeyValue>> {
        let bounds = (Bound::Included(range.start.clone()), Bound::Excluded(range.end.clone()));
        self.keys.range(bounds).map(|(_, found)| found)
    }

    /// The store as it was at an earlier revision that is not compacted away.
    pub fn at(&self, revision: Revision) -> Result<Self, Expired> {
        let mut past = self.clone();
        let later: Vec<Event> = self.events_after(revision)?.cloned().collect();
        for event in later.into_iter().rev() {
            match event.before {
                Some(before) => past.keys.insert(event.now.key.clone(), before),
                None => past.keys.remove(&event.now.key),
            };
        }
        past.revision = revision.min(self.revision);
        past.history = self.history.split(&revision.next()).0;
        Ok(past)
    }

    /// What happened after a revision: each change once, in order.
    pub fn events_after(
        &self,
        revision: Revision,
    ) -> Result<impl Iterator<Item = &Event>, Expired> {
        if revision < self.compacted {
            return Err(Expired { asked: revision, compacted: self.compacted });
        }
        let bounds = (Bound::Excluded(revision), Bound::Unbounded);
        Ok(self.history.range(bounds).flat_map(|(_, events)| events.iter()))
    }

    /// All keys, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<KeyValue>> {
        self.keys.values()
    }

    fn holds(&self, compare: &Compare) -> bool {
        let found = self.keys.get(&compare.key);
        match &compare.precondition {
            Precondition::Absent => found.is_none(),
            Precondition::ModRevision(revision) => {
                found.is_some_and(|found| found.mod_revision == *revision)
            }
            Precondition::CreateRevision(revision) => {
                found.is_some_and(|found| found.create_revision == *revision)
            }
            Precondition::Version(version) => found.is_some_and(|found| found.version == *version),
            Precondition::Value(value) => found.is_some_and(|found| found.value == *value),
        }
    }

    fn writes(&self, operations: &[Operation]) -> Vec<Write> {
        let write = |operation: &Operation| match operation {
            Operation::Put { key, value } => {
                Some(Write { key: key.clone(), value: Some(value.clone()) })
            }
            Operation::Delete { key } => {
                self.keys.contains_key(key).then(|| Write { key: key.clone(), value: None })
            }
        };
        operations.iter().filter_map(write).collect()
    }

    fn write(&mut self, write: &Write) -> Event {
        let before = self.keys.get(&write.key).cloned();
        match &write.value {
            Some(value) => self.put(&write.key, value, before),
            None => self.delete(&write.key, before),
        }
    }

    fn put(&mut self, key: &Bytes, value: &Bytes, before: Option<Arc<KeyValue>>) -> Event {
        let now = Arc::new(KeyValue {
            key: key.clone(),
            value: value.clone(),
            create_revision: before.as_ref().map_or(self.revision, |old| old.create_revision),
            mod_revision: self.revision,
            version: before.as_ref().map_or(1, |old| old.version + 1),
        });
        self.keys.insert(key.clone(), Arc::clone(&now));
        Event { kind: EventKind::Put, now, before }
    }

    fn delete(&mut self, key: &Bytes, before: Option<Arc<KeyValue>>) -> Event {
        self.keys.remove(key);
        let now = Arc::new(KeyValue {
            key: key.clone(),
            value: Arc::from([]),
            create_revision: Revision(0),
            mod_revision: self.revision,
            version: 0,
        });
        Event { kind: EventKind::Delete, now, before }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Bytes {
        name.as_bytes().into()
    }

    fn put(store: &mut Store, name: &str, value: &str) -> Revision {
        let operations = vec![Operation::Put { key: key(name), value: key(value) }];
        store.commit(&Transaction { compares: vec![], operations }).revision
    }

    fn delete(store: &mut Store, name: &str) -> Revision {
        let operations = vec![Operation::Delete { key: key(name) }];
        store.commit(&Transaction { compares: vec![], operations }).revision
    }

    #[test]
    fn every_changing_transaction_takes_one_revision() {
        let mut store = Store::default();
        let first = put(&mut store, "a", "1");

        let nothing = delete(&mut store, "b");
        let second = delete(&mut store, "a");

        assert_eq!((first, nothing, second), (Revision(2), Revision(2), Revision(3)));
    }

    #[test]
    fn a_failed_compare_writes_nothing() {
        let mut store = Store::default();
        let first = put(&mut store, "a", "1");
        put(&mut store, "a", "2");

        let committed = store.commit(&Transaction::update(key("a"), first, key("3")));

        assert!(!committed.succeeded && committed.record.is_none());
        assert_eq!(store.get(b"a").unwrap().value, key("2"));
    }

    #[test]
    fn a_key_that_exists_cannot_be_created() {
        let mut store = Store::default();
        put(&mut store, "a", "1");

        assert!(!store.commit(&Transaction::create(key("a"), key("2"))).succeeded);
    }

    #[test]
    fn version_and_create_revision_begin_again_after_a_deletion() {
        let mut store = Store::default();
        put(&mut store, "a", "1");
        put(&mut store, "a", "2");
        delete(&mut store, "a");

        let revision = put(&mut store, "a", "3");

        let found = store.get(b"a").unwrap();
        assert_eq!((found.version, found.create_revision), (1, revision));
    }

    #[test]
    fn watch_from_compacted_revision_is_expired() {
        let mut store = Store::default();
        let first = put(&mut store, "a", "1");
        let second = put(&mut store, "b", "2");
        store.compact(second);

        let watch = store.events_after(first).map(Iterator::count);

        assert_eq!(watch, Err(Expired { asked: first, compacted: second }));
        assert_eq!(store.events_after(second).map(Iterator::count), Ok(0));
    }

    #[test]
    fn events_come_each_once_and_in_order() {
        let mut store = Store::default();
        let start = store.revision();
        put(&mut store, "a", "1");
        put(&mut store, "b", "2");
        delete(&mut store, "a");

        let events: Vec<_> = store
            .events_after(start)
            .unwrap()
            .map(|event| (event.kind, event.now.mod_revision.0, event.before.is_some()))
            .collect();

        use EventKind::{Delete, Put};
        assert_eq!(events, [(Put, 2, false), (Put, 3, false), (Delete, 4, true)]);
    }

    #[test]
    fn a_read_at_an_old_revision_sees_the_past() {
        let mut store = Store::default();
        put(&mut store, "a", "1");
        let then = put(&mut store, "b", "1");
        put(&mut store, "a", "2");
        delete(&mut store, "b");
        put(&mut store, "c", "1");

        let past = store.at(then).unwrap();

        let values: Vec<_> = past.iter().map(|kv| (kv.key.clone(), kv.value.clone())).collect();
        assert_eq!(values, [(key("a"), key("1")), (key("b"), key("1"))]);
    }

    #[test]
    fn a_snapshot_does_not_change() {
        let mut store = Store::default();
        put(&mut store, "a", "1");
        let snapshot = store.clone();

        put(&mut store, "a", "2");

        assert_eq!(snapshot.get(b"a").unwrap().value, key("1"));
    }

    #[test]
    fn a_prefix_ends_before_the_next_sibling() {
        let range = Range::prefix(b"/registry/pods/");

        assert!(range.contains(b"/registry/pods/default/a"));
        assert!(!range.contains(b"/registry/podtemplates/default/a"));
        assert!(!range.contains(b"/registry/pods"));
    }
}
