//! Frames as they lie on the wire.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Control frames are small, but for headers; data is passed on as it comes.
const CONTROL_BYTES_MAX: usize = 64 * 1024;

const HEADER_BYTES: usize = 8;
const CONTROL: u16 = 0x8000;
const VERSION: u16 = 3;
const FIN: u8 = 1;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GOAWAY: u16 = 7;
const HEADERS: u16 = 8;

/// Why a connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpdyError {
    /// Another version of the protocol, or none.
    #[error("a frame is of version {0}, not 3")]
    Version(u16),
    /// More than anybody has to say about a connection.
    #[error("a control frame has {0} bytes")]
    TooLarge(usize),
    /// A frame ends before what it must hold.
    #[error("a control frame is too short")]
    Truncated,
    /// Headers cannot be read, or are too many.
    #[error("a block of headers cannot be read")]
    Headers,
}

/// A frame that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The client opens a stream; the headers are compressed.
    SynStream { stream: u32, block: Bytes, is_last: bool },
    /// More headers, or those of an answer. They are of no use but change what later ones refer to.
    Headers { stream: u32, block: Bytes, is_last: bool },
    /// A stream is broken off.
    Reset { stream: u32 },
    /// Wants an echo.
    Ping { id: u32 },
    /// The client opens no more streams.
    GoAway,
    /// What a stream carries, or a part of it.
    Data { stream: u32, bytes: Bytes, is_last: bool },
}

/// Finds frames in bytes.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    buffer: BytesMut,
    /// The data frame that is not complete: its stream, how much is left of it, whether it is the last.
    data: Option<(u32, usize, bool)>,
}

impl Decoder {
    /// Takes what was received.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, if enough of it is there. Frames of no interest are passed over.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, SpdyError> {
        loop {
            if let Some((stream, left, is_last)) = self.data {
                return Ok(self.part(stream, left, is_last));
            }
            let Some(mut header) = self.buffer.get(..HEADER_BYTES) else { return Ok(None) };
            let (first, second) = (header.get_u32(), header.get_u32());
            let (flags, length) = ((second >> 24) as u8, (second & 0x00ff_ffff) as usize);
            let kind = (first >> 16) as u16;
            if kind & CONTROL == 0 {
                self.buffer.advance(HEADER_BYTES);
                self.data = Some((first, length, flags & FIN != 0));
                continue;
            }
            if kind & !CONTROL != VERSION {
                return Err(SpdyError::Version(kind & !CONTROL));
            }
            if length > CONTROL_BYTES_MAX {
                return Err(SpdyError::TooLarge(length));
            }
            if self.buffer.len() < HEADER_BYTES + length {
                return Ok(None);
            }
            self.buffer.advance(HEADER_BYTES);
            let payload = self.buffer.split_to(length).freeze();
            if let Some(frame) = control(first as u16, flags & FIN != 0, payload)? {
                return Ok(Some(frame));
            }
        }
    }

    /// As much of a data frame as is there; an empty one is worth telling only when it is the last.
    fn part(&mut self, stream: u32, left: usize, is_last: bool) -> Option<Frame> {
        if self.buffer.is_empty() && left > 0 {
            return None;
        }
        let bytes = self.buffer.split_to(left.min(self.buffer.len())).freeze();
        let left = left - bytes.len();
        self.data = (left > 0).then_some((stream, left, is_last));
        Some(Frame::Data { stream, bytes, is_last: is_last && left == 0 })
    }
}

fn control(kind: u16, is_last: bool, mut payload: Bytes) -> Result<Option<Frame>, SpdyError> {
    let mut number = || payload.try_get_u32().map_err(|_| SpdyError::Truncated);
    Ok(match kind {
        SYN_STREAM => {
            let stream = number()?;
            let _associated = number()?;
            let _priority = payload.try_get_u16().map_err(|_| SpdyError::Truncated)?;
            Some(Frame::SynStream { stream, block: payload, is_last })
        }
        SYN_REPLY | HEADERS => Some(Frame::Headers { stream: number()?, block: payload, is_last }),
        RST_STREAM => Some(Frame::Reset { stream: number()? }),
        PING => Some(Frame::Ping { id: number()? }),
        GOAWAY => Some(Frame::GoAway),
        _ => None,
    })
}

fn put_control(to: &mut BytesMut, kind: u16, payload: &[u8]) {
    to.put_u16(CONTROL | VERSION);
    to.put_u16(kind);
    to.put_u32(payload.len() as u32);
    to.put_slice(payload);
}

/// Writes that a stream is taken, with headers that are compressed already.
pub(super) fn put_reply(to: &mut BytesMut, stream: u32, block: &[u8]) {
    put_control(to, SYN_REPLY, &[&stream.to_be_bytes(), block].concat());
}

/// Writes that a stream is broken off.
pub(super) fn put_reset(to: &mut BytesMut, stream: u32, status: u32) {
    put_control(to, RST_STREAM, &[stream.to_be_bytes(), status.to_be_bytes()].concat());
}

/// Writes the echo of a ping.
pub(super) fn put_ping(to: &mut BytesMut, id: u32) {
    put_control(to, PING, &id.to_be_bytes());
}

/// Writes that no more streams are taken; all is well.
pub(super) fn put_go_away(to: &mut BytesMut, last_stream: u32) {
    put_control(to, GOAWAY, &[last_stream.to_be_bytes(), [0; 4]].concat());
}

/// Writes what a stream carries. At most 16 MiB go into one frame.
pub(super) fn put_data(to: &mut BytesMut, stream: u32, bytes: &[u8], is_last: bool) {
    to.put_u32(stream);
    to.put_u32(u32::from(is_last) << 24 | bytes.len() as u32);
    to.put_slice(bytes);
}
