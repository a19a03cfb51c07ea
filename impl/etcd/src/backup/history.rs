//! Reads a database: which revisions it remembers, and what was before them.

use std::collections::BTreeMap;

use etcd_client::proto::PbKeyValue;
use prost::Message;
use store::{Bytes, Change, EventKind, KeyValue, Lease, LeaseId, Record, Revision, Store, Write};

use super::schema::{
    FINISHED_COMPACT, KEY, LEASE, META, SCHEDULED_COMPACT, StoredLease, parse_revision,
};
use crate::bolt::{Corrupt, Database, Entry};

/// The revision of a store to which nothing has happened.
const BEGINNING: Revision = Revision(1);

/// The store that a database, without the hash behind it, was written of.
pub fn read(database: &[u8]) -> Result<Store, Corrupt> {
    let buckets = Database::open(database)?.buckets()?;
    let keys = buckets.get(KEY.as_bytes()).ok_or(Corrupt("it has no bucket of keys"))?;
    let rows = keys.iter().map(Row::read).collect::<Option<Vec<_>>>();
    let mut rows = rows.ok_or(Corrupt("a key cannot be read"))?;
    // `etcdutl snapshot restore --bump-revision` marks the last revision so.
    rows.retain(|row| !row.now.key.is_empty());
    let entries = |name: &str| buckets.get(name.as_bytes()).map_or(&[][..], |found| found);
    let compacted = compacted(entries(META)).ok_or(Corrupt("the compaction cannot be read"))?;
    let leases = entries(LEASE).iter().map(lease).collect::<Option<_>>();
    rebuilt(&rows, compacted, leases.ok_or(Corrupt("a lease cannot be read"))?)
}

/// One write.
struct Row {
    kind: EventKind,
    now: KeyValue,
}

impl Row {
    fn read((key, value): &Entry<'_>) -> Option<Self> {
        let (mod_revision, kind) = parse_revision(key)?;
        let read = PbKeyValue::decode(*value).ok()?;
        let now = KeyValue {
            key: read.key.into(),
            value: read.value.into(),
            create_revision: Revision(u64::try_from(read.create_revision).ok()?),
            mod_revision,
            version: u64::try_from(read.version).ok()?,
            lease: LeaseId(read.lease),
        };
        Some(Self { kind, now })
    }

    fn change(&self) -> Change {
        let KeyValue { key, value, lease, .. } = &self.now;
        let value = (self.kind == EventKind::Put).then(|| value.clone());
        Change::Write(Write { key: key.clone(), value, lease: *lease })
    }
}

/// Up to which revision it is compacted: also where etcd has only begun to do so.
fn compacted(meta: &[Entry<'_>]) -> Option<Revision> {
    let stored =
        meta.iter().filter(|(name, _)| [FINISHED_COMPACT, SCHEDULED_COMPACT].contains(name));
    stored
        .map(|(_, value)| Some(parse_revision(value)?.0))
        .try_fold(Revision(0), |latest, found| Some(latest.max(found?)))
}

fn lease((_, value): &Entry<'_>) -> Option<(LeaseId, Lease)> {
    let StoredLease { id, ttl, remaining_ttl } = StoredLease::decode(*value).ok()?;
    let remaining_seconds = Some(remaining_ttl).filter(|seconds| *seconds > 0);
    Some((LeaseId(id), Lease { ttl_seconds: ttl, remaining_seconds, ..Lease::default() }))
}

/// Makes a store of rows. Those of the compacted revision are remembered with all that came later; where there are none,
/// they were removals, and etcd has forgotten these, too.
fn rebuilt(
    rows: &[Row],
    compacted: Revision,
    leases: Vec<(LeaseId, Lease)>,
) -> Result<Store, Corrupt> {
    let first = compacted.max(BEGINNING.next());
    let (older, remembered) =
        rows.split_at(rows.partition_point(|row| row.now.mod_revision < first));
    let is_there = remembered.first().is_some_and(|row| row.now.mod_revision == first);
    let base = if is_there || compacted < first { Revision(first.0 - 1) } else { compacted };
    let keys = keys_before(older, remembered, first);
    let records = records(remembered, base)?;
    let store = Store::rebuild((base, keys), compacted, &records, leases);
    let events = store.events_after(base).expect("it remembers what comes after its base");
    let puts = remembered.iter().filter(|row| row.kind == EventKind::Put).map(|row| &row.now);
    let rebuilt = events.filter(|event| event.kind == EventKind::Put).map(|event| &*event.now);
    match puts.eq(rebuilt) {
        true => Ok(store),
        false => Err(Corrupt("a key does not follow from what it was before")),
    }
}

/// What was there before the first revision that is remembered. What a key was before it was written in that revision is
/// compacted away.
fn keys_before(older: &[Row], remembered: &[Row], first: Revision) -> Vec<KeyValue> {
    let mut keys: BTreeMap<&Bytes, KeyValue> = BTreeMap::new();
    for Row { kind, now } in older {
        match kind {
            EventKind::Put => keys.insert(&now.key, now.clone()),
            EventKind::Delete => keys.remove(&now.key),
        };
    }
    let at_first = remembered.iter().take_while(|row| row.now.mod_revision == first);
    for Row { now, .. } in at_first.filter(|row| row.kind == EventKind::Put) {
        match now.version {
            0 | 1 => keys.remove(&now.key),
            _ => keys.insert(&now.key, now.forgotten()),
        };
    }
    keys.into_values().collect()
}

fn records(rows: &[Row], base: Revision) -> Result<Vec<Record>, Corrupt> {
    let revisions = rows.chunk_by(|one, next| one.now.mod_revision == next.now.mod_revision);
    let records: Vec<_> = revisions.map(record).collect();
    let due = (1..).map(|after| Revision(base.0.saturating_add(after)));
    match records.iter().zip(due).all(|(record, due)| record.revision == due) {
        true => Ok(records),
        false => Err(Corrupt("a revision is missing")),
    }
}

fn record(rows: &[Row]) -> Record {
    Record { revision: rows[0].now.mod_revision, changes: rows.iter().map(Row::change).collect() }
}
