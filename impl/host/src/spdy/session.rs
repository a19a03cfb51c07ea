//! What a connection is about: which streams there are, and what is to be sent. It waits for nobody.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::Headers;
use super::frame::{self, Decoder, Frame, SpdyError};
use super::headers::{Deflater, Inflater};

/// How many streams may be open at once.
const STREAMS_MAX: usize = 1000;

/// Why a stream is broken off.
const PROTOCOL_ERROR: u32 = 1;
const REFUSED_STREAM: u32 = 3;
const CANCEL: u32 = 5;

/// What a client has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It has opened a stream, which is to be taken or broken off.
    Opened {
        /// The stream.
        stream: u32,
        /// What it says of it.
        headers: Headers,
    },
    /// It has sent something.
    Data {
        /// The stream.
        stream: u32,
        /// What it has sent, or a part of it.
        bytes: Bytes,
    },
    /// It sends no more.
    Finished {
        /// The stream.
        stream: u32,
    },
    /// It has broken a stream off.
    Reset {
        /// The stream.
        stream: u32,
    },
    /// It goes.
    GoAway,
}

/// Which sides of a stream have not finished.
#[derive(Clone, Copy, Debug)]
struct Open {
    theirs: bool,
    ours: bool,
}

/// The state of a connection.
#[derive(Debug, Default)]
pub struct Session {
    decoder: Decoder,
    inflater: Inflater,
    deflater: Deflater,
    streams: BTreeMap<u32, Open>,
    last_stream: u32,
    output: BytesMut,
}

impl Session {
    /// Takes what was received.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Event>, SpdyError> {
        self.decoder.push(bytes);
        let mut events = vec![];
        while let Some(frame) = self.decoder.next()? {
            self.frame(frame, &mut events)?;
        }
        Ok(events)
    }

    fn frame(&mut self, frame: Frame, events: &mut Vec<Event>) -> Result<(), SpdyError> {
        match frame {
            Frame::SynStream { stream, block, is_last } => {
                let headers = self.inflater.read(&block)?;
                if self.opened(stream, is_last) {
                    events.push(Event::Opened { stream, headers });
                    events.extend(is_last.then_some(Event::Finished { stream }));
                }
            }
            Frame::Headers { stream, block, is_last } => {
                self.inflater.read(&block)?;
                events.extend(self.finished(stream, is_last));
            }
            Frame::Reset { stream } => {
                let known = self.streams.remove(&stream);
                events.extend(known.map(|_| Event::Reset { stream }));
            }
            // Those of a client have odd numbers; others are echoes.
            Frame::Ping { id } if id % 2 == 1 => frame::put_ping(&mut self.output, id),
            Frame::Ping { .. } => {}
            Frame::GoAway => events.push(Event::GoAway),
            Frame::Data { stream, bytes, is_last } => {
                let is_open = self.streams.get(&stream).is_some_and(|open| open.theirs);
                if is_open && !bytes.is_empty() {
                    events.push(Event::Data { stream, bytes });
                }
                events.extend(self.finished(stream, is_last));
            }
        }
        Ok(())
    }

    /// Whether a stream may be opened. The streams of a client have odd numbers, which grow.
    fn opened(&mut self, stream: u32, is_last: bool) -> bool {
        if stream.is_multiple_of(2) || stream <= self.last_stream {
            frame::put_reset(&mut self.output, stream, PROTOCOL_ERROR);
            return false;
        }
        self.last_stream = stream;
        if self.streams.len() >= STREAMS_MAX {
            frame::put_reset(&mut self.output, stream, REFUSED_STREAM);
            return false;
        }
        self.streams.insert(stream, Open { theirs: !is_last, ours: true });
        true
    }

    fn finished(&mut self, stream: u32, is_last: bool) -> Option<Event> {
        let open = self.streams.get_mut(&stream).filter(|open| open.theirs && is_last)?;
        open.theirs = false;
        if !open.ours {
            self.streams.remove(&stream);
        }
        Some(Event::Finished { stream })
    }

    /// Takes a stream.
    pub fn reply(&mut self, stream: u32) -> Result<(), SpdyError> {
        if self.streams.contains_key(&stream) {
            let block = self.deflater.write(&[])?;
            frame::put_reply(&mut self.output, stream, &block);
        }
        Ok(())
    }

    /// Sends something over a stream that is open.
    pub fn data(&mut self, stream: u32, bytes: &[u8], is_last: bool) {
        let Some(open) = self.streams.get_mut(&stream).filter(|open| open.ours) else { return };
        frame::put_data(&mut self.output, stream, bytes, is_last);
        open.ours = !is_last;
        if is_last && !open.theirs {
            self.streams.remove(&stream);
        }
    }

    /// Breaks a stream off.
    pub fn reset(&mut self, stream: u32) {
        if self.streams.remove(&stream).is_some() {
            frame::put_reset(&mut self.output, stream, CANCEL);
        }
    }

    /// Says that no more streams are taken.
    pub fn go_away(&mut self) {
        frame::put_go_away(&mut self.output, self.last_stream);
    }

    /// How much is to be sent.
    pub fn output_bytes(&self) -> usize {
        self.output.len()
    }

    /// What is to be sent.
    pub fn take_output(&mut self) -> Bytes {
        self.output.split().freeze()
    }
}
