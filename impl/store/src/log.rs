//! The bytes of the write-ahead log: frames of records, each frame with a checksum.
//!
//! One frame is what one fsync makes durable. A torn frame can therefore only be the last; a broken
//! frame with a sound one behind it is damage, and is named. Pure, so that the simulator's failing
//! disk runs the same code.
//!
//! A frame: magic `KWL2`, length (u32), CRC-32 of the payload (u32), payload. A record: revision (u64),
//! number of changes (u32); a change: its tag (u8), then key and value (a length as u32, and bytes),
//! and numbers (64 bits), as the tag has them. All numbers are little-endian.

use crate::codec::{Reader, encode_bytes, length};
use crate::{Change, LeaseId, Record, Revision, Write};

const MAGIC: &[u8; 4] = b"KWL2";
const HEADER_BYTES: usize = 12;

/// A frame that is broken although a sound one follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record at byte {offset} is corrupt ({why}), and sound records follow it")]
pub struct Corrupt {
    /// Where the frame begins.
    pub offset: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

/// What a log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The records, in order.
    pub records: Vec<Record>,
    /// How many bytes are sound. What lies behind them is a torn tail, to be cut.
    pub sound_bytes: usize,
}

/// The frame that makes these records durable together.
pub fn encode(records: &[Record]) -> Vec<u8> {
    let mut payload = vec![];
    for record in records {
        encode_record(record, &mut payload);
    }
    let mut frame = Vec::with_capacity(HEADER_BYTES + payload.len());
    frame.extend_from_slice(MAGIC);
    frame.extend_from_slice(&length(payload.len()).to_le_bytes());
    frame.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
    frame.extend_from_slice(&payload);
    frame
}

/// Reads a whole log.
pub fn decode(log: &[u8]) -> Result<Decoded, Corrupt> {
    let mut decoded = Decoded::default();
    while decoded.sound_bytes < log.len() {
        let offset = decoded.sound_bytes;
        match decode_frame(&log[offset..]) {
            Ok((records, bytes)) => {
                decoded.records.extend(records);
                decoded.sound_bytes += bytes;
            }
            Err(why) if sound_frame_after(log, offset + 1) => return Err(Corrupt { offset, why }),
            Err(_torn) => break,
        }
    }
    Ok(decoded)
}

fn sound_frame_after(log: &[u8], start: usize) -> bool {
    let is_start = |offset: &usize| log[*offset..].starts_with(MAGIC);
    (start..log.len()).filter(is_start).any(|offset| decode_frame(&log[offset..]).is_ok())
}

fn decode_frame(bytes: &[u8]) -> Result<(Vec<Record>, usize), &'static str> {
    let mut reader = Reader::new(bytes);
    if reader.take(4).ok_or("its header is cut")? != MAGIC {
        return Err("it does not begin with KWL2");
    }
    let length = reader.u32().ok_or("its header is cut")? as usize;
    let checksum = reader.u32().ok_or("its header is cut")?;
    let payload = reader.take(length).ok_or("its payload is cut")?;
    if crc32fast::hash(payload) != checksum {
        return Err("its checksum does not match");
    }
    let records = decode_records(payload).ok_or("its payload is malformed")?;
    Ok((records, HEADER_BYTES + length))
}

fn decode_records(payload: &[u8]) -> Option<Vec<Record>> {
    let mut reader = Reader::new(payload);
    let mut records = vec![];
    while !reader.is_empty() {
        records.push(decode_record(&mut reader)?);
    }
    Some(records)
}

pub(crate) fn encode_record(record: &Record, payload: &mut Vec<u8>) {
    payload.extend_from_slice(&record.revision.0.to_le_bytes());
    payload.extend_from_slice(&length(record.changes.len()).to_le_bytes());
    record.changes.iter().for_each(|change| encode_change(change, payload));
}

pub(crate) fn decode_record(reader: &mut Reader<'_>) -> Option<Record> {
    let revision = Revision(reader.u64()?);
    let count = reader.u32()?;
    let changes = (0..count).map(|_| decode_change(reader)).collect::<Option<_>>()?;
    Some(Record { revision, changes })
}

const PUT: u8 = 0;
const DELETE: u8 = 1;
const GRANT: u8 = 2;
const REVOKE: u8 = 3;
const CHECKPOINT: u8 = 4;
const COMPACT: u8 = 5;
/// All seconds are left of a lease.
const WHOLE: i64 = i64::MIN;

fn encode_change(change: &Change, payload: &mut Vec<u8>) {
    let (tag, numbers) = match change {
        Change::Write(Write { key, value: Some(value), lease }) => {
            payload.push(PUT);
            encode_bytes(key, payload);
            encode_bytes(value, payload);
            payload.extend_from_slice(&lease.0.to_le_bytes());
            return;
        }
        Change::Write(Write { key, value: None, .. }) => {
            payload.push(DELETE);
            encode_bytes(key, payload);
            return;
        }
        Change::Grant(lease, ttl_seconds) => (GRANT, vec![lease.0, *ttl_seconds]),
        Change::Revoke(lease) => (REVOKE, vec![lease.0]),
        Change::Checkpoint(lease, remaining_seconds) => {
            (CHECKPOINT, vec![lease.0, remaining_seconds.unwrap_or(WHOLE)])
        }
        Change::Compact(Revision(revision)) => (COMPACT, vec![revision.cast_signed()]),
    };
    payload.push(tag);
    numbers.iter().for_each(|number| payload.extend_from_slice(&number.to_le_bytes()));
}

fn decode_change(reader: &mut Reader<'_>) -> Option<Change> {
    Some(match reader.u8()? {
        PUT => {
            let (key, value) = (reader.bytes()?, Some(reader.bytes()?));
            Change::Write(Write { key, value, lease: LeaseId(reader.i64()?) })
        }
        DELETE => Change::Write(Write { key: reader.bytes()?, value: None, lease: LeaseId::NONE }),
        GRANT => Change::Grant(LeaseId(reader.i64()?), reader.i64()?),
        REVOKE => Change::Revoke(LeaseId(reader.i64()?)),
        CHECKPOINT => {
            let lease = LeaseId(reader.i64()?);
            Change::Checkpoint(lease, Some(reader.i64()?).filter(|seconds| *seconds != WHOLE))
        }
        COMPACT => Change::Compact(Revision(reader.u64()?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bytes;

    fn record(revision: u64, value: Option<&[u8]>) -> Record {
        let key = Bytes::from(&b"/registry/pods/a"[..]);
        let lease = LeaseId(if value.is_some() { 7 } else { 0 });
        let write = Write { key, value: value.map(Bytes::from), lease };
        Record { revision: Revision(revision), changes: vec![Change::Write(write)] }
    }

    fn log() -> (Vec<Record>, Vec<u8>, usize) {
        let records = vec![record(2, Some(b"one")), record(3, None), record(4, Some(b""))];
        let first = encode(&records[..2]);
        let mut log = first.clone();
        log.extend(encode(&records[2..]));
        (records, log, first.len())
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let (records, log, _) = log();

        let decoded = decode(&log).unwrap();

        assert_eq!(decoded, Decoded { records, sound_bytes: log.len() });
    }

    #[test]
    fn every_kind_of_change_is_decoded() {
        let changes = vec![
            Change::Grant(LeaseId(-7), 60),
            Change::Checkpoint(LeaseId(-7), Some(30)),
            Change::Checkpoint(LeaseId(-7), None),
            Change::Revoke(LeaseId(-7)),
            Change::Compact(Revision(3)),
        ];
        let records = vec![Record { revision: Revision(4), changes }];

        assert_eq!(decode(&encode(&records)).unwrap().records, records);
    }

    #[test]
    fn a_tail_torn_at_any_byte_is_cut_and_loses_nothing_before_it() {
        let (records, log, first) = log();

        for torn in first..log.len() {
            let decoded = decode(&log[..torn]).unwrap();

            assert_eq!((decoded.records.len(), decoded.sound_bytes), (2, first), "torn at {torn}");
            assert_eq!(decoded.records, records[..2]);
        }
    }

    #[test]
    fn any_flipped_bit_before_a_sound_frame_is_named() {
        let (_, log, first) = log();

        for bit in 0..first * 8 {
            let mut damaged = log.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);

            let offset = decode(&damaged).expect_err("damage is found").offset;

            assert_eq!(offset, 0, "bit {bit}");
        }
    }

    #[test]
    fn garbage_alone_is_a_torn_tail() {
        assert_eq!(decode(b"not a log").unwrap(), Decoded::default());
    }
}
