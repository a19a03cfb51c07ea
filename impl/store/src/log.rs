//! The bytes of the write-ahead log: in each part of it frames of records.
//!
//! The first frame of a part says whose it is, as three numbers (u64): cluster, member, part. Each of
//! the others is what one fsync makes durable, so only the last can be torn; it is, or what is broken is
//! damage, and is named. An empty frame of its own kind ends the part: another follows. Pure, so that the
//! simulator's failing disk runs the same code.
//!
//! A record: revision (u64), number of changes (u32); a change: its tag (u8), then key and value (a length
//! as u32, and bytes), and numbers (64 bits), as the tag has them. All numbers are little-endian.
//! Source of what comes first: etcd's `server/storage/wal/wal.go`, `Create`, 3.8.

#[cfg(test)]
mod tests;

use std::io::{self, Read as _};

use crate::codec::{Reader, encode_bytes, length};
use crate::frame::{self, Frame, Kind, Window};
use crate::{Change, LeaseId, Record, Revision, Unread, Write};

/// How many bytes the first frame has.
pub const HEAD_BYTES: usize = 48;
/// How much room is kept for the next frame, at most.
const ROOM_BYTES_MAX: usize = 1024 * 1024;
/// How much of a file is read at a time, at least.
const WINDOW_BYTES: usize = 4 * 1024 * 1024;
/// How much of a part makes an item, at least.
const RUN_BYTES: usize = 256 * 1024;
/// What a first frame is bound to; the others are bound to what it says.
const HEAD_SEED: u32 = 0;

/// Whose a part of the log is, or a snapshot, and which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The cluster that wrote it.
    pub cluster: u64,
    /// The member of it.
    pub member: u64,
    /// The number in the name of the file.
    pub number: u64,
}

/// A frame that is broken, and not as a write that was torn off would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record at byte {offset} is corrupt: {why}")]
pub struct Corrupt {
    /// Where the frame begins.
    pub offset: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

/// What a part of the log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Whose it is.
    pub metadata: Metadata,
    /// The records, in order.
    pub records: Vec<Record>,
    /// How many bytes are sound. What lies behind them is a torn tail, to be cut.
    pub sound_bytes: usize,
    /// Whether another part follows.
    pub is_ended: bool,
}

/// The frame that a part of the log begins with, and the file of a snapshot.
pub fn head(metadata: Metadata) -> Vec<u8> {
    frame::encode(Kind::Metadata, &numbers(metadata), 0, HEAD_SEED)
}

/// The frame that makes these records durable together, at this offset of a part.
pub fn encode(records: &[Record], metadata: Metadata, offset: usize) -> Vec<u8> {
    let mut encoder = Encoder::default();
    encoder.encode(records, metadata, offset);
    encoder.frame
}

/// Makes one frame after the other in the same room.
#[derive(Debug, Default)]
pub struct Encoder {
    payload: Vec<u8>,
    frame: Vec<u8>,
}

impl Encoder {
    /// The frame that makes these records durable together, at this offset of a part.
    pub fn encode(&mut self, records: &[Record], metadata: Metadata, offset: usize) -> &[u8] {
        let Self { payload, frame } = self;
        for room in [&mut *payload, &mut *frame] {
            room.clear();
            room.shrink_to(ROOM_BYTES_MAX);
        }
        records.iter().for_each(|record| encode_record(record, payload));
        frame::encode_over(frame, Kind::Records, payload, offset, seed(metadata));
        frame
    }
}

/// The frame that ends a part, at this offset of it.
pub fn end(metadata: Metadata, offset: usize) -> Vec<u8> {
    frame::encode(Kind::End, &[], offset, seed(metadata))
}

/// Whose a file is. A first frame is whole before its file has a name, so none that is torn is taken.
pub fn metadata(file: &[u8]) -> Result<Metadata, Corrupt> {
    let corrupt = |why| Corrupt { offset: 0, why };
    let window = Window { bytes: file, start: 0 };
    let frame = frame::decode(window, 0, HEAD_SEED).map_err(corrupt)?;
    let payload = frame.filter(|frame| frame.kind == Kind::Metadata).map(|frame| frame.payload);
    let payload = payload.ok_or(corrupt("it does not say whose the file is"))?;
    decode_metadata(&payload).ok_or(corrupt("its payload is malformed"))
}

/// Reads a whole part.
pub fn decode(part: &[u8]) -> Result<Decoded, Corrupt> {
    let metadata = metadata(part)?;
    let (mut runs, mut records) = (runs(&part[HEAD_BYTES..], metadata), vec![]);
    for run in runs.by_ref() {
        records.extend(run.map_err(|unread| match unread {
            Unread::Corrupt(corrupt) => corrupt,
            Unread::Io(_) => Corrupt { offset: 0, why: "it cannot be read" },
        })?);
    }
    let Runs { sound_bytes, is_ended, .. } = runs;
    Ok(Decoded { metadata, records, sound_bytes, is_ended })
}

/// Reads a part behind its first frame, many records at a time.
pub fn runs<R: io::Read>(source: R, metadata: Metadata) -> Runs<R> {
    Runs {
        source,
        window: vec![],
        window_start: HEAD_BYTES,
        is_all: false,
        seed: seed(metadata),
        sound_bytes: HEAD_BYTES,
        is_ended: false,
        is_over: false,
    }
}

/// The records of a part, in order, some in each item. After an error none follow.
#[derive(Debug)]
pub struct Runs<R> {
    source: R,
    /// What was read and not taken yet, and what of it was taken lately.
    window: Vec<u8>,
    /// Where in the file that begins.
    window_start: usize,
    /// Whether that reaches to the end of the file.
    is_all: bool,
    seed: u32,
    sound_bytes: usize,
    is_ended: bool,
    is_over: bool,
}

impl<R: io::Read> Runs<R> {
    /// How many bytes are sound of those that were read. When all are, a torn tail lies behind them, to be cut.
    pub fn sound_bytes(&self) -> usize {
        self.sound_bytes
    }

    /// How many bytes were torn off a write behind what is sound, when all was read: zeros at the end are room.
    pub fn torn_bytes(&self) -> usize {
        let rest = self.window().from(self.sound_bytes);
        rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
    }

    /// Whether another part follows.
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    fn window(&self) -> Window<'_> {
        Window { bytes: &self.window, start: self.window_start }
    }

    /// Reads as much again as there is, or a first part of the file.
    fn read_more(&mut self) -> io::Result<()> {
        let bytes = WINDOW_BYTES.max(self.window.len());
        let read = (&mut self.source).take(bytes as u64).read_to_end(&mut self.window)?;
        self.is_all = read < bytes;
        Ok(())
    }

    /// Lets go of what was taken.
    fn forget_taken(&mut self) {
        let taken = self.sound_bytes - self.window_start;
        if taken >= WINDOW_BYTES / 2 {
            self.window.drain(..taken);
            self.window_start = self.sound_bytes;
        }
    }

    /// The next frame. What is not found in a window may begin or end behind it.
    fn frame(&mut self) -> Result<Option<Frame>, Unread<Corrupt>> {
        loop {
            match frame::decode(self.window(), self.sound_bytes, self.seed) {
                Ok(Some(frame)) => return Ok(Some(frame)),
                Ok(None) | Err(_) if !self.is_all => self.read_more()?,
                Ok(None) => return Ok(None),
                Err(why) => return Err(self.corrupt(why)),
            }
        }
    }

    fn corrupt(&self, why: &'static str) -> Unread<Corrupt> {
        Corrupt { offset: self.sound_bytes, why }.into()
    }

    fn take_frame(&mut self, records: &mut Vec<Record>) -> Result<(), Unread<Corrupt>> {
        let Some(frame) = self.frame()? else {
            self.is_over = true;
            return Ok(());
        };
        match frame.kind {
            Kind::Metadata => return Err(self.corrupt("it says again whose the file is")),
            Kind::Records => {
                let decoded = decode_records(&frame.payload);
                records.extend(decoded.ok_or_else(|| self.corrupt("its payload is malformed"))?);
            }
            Kind::End => (self.is_ended, self.is_over) = (true, true),
        }
        self.sound_bytes = frame.end;
        if self.is_ended {
            return self.check_rest();
        }
        self.forget_taken();
        Ok(())
    }

    /// Nothing is written behind an end.
    fn check_rest(&mut self) -> Result<(), Unread<Corrupt>> {
        while !self.is_all {
            self.read_more()?;
        }
        match frame::is_zero(self.window().from(self.sound_bytes)) {
            true => Ok(()),
            false => Err(self.corrupt("the part has ended before it")),
        }
    }
}

impl<R: io::Read> Iterator for Runs<R> {
    type Item = Result<Vec<Record>, Unread<Corrupt>>;

    fn next(&mut self) -> Option<Self::Item> {
        let (start, mut records) = (self.sound_bytes, vec![]);
        while !self.is_over && self.sound_bytes < start + RUN_BYTES {
            if let Err(unread) = self.take_frame(&mut records) {
                self.is_over = true;
                return Some(Err(unread));
            }
        }
        (!records.is_empty()).then_some(Ok(records))
    }
}

fn numbers(Metadata { cluster, member, number }: Metadata) -> Vec<u8> {
    [cluster, member, number].map(u64::to_le_bytes).concat()
}

fn decode_metadata(payload: &[u8]) -> Option<Metadata> {
    let mut reader = Reader::new(payload);
    let [cluster, member, number] = [reader.u64()?, reader.u64()?, reader.u64()?];
    reader.is_empty().then_some(Metadata { cluster, member, number })
}

/// What the frames of a part are bound to, so that those of others are none here.
fn seed(metadata: Metadata) -> u32 {
    crc32fast::hash(&numbers(metadata))
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
