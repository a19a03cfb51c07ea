//! The bytes of the write-ahead log: frames of records, each frame with checksums.
//!
//! One frame is what one fsync makes durable. A torn frame can therefore only be the last, and what is
//! torn off is missing or, a sector at a time, zero. Anything else is damage, and is named. Pure, so that
//! the simulator's failing disk runs the same code.
//!
//! A frame: magic `KWL2`, length of the payload (u32), CRC-32 of the payload (u32), CRC-32 of those
//! twelve bytes (u32), payload. A record: revision (u64), number of changes (u32); a change: its tag
//! (u8), then key and value (a length as u32, and bytes), and numbers (64 bits), as the tag has them.
//! All numbers are little-endian.
//! Source of what counts as torn: etcd's `server/storage/wal/decoder.go`, `isTornEntry`.

use crate::codec::{Reader, encode_bytes, length};
use crate::{Change, LeaseId, Record, Revision, Write};

const MAGIC: &[u8; 4] = b"KWL2";
const HEADER_BYTES: usize = 16;
/// Disks write sectors whole or not at all.
const SECTOR_BYTES: usize = 512;

/// A frame that is broken, and not as a write that was torn off would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record at byte {offset} is corrupt: {why}")]
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
    frame.extend_from_slice(&crc32fast::hash(&frame).to_le_bytes());
    frame.extend_from_slice(&payload);
    frame
}

/// Reads a whole log.
pub fn decode(log: &[u8]) -> Result<Decoded, Corrupt> {
    let mut decoded = Decoded::default();
    while decoded.sound_bytes < log.len() {
        let offset = decoded.sound_bytes;
        match decode_frame(log, offset) {
            Ok((records, bytes)) => {
                decoded.records.extend(records);
                decoded.sound_bytes += bytes;
            }
            Err(Broken { is_torn: true, .. }) if !sound_frame_after(log, offset + 1) => break,
            Err(Broken { why, .. }) => return Err(Corrupt { offset, why }),
        }
    }
    Ok(decoded)
}

/// A frame that cannot be read, and whether the end of a write may look like that.
struct Broken {
    why: &'static str,
    is_torn: bool,
}

fn sound_frame_after(log: &[u8], start: usize) -> bool {
    let is_start = |offset: &usize| log[*offset..].starts_with(MAGIC);
    (start..log.len()).filter(is_start).any(|offset| decode_frame(log, offset).is_ok())
}

fn decode_frame(log: &[u8], offset: usize) -> Result<(Vec<Record>, usize), Broken> {
    let frame = &log[offset..];
    let Some((header, rest)) = frame.split_at_checked(HEADER_BYTES) else {
        let is_torn = MAGIC.starts_with(&frame[..frame.len().min(4)]) || has_zeros(frame, offset);
        return Err(Broken { why: "its header is cut", is_torn });
    };
    let (fields, checksum) = header.split_at(12);
    if crc32fast::hash(fields).to_le_bytes() != *checksum || !fields.starts_with(MAGIC) {
        let is_torn = has_zeros(header, offset);
        return Err(Broken { why: "the checksum of its header does not match", is_torn });
    }
    let mut reader = Reader::new(&fields[4..]);
    let (Some(length), Some(checksum)) = (reader.u32(), reader.u32()) else {
        return Err(Broken { why: "its header is malformed", is_torn: false });
    };
    let Some(payload) = rest.get(..length as usize) else {
        return Err(Broken { why: "its payload is cut", is_torn: true });
    };
    if crc32fast::hash(payload) != checksum {
        let is_torn = has_zeros(payload, offset + HEADER_BYTES);
        return Err(Broken { why: "its checksum does not match", is_torn });
    }
    let malformed = Broken { why: "its payload is malformed", is_torn: false };
    Ok((decode_records(payload).ok_or(malformed)?, HEADER_BYTES + payload.len()))
}

/// Whether some sector of these bytes, which lie at this offset of a file, is zero.
fn has_zeros(bytes: &[u8], offset: usize) -> bool {
    let (head, tail) = bytes.split_at(bytes.len().min(SECTOR_BYTES - offset % SECTOR_BYTES));
    let mut sectors = std::iter::once(head).chain(tail.chunks(SECTOR_BYTES));
    sectors.any(|sector| sector.iter().all(|byte| *byte == 0))
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
    fn any_flipped_bit_is_named() {
        let (_, log, first) = log();

        for bit in 0..log.len() * 8 {
            let mut damaged = log.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);

            let offset = decode(&damaged).expect_err("damage is found").offset;

            assert_eq!(offset, if bit < first * 8 { 0 } else { first }, "bit {bit}");
        }
    }

    #[test]
    fn a_write_whose_last_sectors_are_zero_is_torn() {
        let (_, mut log, first) = log();
        let long = encode(&[record(5, Some(&[7; 4 * SECTOR_BYTES]))]);
        let begin = log.len();
        log.extend(&long);

        for sector in (begin.div_ceil(SECTOR_BYTES)..).take(3) {
            let mut torn = log.clone();
            torn[sector * SECTOR_BYTES..][..SECTOR_BYTES].fill(0);

            assert_eq!(decode(&torn).unwrap().sound_bytes, begin, "sector {sector}");
        }
        let mut zeros = log[..first].to_vec();
        zeros.extend([0; 100]);
        assert_eq!(decode(&zeros).unwrap().sound_bytes, first);
    }

    #[test]
    fn garbage_is_not_taken_for_a_log() {
        assert_eq!(decode(b"not a log").unwrap_err().offset, 0);
    }
}
