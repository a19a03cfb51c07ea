//! What stands in the bucket of keys: one row for each write that is remembered.

use std::sync::Arc;

use store::{Event, EventKind, KeyValue, Revision, Store};

/// One write.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) revision: Revision,
    /// Its number among the writes of its revision, from 0 on.
    pub(super) sub: u64,
    pub(super) kind: EventKind,
    pub(super) now: Arc<KeyValue>,
}

/// All rows, in order: what can be read at the compacted revision, and what happened from there on.
pub(super) fn rows(store: &Store) -> Vec<Row> {
    let mut rows = vec![];
    for now in before_history(store) {
        add(&mut rows, EventKind::Put, now);
    }
    let start = Revision(store.oldest().0 - 1);
    let events = store.events_after(start).expect("they are remembered from there on");
    for Event { kind, now, .. } in events {
        add(&mut rows, *kind, Arc::clone(now));
    }
    rows
}

/// What was there before all that is remembered, and can still be read at the compacted revision; by revision, and those
/// of the same by key: in which order these were written is forgotten.
fn before_history(store: &Store) -> Vec<Arc<KeyValue>> {
    let first = Revision(store.oldest().0 - 1).max(store.compacted());
    let then = store.at(first).expect("it is not compacted");
    let mut found: Vec<_> =
        then.iter().filter(|found| found.mod_revision < store.oldest()).cloned().collect();
    found.sort_by_key(|found| found.mod_revision);
    found
}

fn add(rows: &mut Vec<Row>, kind: EventKind, now: Arc<KeyValue>) {
    let revision = now.mod_revision;
    let before = rows.last().filter(|before| before.revision == revision);
    let sub = before.map_or(0, |before| before.sub + 1);
    rows.push(Row { revision, sub, kind, now });
}
