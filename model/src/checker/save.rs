//! A packed search in a file, so that it goes on another day.
//!
//! The first line is the heading, as JSON. Numbers of eight bytes follow, the lowest byte first:
//! counters, discoveries, levels, trail, blocks of this level and of the next, fingerprints; each
//! section begins with how many it has, each list of bytes with its length. The last number is a
//! hash of all that is before it.

mod heading;
mod sections;

pub use heading::Heading;

use super::breadth_first::BreadthFirst;
use crate::pack::fold;
use crate::slice::{Checked, Slice};
use sections::{Reader, Writer};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Why a search cannot go on from a file.
#[derive(Debug)]
pub enum ResumeError {
    /// It is some other file.
    NotAResumeFile,
    /// It is of another search.
    OtherModel {
        /// What is different: `scenario node, not scheduling`.
        what: String,
    },
    /// It is cut short, or not as it was written.
    Damaged,
    /// It could not be read.
    File(io::Error),
}

impl fmt::Display for ResumeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResumeError::NotAResumeFile => formatter.write_str("the file is no saved search"),
            ResumeError::OtherModel { what } => write!(formatter, "the saved search has {what}"),
            ResumeError::Damaged => formatter.write_str("the saved search is damaged or cut short"),
            ResumeError::File(error) => write!(formatter, "cannot read the saved search: {error}"),
        }
    }
}

impl std::error::Error for ResumeError {}

impl From<io::Error> for ResumeError {
    fn from(error: io::Error) -> Self {
        let damages = [io::ErrorKind::UnexpectedEof, io::ErrorKind::InvalidData];
        match damages.contains(&error.kind()) {
            true => ResumeError::Damaged,
            false => ResumeError::File(error),
        }
    }
}

/// Writes a search to a file. A file of this name stays as it is until all is written.
pub fn save<S: Slice>(search: &BreadthFirst<S>, heading: &Heading, file: &Path) -> io::Result<()> {
    let part = part_of(file);
    let saved = write(search, heading, &part).and_then(|()| std::fs::rename(&part, file));
    if saved.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&part);
    }
    saved
}

/// The search that was written to a file.
pub fn resume<S: Slice>(
    model: Checked<S>,
    heading: &Heading,
    file: &Path,
) -> Result<BreadthFirst<S>, ResumeError> {
    let of_file = heading_of(file)?;
    verify(file)?;
    if let Some(what) = heading.difference(&of_file) {
        return Err(ResumeError::OtherModel { what });
    }
    let mut reader = BufReader::new(File::open(file).map_err(ResumeError::File)?);
    reader.skip_until(b'\n')?;
    Ok(Reader(reader).search(model, heading.symmetry)?)
}

fn part_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    PathBuf::from(name)
}

fn write<S: Slice>(search: &BreadthFirst<S>, heading: &Heading, file: &Path) -> io::Result<()> {
    let mut writer = Writer { to: BufWriter::new(File::create(file)?), hash: Hash::default() };
    let mut line = serde_json::to_vec(heading)?;
    line.push(b'\n');
    writer.raw(&line)?;
    writer.search(search)?;
    let Writer { mut to, hash } = writer;
    to.write_all(&hash.value().to_le_bytes())?;
    to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// No first line is longer.
const HEADING_BYTES_MAX: u64 = 1 << 16;

fn heading_of(file: &Path) -> Result<Heading, ResumeError> {
    let file = File::open(file).map_err(ResumeError::File)?;
    let mut line = Vec::new();
    BufReader::new(file.take(HEADING_BYTES_MAX))
        .read_until(b'\n', &mut line)
        .map_err(ResumeError::File)?;
    serde_json::from_slice(&line).map_err(|_| ResumeError::NotAResumeFile)
}

/// Checks the hash, so that nothing is read that was not written.
fn verify(file: &Path) -> Result<(), ResumeError> {
    let mut file = File::open(file).map_err(ResumeError::File)?;
    let length = file.metadata().map_err(ResumeError::File)?.len();
    let mut left = length.checked_sub(8).ok_or(ResumeError::Damaged)?;
    let (mut hash, mut buffer) = (Hash::default(), vec![0; 1 << 16]);
    while left > 0 {
        let some = left.min(buffer.len() as u64);
        file.read_exact(&mut buffer[..some as usize])?;
        hash.add(&buffer[..some as usize]);
        left -= some;
    }
    let mut last = [0; 8];
    file.read_exact(&mut last)?;
    if u64::from_le_bytes(last) == hash.value() { Ok(()) } else { Err(ResumeError::Damaged) }
}

/// A hash of bytes, eight at a time, however they are cut into pieces.
#[derive(Default)]
struct Hash {
    folded: u64,
    /// The bytes that do not make eight yet, the last one lowest.
    rest: u64,
    length: u64,
}

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.rest = self.rest << 8 | u64::from(*byte);
            self.length += 1;
            if self.length.is_multiple_of(8) {
                self.folded = fold(self.folded, self.rest);
                self.rest = 0;
            }
        }
    }

    fn value(&self) -> u64 {
        fold(fold(self.folded, self.rest), self.length)
    }
}
