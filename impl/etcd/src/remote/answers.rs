//! What etcd answers and tells, in the store's words.

use etcd_client::{Event, EventType, KeyValue as WireKeyValue, ResponseHeader};
use store::{Change, KeyValue, LeaseId, Record, Revision, Write};

/// The revision of whoever answers.
pub fn revision(header: Option<&ResponseHeader>) -> Revision {
    Revision(header.map_or(0, |header| header.revision().cast_unsigned()))
}

/// A key.
pub fn key_value(found: &WireKeyValue) -> KeyValue {
    KeyValue {
        key: found.key().into(),
        value: found.value().into(),
        create_revision: Revision(found.create_revision().cast_unsigned()),
        mod_revision: Revision(found.mod_revision().cast_unsigned()),
        version: found.version().cast_unsigned(),
        lease: LeaseId(found.lease()),
    }
}

/// Events, a record for each revision. They come whole: a watch that did not ask for fragments is told of
/// a revision in one message. Source: etcd API guarantees, "Watch APIs", atomic.
pub(super) fn records(events: &[Event]) -> Vec<Record> {
    let mut records: Vec<Record> = vec![];
    for (revision, write) in events.iter().filter_map(write) {
        let change = Change::Write(write);
        match records.last_mut().filter(|last| last.revision == revision) {
            Some(last) => last.changes.push(change),
            None => records.push(Record { revision, changes: vec![change] }),
        }
    }
    records
}

/// What an event wrote, and when.
fn write(event: &Event) -> Option<(Revision, Write)> {
    let KeyValue { key, value, mod_revision, lease, .. } = key_value(event.kv()?);
    let value = (event.event_type() == EventType::Put).then_some(value);
    Some((mod_revision, Write { key, value, lease }))
}
