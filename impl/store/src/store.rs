//! The store itself: what each key holds, what happened since compaction, and reads of both.

use std::sync::Arc;

use im::OrdMap;

use crate::{
    Bytes, Change, Event, EventKind, Expired, KeyValue, Lease, LeaseId, Range, Record, Revision,
    Write,
};

/// Everything the store knows. A clone is a snapshot: it costs nothing and never changes.
#[derive(Clone, Debug)]
pub struct Store {
    revision: Revision,
    compacted: Revision,
    /// The first revision whose events are remembered.
    oldest: Revision,
    keys: OrdMap<Bytes, Arc<KeyValue>>,
    /// What happened from `oldest` on, by revision.
    history: OrdMap<Revision, Arc<[Event]>>,
    leases: OrdMap<LeaseId, Lease>,
}

/// The revision of a store to which nothing has happened.
const BEGINNING: Revision = Revision(1);

impl Default for Store {
    fn default() -> Self {
        Self {
            revision: BEGINNING,
            compacted: Revision(0),
            oldest: BEGINNING.next(),
            keys: OrdMap::new(),
            history: OrdMap::new(),
            leases: OrdMap::new(),
        }
    }
}

impl Store {
    /// A store that holds these keys and leases at this revision and remembers nothing before it.
    pub fn restore(
        revision: Revision,
        keys: impl IntoIterator<Item = KeyValue>,
        leases: impl IntoIterator<Item = (LeaseId, Lease)>,
    ) -> Self {
        let mut store = Self::beginning(revision);
        store.compacted = revision;
        store.hold_leases(leases);
        keys.into_iter().for_each(|found| store.hold(found));
        store
    }

    /// A store without keys at this revision that remembers nothing before it.
    pub(crate) fn beginning(revision: Revision) -> Self {
        Self { revision, oldest: revision.next(), ..Self::default() }
    }

    /// Holds leases, whose keys follow, as of its beginning.
    pub(crate) fn hold_leases(&mut self, leases: impl IntoIterator<Item = (LeaseId, Lease)>) {
        self.leases.extend(leases);
    }

    /// Holds a key as of its beginning.
    pub(crate) fn hold(&mut self, found: KeyValue) {
        self.attach(found.lease, &found.key);
        self.keys.insert(found.key.clone(), Arc::new(found));
    }

    /// Is compacted at a revision, and forgets nothing that it remembers.
    pub(crate) fn compacted_before(&mut self, compacted: Revision) {
        self.compacted = compacted;
    }

    /// A store built again from what it held before its first event, its history, and its leases. Keys whose values are not
    /// known any more are [`KeyValue::forgotten`].
    ///
    /// # Panics
    ///
    /// If the records do not come in order, from the revision of the base on, without gaps.
    pub fn rebuild(
        (base, keys): (Revision, Vec<KeyValue>),
        compacted: Revision,
        records: &[Record],
        leases: Vec<(LeaseId, Lease)>,
    ) -> Self {
        let mut store = Self::restore(base, keys, leases);
        records.iter().for_each(|record| store.apply(record));
        store.compacted = compacted;
        store
    }

    /// The revision of the last change.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// What was before this revision is forgotten.
    pub fn compacted(&self) -> Revision {
        self.compacted
    }

    /// The revision that a record has if it is the next one.
    pub fn next_revision(&self, record: &Record) -> Revision {
        let has_writes = record.writes().next().is_some();
        if has_writes { self.revision.next() } else { self.revision }
    }

    /// Applies a record of the log. Records come in order, without gaps.
    ///
    /// # Panics
    ///
    /// If the record does not come next.
    pub fn apply(&mut self, record: &Record) {
        let due = self.next_revision(record);
        assert_eq!(record.revision, due, "records come in order, without gaps");
        let has_writes = due > self.revision;
        self.revision = record.revision;
        let mut events = vec![];
        for change in &record.changes {
            match change {
                Change::Write(write) => events.push(self.write_at(record.revision, write)),
                Change::Grant(lease, ttl_seconds) => {
                    let granted = Lease { ttl_seconds: *ttl_seconds, ..Lease::default() };
                    self.leases.insert(*lease, granted);
                }
                Change::Revoke(lease) => {
                    self.leases.remove(lease);
                }
                Change::Checkpoint(lease, remaining_seconds) => {
                    if let Some(found) = self.leases.get_mut(lease) {
                        found.remaining_seconds = *remaining_seconds;
                    }
                }
                Change::Compact(revision) => self.forget_before(*revision),
            }
        }
        if has_writes {
            self.history.insert(self.revision, events.into());
        }
    }

    /// The key now.
    pub fn get(&self, key: &[u8]) -> Option<&Arc<KeyValue>> {
        self.keys.get(key)
    }

    /// The keys of a range now, in order.
    pub fn range(&self, range: &Range) -> impl Iterator<Item = &Arc<KeyValue>> {
        let bounds = range.bounds();
        bounds.into_iter().flat_map(|bounds| self.keys.range(bounds)).map(|(_, found)| found)
    }

    /// The store as it was at an earlier revision that is not compacted away.
    pub fn at(&self, revision: Revision) -> Result<Self, Expired> {
        self.at_within(revision, &Range::prefix(b""))
    }

    /// The same for one who looks at no keys but those of a range: the others may be as they are now.
    pub(crate) fn at_within(&self, revision: Revision, range: &Range) -> Result<Self, Expired> {
        if revision < self.compacted {
            return Err(Expired { asked: revision, compacted: self.compacted });
        }
        Ok(self.undone_after(revision, range))
    }

    /// The store before the first event that is remembered: from it and the history it can be built
    /// again.
    pub fn base(&self) -> Self {
        self.undone_after(Revision(self.oldest.0 - 1), &Range::prefix(b""))
    }

    fn undone_after(&self, revision: Revision, range: &Range) -> Self {
        let mut past = self.clone();
        let (kept, later) = (self.history.split(&revision.next()).0, self.later_than(revision));
        let concerned = later.filter(|event| range.contains(&event.now.key));
        concerned.rev().for_each(|event| past.undo(event));
        past.revision = revision.min(self.revision);
        past.history = kept;
        past
    }

    /// What happened after a revision: each change once, in order.
    pub fn events_after(
        &self,
        revision: Revision,
    ) -> Result<impl Iterator<Item = &Event>, Expired> {
        let is_beginning = self.oldest == BEGINNING.next() && self.compacted <= BEGINNING;
        if revision.next() < self.oldest && !is_beginning {
            return Err(Expired { asked: revision, compacted: self.compacted });
        }
        Ok(self.later_than(revision))
    }

    fn later_than(&self, revision: Revision) -> impl DoubleEndedIterator<Item = &Event> {
        let later = self.history.range(revision.next()..);
        later.flat_map(|(_, events)| events.iter())
    }

    /// What happened from [`oldest`](Self::oldest) on, by revision.
    pub(crate) fn history(&self) -> impl Iterator<Item = (Revision, &[Event])> {
        self.history.iter().map(|(revision, events)| (*revision, &**events))
    }

    /// The first revision whose events are remembered: that of the compaction, or later after a
    /// restart from a snapshot without history.
    pub fn oldest(&self) -> Revision {
        self.oldest
    }

    /// All keys, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<KeyValue>> {
        self.keys.values()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// A lease.
    pub fn lease(&self, lease: LeaseId) -> Option<&Lease> {
        self.leases.get(&lease)
    }

    /// All leases, by number.
    pub fn leases(&self) -> impl Iterator<Item = (LeaseId, &Lease)> {
        self.leases.iter().map(|(id, lease)| (*id, lease))
    }

    fn forget_before(&mut self, revision: Revision) {
        self.compacted = revision;
        if revision > self.oldest {
            self.oldest = revision;
            let (_, at, later) = self.history.split_lookup(&revision);
            self.history = later;
            if let Some(events) = at {
                self.history.insert(revision, events);
            }
        }
    }

    /// Notes what was done with [`write_at`](Self::write_at) as its next revision.
    pub(crate) fn remember(&mut self, revision: Revision, events: Vec<Event>) {
        self.revision = revision;
        self.history.insert(revision, events.into());
    }

    /// Undoes what was done with [`write_at`](Self::write_at) and is not to be remembered.
    pub(crate) fn take_back(&mut self, events: &[Event]) {
        for event in events.iter().rev() {
            self.detach(event.now.lease, &event.now.key);
            self.undo(event);
            if let Some(before) = &event.before {
                self.attach(before.lease, &before.key);
            }
        }
    }

    fn undo(&mut self, Event { now, before, .. }: &Event) {
        match before {
            Some(before) => self.keys.insert(now.key.clone(), Arc::clone(before)),
            None if now.version > 1 => self.keys.insert(now.key.clone(), Arc::new(now.forgotten())),
            None => self.keys.remove(&now.key),
        };
    }

    /// Changes one key as part of a revision.
    pub(crate) fn write_at(&mut self, revision: Revision, write: &Write) -> Event {
        let before = self.keys.get(&write.key).cloned();
        if let Some(before) = &before {
            self.detach(before.lease, &write.key);
        }
        match &write.value {
            Some(value) => self.put(revision, write, value, before),
            None => self.delete(revision, &write.key, before),
        }
    }

    fn put(
        &mut self,
        revision: Revision,
        Write { key, lease, .. }: &Write,
        value: &Bytes,
        before: Option<Arc<KeyValue>>,
    ) -> Event {
        let now = Arc::new(KeyValue {
            key: key.clone(),
            value: value.clone(),
            create_revision: before.as_ref().map_or(revision, |old| old.create_revision),
            mod_revision: revision,
            version: before.as_ref().map_or(1, |old| old.version + 1),
            lease: *lease,
        });
        self.keys.insert(key.clone(), Arc::clone(&now));
        self.attach(*lease, key);
        Event { kind: EventKind::Put, now, before: before.filter(|before| !before.is_forgotten()) }
    }

    fn delete(&mut self, revision: Revision, key: &Bytes, before: Option<Arc<KeyValue>>) -> Event {
        self.keys.remove(key);
        let now = Arc::new(KeyValue {
            key: key.clone(),
            value: Arc::from([]),
            create_revision: Revision(0),
            mod_revision: revision,
            version: 0,
            lease: LeaseId::NONE,
        });
        Event { kind: EventKind::Delete, now, before }
    }

    fn attach(&mut self, lease: LeaseId, key: &Bytes) {
        if let Some(found) = self.leases.get_mut(&lease) {
            found.keys.insert(key.clone());
        }
    }

    fn detach(&mut self, lease: LeaseId, key: &Bytes) {
        if let Some(found) = self.leases.get_mut(&lease) {
            found.keys.remove(key);
        }
    }
}
