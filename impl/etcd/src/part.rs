//! The part of the log that is being written.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Write};

use crate::files;

/// A file that grows. Tests have others, which fail.
pub(crate) trait Part: Debug + Send {
    /// Appends bytes. After an error some of them may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes durable what was appended. After an error nobody knows what is.
    fn sync(&mut self) -> io::Result<()>;
    /// Shortens the file to its first bytes, behind which the next are appended.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Part for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        files::cut(self, length)
    }
}
