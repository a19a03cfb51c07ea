//! The bytes of a snapshot: the store before the first event that is remembered, and what happened
//! since, in pieces, each with a checksum: so that neither who writes nor who reads holds them all.
//!
//! Magic `KSN3`, then pieces: length of what follows the checksum (u32), CRC-32 of that length and of what
//! follows (u32), a tag (u8) and, by tag, one after the other: the revision of the base and the compacted
//! revision; leases, each number, seconds, seconds left or `i64::MIN`; keys, each key, value (each a length and
//! bytes), create revision, mod revision, version, lease; records, as in the log; and at the end the number of
//! pieces before it. Numbers are little-endian, of 64 bits where nothing else is said.

use std::io::{self, Read as _};

use crate::codec::{Reader, encode_bytes, length};
use crate::log::{decode_record, encode_record};
use crate::{
    Change, Event, EventKind, KeyValue, Lease, LeaseId, Record, Revision, Store, Unread, Write,
};

const MAGIC: &[u8; 4] = b"KSN3";
const HEADER_BYTES: usize = 8;
/// A piece ends once it is as long.
const PIECE_BYTES: usize = 256 * 1024;
/// All seconds are left of a lease.
const WHOLE: i64 = i64::MIN;

const BEGIN: u8 = 0;
const LEASES: u8 = 1;
const KEYS: u8 = 2;
const RECORDS: u8 = 3;
const END: u8 = 4;

const CUT: Corrupt = Corrupt("it is cut short");
const MALFORMED: Corrupt = Corrupt("a piece of it is malformed");

/// A snapshot that cannot be used, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot is corrupt: {0}")]
pub struct Corrupt(&'static str);

/// Some of what a snapshot holds.
#[derive(Debug)]
pub struct Piece(Held);

#[derive(Debug)]
enum Held {
    Begin { base: Revision, compacted: Revision },
    Leases(Vec<(LeaseId, Lease)>),
    Keys(Vec<KeyValue>),
    Records(Vec<Record>),
}

/// All that a store holds.
pub fn encode(store: &Store) -> Vec<u8> {
    let mut snapshot = vec![];
    write(store, &mut snapshot).expect("a vector takes all");
    snapshot
}

/// Writes all that a store holds.
pub fn write(store: &Store, target: &mut impl io::Write) -> io::Result<()> {
    target.write_all(MAGIC)?;
    let mut pieces = Writer { target, pieces: 0 };
    let base = store.base();
    let begin = [base.revision().0, store.compacted().0];
    pieces.write(BEGIN, begin.into_iter(), encode_number)?;
    pieces.write(LEASES, store.leases(), encode_lease)?;
    pieces.write(KEYS, base.iter(), |found, payload| encode_key(found, payload))?;
    let records = store.history().map(|(revision, events)| record(revision, events));
    pieces.write(RECORDS, records, |record, payload| encode_record(&record, payload))?;
    let count = std::iter::once(pieces.pieces);
    pieces.write(END, count, encode_number)
}

/// Where pieces go.
struct Writer<'a, T> {
    target: &'a mut T,
    pieces: u64,
}

impl<T: io::Write> Writer<'_, T> {
    /// Writes items of one kind in as many pieces as they fill.
    fn write<I>(
        &mut self,
        tag: u8,
        items: impl Iterator<Item = I>,
        encode: impl Fn(I, &mut Vec<u8>),
    ) -> io::Result<()> {
        let mut items = items.peekable();
        while items.peek().is_some() {
            let mut payload = vec![tag];
            while payload.len() < PIECE_BYTES
                && let Some(item) = items.next()
            {
                encode(item, &mut payload);
            }
            self.write_piece(&payload)?;
        }
        Ok(())
    }

    fn write_piece(&mut self, payload: &[u8]) -> io::Result<()> {
        let length = length(payload.len()).to_le_bytes();
        self.target.write_all(&length)?;
        self.target.write_all(&checksum(length, payload).to_le_bytes())?;
        self.target.write_all(payload)?;
        self.pieces += 1;
        Ok(())
    }
}

fn checksum(length: [u8; 4], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(payload);
    hasher.finalize()
}

fn encode_number(number: u64, payload: &mut Vec<u8>) {
    payload.extend_from_slice(&number.to_le_bytes());
}

fn encode_lease((LeaseId(id), lease): (LeaseId, &Lease), payload: &mut Vec<u8>) {
    for number in [id, lease.ttl_seconds, lease.remaining_seconds.unwrap_or(WHOLE)] {
        encode_number(number.cast_unsigned(), payload);
    }
}

fn encode_key(found: &KeyValue, payload: &mut Vec<u8>) {
    encode_bytes(&found.key, payload);
    encode_bytes(&found.value, payload);
    for number in [found.create_revision.0, found.mod_revision.0, found.version] {
        encode_number(number, payload);
    }
    encode_number(found.lease.0.cast_unsigned(), payload);
}

/// The record that left these events.
fn record(revision: Revision, events: &[Event]) -> Record {
    let write = |event: &Event| {
        let value = (event.kind == EventKind::Put).then(|| event.now.value.clone());
        Change::Write(Write { key: event.now.key.clone(), value, lease: event.now.lease })
    };
    Record { revision, changes: events.iter().map(write).collect() }
}

/// The store that a snapshot was taken of.
pub fn decode(snapshot: &[u8]) -> Result<Store, Corrupt> {
    let mut restored = Restored::default();
    for piece in pieces(snapshot) {
        restored.take(piece.map_err(|unread| match unread {
            Unread::Corrupt(corrupt) => corrupt,
            Unread::Io(_) => CUT,
        })?)?;
    }
    restored.store()
}

/// The pieces of a snapshot, in order. After an error none follow.
pub fn pieces(source: impl io::Read) -> impl Iterator<Item = Result<Piece, Unread<Corrupt>>> {
    let mut reader = Some(Pieces { source, pieces: None });
    std::iter::from_fn(move || {
        let next = reader.as_mut()?.next().transpose();
        if !matches!(next, Some(Ok(_))) {
            reader = None;
        }
        next
    })
}

/// Where pieces come from.
struct Pieces<R> {
    source: R,
    /// How many were read; nothing before the magic number was.
    pieces: Option<u64>,
}

impl<R: io::Read> Pieces<R> {
    fn next(&mut self) -> Result<Option<Piece>, Unread<Corrupt>> {
        let pieces = match self.pieces {
            Some(pieces) => pieces,
            None => self.begin()?,
        };
        let payload = self.payload()?;
        self.pieces = Some(pieces + 1);
        let mut reader = Reader::new(&payload);
        let tag = reader.u8().ok_or(MALFORMED)?;
        if tag == END {
            let is_last = reader.u64() == Some(pieces) && reader.is_empty();
            return if is_last && self.is_at_end()? { Ok(None) } else { Err(MALFORMED.into()) };
        }
        Ok(Some(Piece(decode_piece(tag, &mut reader).ok_or(MALFORMED)?)))
    }

    fn begin(&mut self) -> Result<u64, Unread<Corrupt>> {
        match self.bytes(MAGIC.len())? == MAGIC {
            true => Ok(0),
            false => Err(Corrupt("it does not begin with KSN3").into()),
        }
    }

    /// The tag of the next piece, and what follows it.
    fn payload(&mut self) -> Result<Vec<u8>, Unread<Corrupt>> {
        let header = self.bytes(HEADER_BYTES)?;
        let mut fields = Reader::new(&header);
        let (Some(length), Some(sum)) = (fields.u32(), fields.u32()) else {
            return Err(CUT.into());
        };
        let payload = self.bytes(length as usize)?;
        match checksum(length.to_le_bytes(), &payload) == sum {
            true => Ok(payload),
            false => Err(Corrupt("a checksum does not match").into()),
        }
    }

    /// So many bytes. Room is made as they come: a length may be damaged.
    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, Unread<Corrupt>> {
        let mut bytes = vec![];
        let read = (&mut self.source).take(length as u64).read_to_end(&mut bytes)?;
        if read < length { Err(CUT.into()) } else { Ok(bytes) }
    }

    fn is_at_end(&mut self) -> io::Result<bool> {
        let mut next = [0];
        Ok(self.source.read(&mut next)? == 0)
    }
}

fn decode_piece(tag: u8, reader: &mut Reader<'_>) -> Option<Held> {
    Some(match tag {
        BEGIN => {
            let begin =
                Held::Begin { base: Revision(reader.u64()?), compacted: Revision(reader.u64()?) };
            return reader.is_empty().then_some(begin);
        }
        LEASES => Held::Leases(all(reader, decode_lease)?),
        KEYS => Held::Keys(all(reader, decode_key)?),
        RECORDS => Held::Records(all(reader, decode_record)?),
        _ => return None,
    })
}

fn all<T>(
    reader: &mut Reader<'_>,
    decode: impl Fn(&mut Reader<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let mut items = vec![];
    while !reader.is_empty() {
        items.push(decode(reader)?);
    }
    Some(items)
}

fn decode_lease(reader: &mut Reader<'_>) -> Option<(LeaseId, Lease)> {
    let (id, ttl_seconds) = (LeaseId(reader.i64()?), reader.i64()?);
    let remaining_seconds = Some(reader.i64()?).filter(|seconds| *seconds != WHOLE);
    Some((id, Lease { ttl_seconds, remaining_seconds, ..Lease::default() }))
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

/// A store that is made of the pieces of a snapshot.
#[derive(Debug, Default)]
pub struct Restored {
    store: Store,
    /// The compacted revision, once it is known.
    compacted: Option<Revision>,
}

impl Restored {
    /// Takes the next piece.
    pub fn take(&mut self, Piece(held): Piece) -> Result<(), Corrupt> {
        match held {
            Held::Begin { base, compacted } => {
                (self.store, self.compacted) = (Store::beginning(base), Some(compacted));
            }
            Held::Leases(leases) => self.store.hold_leases(leases),
            Held::Keys(keys) => keys.into_iter().for_each(|found| self.store.hold(found)),
            Held::Records(records) => {
                for record in &records {
                    if record.revision != self.store.next_revision(record) {
                        return Err(Corrupt("its records have a gap"));
                    }
                    self.store.apply(record);
                }
            }
        }
        Ok(())
    }

    /// The store, when all pieces were taken.
    pub fn store(mut self) -> Result<Store, Corrupt> {
        self.store.compacted_before(self.compacted.ok_or(CUT)?);
        Ok(self.store)
    }
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
    fn a_snapshot_holds_what_is_left_of_a_key_that_was_forgotten() {
        let now = KeyValue {
            key: bytes("a"),
            value: bytes("5"),
            create_revision: Revision(2),
            mod_revision: Revision(6),
            version: 5,
            lease: LeaseId::NONE,
        };
        let write = Write { key: bytes("a"), value: Some(bytes("5")), lease: LeaseId::NONE };
        let record = Record { revision: Revision(6), changes: vec![Change::Write(write)] };
        let base = (Revision(5), vec![now.forgotten()]);
        let store = Store::rebuild(base, Revision(6), &[record], vec![]);

        let restored = decode(&encode(&store)).unwrap();

        for store in [store, restored] {
            let event = store.events_after(Revision(5)).unwrap().next().unwrap();
            assert_eq!((&*event.now, &event.before), (&now, &None));
            assert_eq!(store.get(b"a").map(|found| &**found), Some(&now));
        }
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

    #[test]
    fn a_piece_that_is_missing_or_comes_twice_is_noticed() {
        let mut store = Store::default();
        for key in ["a", "b", "c"] {
            let value = Bytes::from(vec![7; PIECE_BYTES]);
            store.commit(&Transaction::create(bytes(key), value)).unwrap();
        }
        store.compact(Revision(3)).unwrap();
        let snapshot = encode(&store);
        let mut bounds = vec![MAGIC.len()];
        while bounds[bounds.len() - 1] < snapshot.len() {
            let begin = bounds[bounds.len() - 1];
            let length = Reader::new(&snapshot[begin..]).u32().unwrap() as usize;
            bounds.push(begin + HEADER_BYTES + length);
        }

        // The beginning, the key of before the events, two events and the end.
        assert_eq!(bounds.len(), 6);
        assert!(decode(&snapshot).unwrap().iter().eq(store.iter()));
        for piece in bounds.windows(2) {
            let (begin, end) = (piece[0], piece[1]);
            let missing = [&snapshot[..begin], &snapshot[end..]].concat();
            let twice = [&snapshot[..end], &snapshot[begin..]].concat();
            assert!(decode(&missing).is_err(), "bytes {begin} to {end} are missing");
            assert!(decode(&twice).is_err(), "bytes {begin} to {end} come twice");
        }
    }
}
