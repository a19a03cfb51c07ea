//! The part of the log that is being written.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::path::Path;

use crate::{calls, files};

/// How much room is made at a time, if a part gets that long. A write into room that is there changes only the file's
/// content, which a disk makes durable sooner than a change of its length too.
const ROOM_BYTES: u64 = 4 * 1024 * 1024;

/// A file that grows. Tests have others, which fail.
pub(crate) trait Part: Debug + Send {
    /// Appends bytes. After an error some of them may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes durable what was appended. After an error nobody knows what is.
    fn sync(&mut self) -> io::Result<()>;
    /// Shortens the file to its first bytes, behind which the next are appended.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// A file with room behind what is written, which reads as zeros.
#[derive(Debug)]
pub(crate) struct Roomy {
    file: File,
    written: u64,
    /// How long the file is. Not less than what is written.
    length: u64,
    /// How much room is made at a time.
    room: u64,
}

impl Roomy {
    /// Opens a file, or creates it, and cuts off what lies behind its first bytes. It is expected to get so long.
    pub(crate) fn open(path: &Path, sound: u64, expected: u64) -> io::Result<Self> {
        let (file, room) = (files::open(path)?, ROOM_BYTES.min(expected));
        let mut part = Self { file, written: sound, length: sound, room };
        part.cut(sound)?;
        Ok(part)
    }

    /// Makes room. Where that cannot be done, the file grows with each write.
    fn make_room(&mut self, end: u64) {
        let more = self.room.max(end - self.length);
        let made = calls::allocate(&self.file, self.length, more);
        self.length = if made.is_ok() { self.length + more } else { end };
    }
}

impl Part for Roomy {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let end = self.written + bytes.len() as u64;
        if end > self.length {
            self.make_room(end);
        }
        calls::write(&mut self.file, bytes)?;
        self.written = end;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        calls::sync_data(&self.file)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        files::cut(&mut self.file, length)?;
        (self.written, self.length) = (length, length);
        Ok(())
    }
}
