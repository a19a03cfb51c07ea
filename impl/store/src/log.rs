//! The bytes of the write-ahead log: frames of records, each frame with a checksum.
//!
//! One frame is what one fsync makes durable. A torn frame can therefore only be the last; a broken
//! frame with a sound one behind it is damage, and is named. Pure, so that the simulator's failing
//! disk runs the same code.
//!
//! A frame: magic `KWAL`, length (u32), CRC-32 of the payload (u32), payload. A record: revision (u64),
//! number of writes (u32); a write: key and value, each a length (u32) and bytes, where the length
//! `u32::MAX` stands for a deletion. All numbers are little-endian.

use crate::codec::{Reader, encode_bytes, length};
use crate::transaction::{Record, Write};
use crate::{Bytes, Revision};

const MAGIC: &[u8; 4] = b"KWAL";
const HEADER_BYTES: usize = 12;
const DELETED: u32 = u32::MAX;

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
        return Err("it does not begin with KWAL");
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
        let revision = Revision(reader.u64()?);
        let count = reader.u32()?;
        let writes =
            (0..count).map(|_| decode_write(&mut reader)).collect::<Option<Vec<Write>>>()?;
        records.push(Record { revision, writes });
    }
    Some(records)
}

fn encode_record(record: &Record, payload: &mut Vec<u8>) {
    payload.extend_from_slice(&record.revision.0.to_le_bytes());
    payload.extend_from_slice(&length(record.writes.len()).to_le_bytes());
    for write in &record.writes {
        encode_bytes(&write.key, payload);
        match &write.value {
            Some(value) => encode_bytes(value, payload),
            None => payload.extend_from_slice(&DELETED.to_le_bytes()),
        }
    }
}

fn decode_write(reader: &mut Reader<'_>) -> Option<Write> {
    let key = reader.bytes()?;
    let value = match reader.u32()? {
        DELETED => None,
        length => Some(Bytes::from(reader.take(length as usize)?)),
    };
    Some(Write { key, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(revision: u64, value: Option<&[u8]>) -> Record {
        let write =
            Write { key: Bytes::from(&b"/registry/pods/a"[..]), value: value.map(Bytes::from) };
        Record { revision: Revision(revision), writes: vec![write] }
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
