//! The bytes of a snapshot: the store before the first event that is remembered, and what happened
//! since; with a checksum.
//!
//! Magic `KSN3`, CRC-32 of the rest (u32); revision of the base (u64), number of its keys (u32), and
//! for each: key, value (each a length and bytes), create revision, mod revision, version, lease; the
//! compacted revision (u64), number of records (u32) and the records, as in the log; number of leases
//! (u32) and for each: number, seconds, seconds left or `i64::MIN`. Numbers are little-endian, of 64
//! bits where nothing else is said.

use crate::codec::{Reader, encode_bytes, length};
use crate::log::{decode_record, encode_record};
use crate::{Change, Event, EventKind, KeyValue, Lease, LeaseId, Record, Revision, Store, Write};

const MAGIC: &[u8; 4] = b"KSN3";
/// All seconds are left of a lease.
const WHOLE: i64 = i64::MIN;

/// A snapshot that cannot be used, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot is corrupt: {0}")]
pub struct Corrupt(&'static str);

/// All that a store holds.
pub fn encode(store: &Store) -> Vec<u8> {
    encode_behind(vec![], store)
}

/// The same, behind what a file begins with.
pub fn encode_behind(mut file: Vec<u8>, store: &Store) -> Vec<u8> {
    file.extend_from_slice(MAGIC);
    let checksum = file.len();
    file.extend_from_slice(&[0; 4]);
    encode_store(store, &mut file);
    let (header, payload) = file.split_at_mut(checksum + 4);
    header[checksum..].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
    file
}

fn encode_store(store: &Store, payload: &mut Vec<u8>) {
    encode_base(&store.base(), payload);
    payload.extend_from_slice(&store.compacted().0.to_le_bytes());
    let records: Vec<_> =
        store.history().map(|(revision, events)| record(revision, events)).collect();
    payload.extend_from_slice(&length(records.len()).to_le_bytes());
    records.iter().for_each(|record| encode_record(record, payload));
    encode_leases(store, payload);
}

/// The store that a snapshot was taken of.
pub fn decode(snapshot: &[u8]) -> Result<Store, Corrupt> {
    let mut reader = Reader::new(snapshot);
    if reader.take(4) != Some(MAGIC) {
        return Err(Corrupt("it does not begin with KSN3"));
    }
    let checksum = reader.u32().ok_or(Corrupt("its header is cut"))?;
    if crc32fast::hash(&snapshot[8..]) != checksum {
        return Err(Corrupt("its checksum does not match"));
    }
    decode_store(reader).ok_or(Corrupt("its payload is malformed"))
}

fn encode_base(base: &Store, payload: &mut Vec<u8>) {
    payload.extend_from_slice(&base.revision().0.to_le_bytes());
    payload.extend_from_slice(&length(base.len()).to_le_bytes());
    for found in base.iter() {
        encode_bytes(&found.key, payload);
        encode_bytes(&found.value, payload);
        for number in [found.create_revision.0, found.mod_revision.0, found.version] {
            payload.extend_from_slice(&number.to_le_bytes());
        }
        payload.extend_from_slice(&found.lease.0.to_le_bytes());
    }
}

/// The record that left these events.
fn record(revision: Revision, events: &[Event]) -> Record {
    let write = |event: &Event| {
        let value = (event.kind == EventKind::Put).then(|| event.now.value.clone());
        Change::Write(Write { key: event.now.key.clone(), value, lease: event.now.lease })
    };
    Record { revision, changes: events.iter().map(write).collect() }
}

fn encode_leases(store: &Store, payload: &mut Vec<u8>) {
    payload.extend_from_slice(&length(store.leases().count()).to_le_bytes());
    for (LeaseId(id), Lease { ttl_seconds, remaining_seconds, .. }) in store.leases() {
        for number in [id, *ttl_seconds, remaining_seconds.unwrap_or(WHOLE)] {
            payload.extend_from_slice(&number.to_le_bytes());
        }
    }
}

fn decode_store(mut reader: Reader<'_>) -> Option<Store> {
    let base = Revision(reader.u64()?);
    let count = reader.u32()?;
    let keys = (0..count).map(|_| decode_key(&mut reader)).collect::<Option<Vec<_>>>()?;
    let compacted = Revision(reader.u64()?);
    let count = reader.u32()?;
    let records = (0..count).map(|_| decode_record(&mut reader)).collect::<Option<Vec<_>>>()?;
    let count = reader.u32()?;
    let leases = (0..count).map(|_| decode_lease(&mut reader)).collect::<Option<Vec<_>>>()?;
    reader.is_empty().then(|| Store::rebuild((base, keys), compacted, &records, leases))
}

fn decode_key(reader: &mut Reader<'_>) -> Option<KeyValue> {
    Some(KeyValue {
        key: reader.bytes()?,
        value: reader.bytes()?,
        create_revision: Revision(reader.u64()?),
        mod_revision: Revision(reader.u64()?),
        version: reader.u64()?,
        lease: LeaseId(reader.i64()?),
    })
}

fn decode_lease(reader: &mut Reader<'_>) -> Option<(LeaseId, Lease)> {
    let (id, ttl_seconds) = (LeaseId(reader.i64()?), reader.i64()?);
    let remaining_seconds = Some(reader.i64()?).filter(|seconds| *seconds != WHOLE);
    Some((id, Lease { ttl_seconds, remaining_seconds, ..Lease::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bytes, Operation, Put, Range, Transaction};

    fn bytes(text: &str) -> Bytes {
        text.as_bytes().into()
    }

    /// A store with a history, a compaction in it, and leases.
    fn store() -> Store {
        let mut store = Store::default();
        store.grant(LeaseId(7), 60).unwrap();
        store.checkpoint(LeaseId(7), Some(30)).unwrap();
        for key in ["a", "b", "c"] {
            store.commit(&Transaction::create(bytes(key), bytes("1"))).unwrap();
        }
        let leased = Put { lease: Some(LeaseId(7)), ..Put::new(bytes("a"), bytes("2")) };
        store.commit(&Transaction::of(vec![Operation::Put(leased)])).unwrap();
        store.compact(Revision(4)).unwrap();
        let delete = Operation::Delete(Range::Key(bytes("b")));
        store.commit(&Transaction::of(vec![delete])).unwrap();
        store
    }

    #[test]
    fn a_snapshot_holds_keys_history_and_leases() {
        let store = store();

        let restored = decode(&encode(&store)).unwrap();

        assert_eq!(restored.revision(), store.revision());
        assert_eq!(restored.compacted(), store.compacted());
        assert!(restored.iter().eq(store.iter()));
        assert!(restored.leases().eq(store.leases()));
        let start = Revision(store.oldest().0 - 1);
        let events =
            |store: &Store| -> Vec<_> { store.events_after(start).unwrap().cloned().collect() };
        assert_eq!(events(&restored), events(&store));
        assert_eq!(events(&store).len(), 3);
    }

    #[test]
    fn a_snapshot_behind_something_is_the_same() {
        let store = store();

        let file = encode_behind(b"head".to_vec(), &store);

        assert_eq!(file, [&b"head"[..], &encode(&store)].concat());
    }

    #[test]
    fn a_damaged_snapshot_is_refused() {
        let snapshot = encode(&store());

        for byte in 0..snapshot.len() {
            let mut damaged = snapshot.clone();
            damaged[byte] ^= 1;

            assert!(decode(&damaged).is_err(), "byte {byte}");
        }
    }

    #[test]
    fn a_snapshot_that_is_cut_short_is_refused() {
        let snapshot = encode(&store());

        for end in 0..snapshot.len() {
            assert!(decode(&snapshot[..end]).is_err(), "cut at {end}");
        }
    }
}
