//! Frames: what one fsync makes durable, with checksums that tell a torn write from damage.
//!
//! A frame is a header and the payload in pieces, one for each sector of the file. The header: magic
//! `KWL3`, kind (u32), length of the payload (u32), CRC-32 of those twelve bytes and of where the frame
//! is. A piece: its part of the payload, zeros up to a multiple of 16 bytes, CRC-32 of both. So headers
//! lie within a sector, and pieces too. All numbers are little-endian.
//!
//! A write that is torn off is missing from some byte on (the process was killed, or the file is cut), or
//! a sector at a time (the disk lost power); what is missing are zeros or the end of the file. Anything
//! else is damage.
//! Source of sectors and alignment: etcd's `server/storage/wal/encoder.go` and `decoder.go`, 3.8.

use std::ops::Range;

use crc32fast::Hasher;

use crate::codec::{Reader, length};

const MAGIC: &[u8; 4] = b"KWL3";
/// Frames and pieces begin at multiples of it.
const HEADER_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 4;
/// Disks write sectors whole or not at all.
const SECTOR_BYTES: usize = 512;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Metadata,
    Records,
    End,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Metadata, Self::Records, Self::End];
}

/// A frame that was read.
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) payload: Vec<u8>,
    /// Where the next one begins.
    pub(crate) end: usize,
}

/// The bytes of a frame. With another seed, or at another offset, they are none.
pub(crate) fn encode(kind: Kind, payload: &[u8], offset: usize, seed: u32) -> Vec<u8> {
    let mut frame = vec![];
    encode_over(&mut frame, kind, payload, offset, seed);
    frame
}

/// The same, in the place of what `frame` held.
pub(crate) fn encode_over(
    frame: &mut Vec<u8>,
    kind: Kind,
    payload: &[u8],
    offset: usize,
    seed: u32,
) {
    let header = Header::new(kind, payload.len(), offset, seed);
    frame.clear();
    frame.reserve(header.end(offset) - offset);
    header.encode(frame);
    let mut rest = payload;
    for piece in header.pieces(offset) {
        let (data, after) = rest.split_at(piece.payload_bytes);
        let start = frame.len();
        frame.extend_from_slice(data);
        frame.resize(piece.range.end - CHECKSUM_BYTES - offset, 0);
        let checksum = header.checksum_of(&frame[start..], &piece);
        frame.extend_from_slice(&checksum.to_le_bytes());
        rest = after;
    }
}

/// Some of the bytes of a file, from an offset on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) start: usize,
}

impl<'a> Window<'a> {
    fn get(self, range: &Range<usize>) -> Option<&'a [u8]> {
        self.bytes.get(range.start - self.start..range.end - self.start)
    }

    /// All that it has from this offset on.
    pub(crate) fn from(self, offset: usize) -> &'a [u8] {
        &self.bytes[offset - self.start..]
    }
}

/// Reads the frame at an offset. There is none where the file ends, or where a write was torn off. A window that does not
/// reach to the end of the file has the frame if it finds one; of what it does not find nothing is known.
pub(crate) fn decode(
    file: Window<'_>,
    offset: usize,
    seed: u32,
) -> Result<Option<Frame>, &'static str> {
    let Some(header) = Header::decode(file.from(offset), offset, seed) else {
        return without_header(file, offset, seed).map(|()| None);
    };
    let end = header.end(offset);
    let mut payload = Vec::with_capacity(header.payload_bytes.min(file.bytes.len()));
    let mut is_torn = false;
    for piece in header.pieces(offset) {
        let Some(bytes) = file.get(&piece.range) else { return Ok(None) };
        let (data, checksum) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
        if header.checksum_of(data, &piece).to_le_bytes() == *checksum {
            payload.extend_from_slice(&data[..piece.payload_bytes]);
        } else if is_torn_piece(file, &piece.range) {
            is_torn = true;
        } else {
            return Err("a checksum does not match");
        }
    }
    match is_torn {
        false => Ok(Some(Frame { kind: header.kind, payload, end })),
        true if is_zero(file.from(end)) => Ok(None),
        true => Err("a part of it is missing, and it is not the last"),
    }
}

/// A piece of which the file has all bytes, and not the right ones.
fn is_torn_piece(file: Window<'_>, piece: &Range<usize>) -> bool {
    let is_sector_missing =
        piece.start.is_multiple_of(SECTOR_BYTES) && file.get(piece).is_some_and(is_zero);
    is_sector_missing || is_zero(file.from(piece.end - CHECKSUM_BYTES))
}

/// Whether no frame begins here, or none that was written whole.
fn without_header(file: Window<'_>, offset: usize, seed: u32) -> Result<(), &'static str> {
    let rest = file.from(offset);
    let in_sector = rest.len().min(SECTOR_BYTES - offset % SECTOR_BYTES);
    let is_cut = rest.len() < HEADER_BYTES || is_zero(&rest[HEADER_BYTES - CHECKSUM_BYTES..]);
    if !is_cut && !is_zero(&rest[..in_sector]) {
        return Err("the checksum of its header does not match");
    }
    let mut later = (0..rest.len()).step_by(HEADER_BYTES);
    match later.any(|at| Header::decode(&rest[at..], offset + at, seed).is_some()) {
        true => Err("its header is missing, and it is not the last"),
        false => Ok(()),
    }
}

pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

struct Header {
    kind: Kind,
    payload_bytes: usize,
    checksum: u32,
}

impl Header {
    fn new(kind: Kind, payload_bytes: usize, offset: usize, seed: u32) -> Self {
        let fields = fields(kind, payload_bytes);
        let mut hasher = Hasher::new_with_initial(seed);
        hasher.update(&fields);
        hasher.update(&(offset as u64).to_le_bytes());
        Self { kind, payload_bytes, checksum: hasher.finalize() }
    }

    fn encode(&self, frame: &mut Vec<u8>) {
        frame.extend_from_slice(&fields(self.kind, self.payload_bytes));
        frame.extend_from_slice(&self.checksum.to_le_bytes());
    }

    /// Reads the header with which these bytes begin, which lie at an offset of a file.
    fn decode(bytes: &[u8], offset: usize, seed: u32) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.take(MAGIC.len())? != MAGIC {
            return None;
        }
        let (kind, payload_bytes, checksum) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let kind = Kind::ALL.into_iter().find(|known| *known as u32 == kind)?;
        let header = Self::new(kind, payload_bytes as usize, offset, seed);
        (header.checksum == checksum).then_some(header)
    }

    fn pieces(&self, offset: usize) -> Pieces {
        Pieces { start: offset + HEADER_BYTES, payload_bytes: self.payload_bytes }
    }

    /// Where a frame ends that begins at this offset.
    fn end(&self, offset: usize) -> usize {
        self.pieces(offset).last().map_or(offset + HEADER_BYTES, |piece| piece.range.end)
    }

    /// The checksum of a piece, in this frame and this sector.
    fn checksum_of(&self, data: &[u8], piece: &Piece) -> u32 {
        let sector = (piece.range.start / SECTOR_BYTES) as u32;
        let mut hasher = Hasher::new_with_initial(self.checksum ^ sector);
        hasher.update(data);
        hasher.finalize()
    }
}

fn fields(kind: Kind, payload_bytes: usize) -> [u8; HEADER_BYTES - CHECKSUM_BYTES] {
    let mut fields = [0; HEADER_BYTES - CHECKSUM_BYTES];
    fields[..4].copy_from_slice(MAGIC);
    fields[4..8].copy_from_slice(&(kind as u32).to_le_bytes());
    fields[8..].copy_from_slice(&length(payload_bytes).to_le_bytes());
    fields
}

/// A piece of a payload, with its checksum.
struct Piece {
    /// Where it is in the file.
    range: Range<usize>,
    payload_bytes: usize,
}

/// The pieces of a payload that begins somewhere.
struct Pieces {
    start: usize,
    payload_bytes: usize,
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.payload_bytes == 0 {
            return None;
        }
        let room = SECTOR_BYTES - self.start % SECTOR_BYTES - CHECKSUM_BYTES;
        let payload_bytes = self.payload_bytes.min(room);
        let bytes = (payload_bytes + CHECKSUM_BYTES).next_multiple_of(HEADER_BYTES);
        let piece = Piece { range: self.start..self.start + bytes, payload_bytes };
        self.start += bytes;
        self.payload_bytes -= payload_bytes;
        Some(piece)
    }
}
