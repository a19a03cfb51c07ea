//! A packed search in a file, so that it goes on another day.
//!
//! The first line is the heading, as JSON. Numbers of eight bytes follow, the lowest byte first:
//! counters, discoveries, levels, trail, blocks of this level and of the next, fingerprints; each
//! section begins with how many it has, each list of bytes with its length. The last number is a
//! hash of all that is before it.

use super::breadth_first::{BreadthFirst, Discovery};
use super::claims::Discoveries;
use super::fingerprints::Fingerprints;
use super::frontier::Block;
use super::trail::{BlockTrail, Place, Trail};
use crate::pack::{Packed, Packer, fold};
use crate::slice::{Checked, Size, Slice};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// What a file is of. A search goes on only where all of it is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// The version of the format.
    pub version: u32,
    /// The scenario.
    pub scenario: String,
    /// Its size.
    pub size: String,
    /// The step that is replaced.
    pub mutation: Option<String>,
    /// Whether one state stands for all that are alike.
    pub symmetry: bool,
    /// The claims, in their order.
    pub claims: Vec<String>,
    /// A hash of the candidates and of the first steps: another model has another, unless it
    /// differs only far from the start, or only in what a claim says.
    pub model: String,
}

impl Heading {
    /// The version of the format that is written.
    pub const VERSION: u32 = 1;

    /// The heading of a search.
    pub fn of<S: Slice>(
        model: &Checked<S>,
        scenario: &str,
        size: &Size,
        mutation: Option<&str>,
        symmetry: bool,
    ) -> Self {
        Heading {
            version: Heading::VERSION,
            scenario: scenario.to_owned(),
            size: format!("{size:?}"),
            mutation: mutation.map(str::to_owned),
            symmetry,
            claims: model.claims.iter().map(|claim| claim.id.to_owned()).collect(),
            model: format!("{:016x}", fingerprint_of(model, symmetry)),
        }
    }

    /// What the heading of a file has that is not so here.
    fn difference(&self, file: &Heading) -> Option<String> {
        let fields = [
            ("format version", self.version.to_string(), file.version.to_string()),
            ("scenario", self.scenario.clone(), file.scenario.clone()),
            ("size", self.size.clone(), file.size.clone()),
            ("mutation", named(&self.mutation), named(&file.mutation)),
            ("symmetry", self.symmetry.to_string(), file.symmetry.to_string()),
            ("claims", self.claims.join(" "), file.claims.join(" ")),
            ("version of the model", self.model.clone(), file.model.clone()),
        ];
        let (what, ours, theirs) = fields.into_iter().find(|(_, ours, theirs)| ours != theirs)?;
        Some(format!("{what} {theirs}, not {ours}"))
    }
}

fn named(mutation: &Option<String>) -> String {
    mutation.clone().unwrap_or_else(|| "none".to_owned())
}

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

/// From how many states the steps are in the fingerprint of a model.
const STATES_OF_MODEL: usize = 2_000;

/// A hash of the candidates, and of the steps from the first states, nearest first.
fn fingerprint_of<S: Slice>(model: &Checked<S>, symmetry: bool) -> u64 {
    let representative = |state: S::State| match symmetry {
        true => model.slice.canonical(&state),
        false => state,
    };
    let candidates = format!("{:?}", model.candidates);
    let initial = representative(model.slice.initial());
    let seed = candidates.bytes().fold(fingerprint(&initial), |hash, byte| fold(hash, byte.into()));
    let mut known = BTreeSet::from([fingerprint(&initial)]);
    let mut states = vec![initial];
    let mut hash = seed;
    for place in 0..STATES_OF_MODEL {
        let Some(before) = states.get(place).copied() else {
            break;
        };
        for action in &model.candidates {
            let Some(after) = model.slice.step(&before, *action).map(representative) else {
                continue;
            };
            let fingerprint = fingerprint(&after);
            hash = fold(hash, fingerprint);
            if known.insert(fingerprint) {
                states.push(after);
            }
        }
    }
    hash
}

fn fingerprint(state: &impl Packed) -> u64 {
    let mut packer = Packer::default();
    state.pack(&mut packer);
    packer.fingerprint()
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

/// Writes, and hashes what it writes.
struct Writer {
    to: BufWriter<File>,
    hash: Hash,
}

impl Writer {
    fn search<S: Slice>(&mut self, search: &BreadthFirst<S>) -> io::Result<()> {
        let BreadthFirst { transitions, depth, bounded, bytes_most, .. } = search;
        let counters = [*transitions, u64::from(*depth), u64::from(*bounded), *bytes_most as u64];
        self.numbers(counters.into_iter())?;
        self.numbers(search.discoveries.all().iter().flat_map(|found| numbers_of(*found)))?;
        self.numbers(search.levels.iter().map(|states| *states as u64))?;
        self.number(search.trail.blocks.len() as u64)?;
        search.trail.blocks.iter().try_for_each(|block| self.trail(block))?;
        self.blocks(&search.pending)?;
        self.blocks(&search.next)?;
        self.fingerprints(&search.fingerprints)
    }

    fn trail(&mut self, block: &BlockTrail) -> io::Result<()> {
        self.number(u64::from(block.parents))?;
        self.number(u64::from(block.first_parent))?;
        self.bytes(&block.steps)
    }

    fn blocks(&mut self, blocks: &[(u32, Block)]) -> io::Result<()> {
        self.number(blocks.len() as u64)?;
        for (number, block) in blocks {
            self.number(u64::from(*number))?;
            self.number(block.states() as u64)?;
            self.bytes(&block.load()?)?;
        }
        Ok(())
    }

    fn fingerprints(&mut self, fingerprints: &Fingerprints) -> io::Result<()> {
        self.number(fingerprints.len() as u64)?;
        let mut written = Ok(());
        fingerprints.for_each(|fingerprint| {
            if written.is_ok() {
                written = self.number(fingerprint);
            }
        });
        written
    }

    fn numbers(&mut self, numbers: impl Iterator<Item = u64>) -> io::Result<()> {
        let numbers: Vec<_> = numbers.collect();
        self.number(numbers.len() as u64)?;
        numbers.into_iter().try_for_each(|number| self.number(number))
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.number(bytes.len() as u64)?;
        self.raw(bytes)
    }

    fn number(&mut self, number: u64) -> io::Result<()> {
        self.raw(&number.to_le_bytes())
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.add(bytes);
        self.to.write_all(bytes)
    }
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

/// Reads what [`Writer`] wrote after the heading.
struct Reader(BufReader<File>);

impl Reader {
    fn search<S: Slice>(
        mut self,
        model: Checked<S>,
        symmetry: bool,
    ) -> io::Result<BreadthFirst<S>> {
        let [transitions, depth, bounded, bytes_most] = self.array()?;
        let discoveries = self.discoveries()?;
        let levels = self.list(Reader::size)?;
        let trail = Trail { blocks: self.list(Reader::trail)? };
        let pending = self.list(Reader::block)?;
        let next = self.list(Reader::block)?;
        Ok(BreadthFirst {
            model,
            discoveries,
            transitions,
            depth: narrow(depth)?,
            symmetry,
            fingerprints: self.fingerprints()?,
            trail,
            pending,
            next,
            bounded: bounded != 0,
            bytes_most: narrow(bytes_most)?,
            levels,
        })
    }

    fn discoveries(&mut self) -> io::Result<Discoveries<Discovery>> {
        let numbers = self.list(Reader::number)?;
        let found = numbers.chunks(NUMBERS_PER_CLAIM).map(discovery_of);
        Ok(Discoveries::from_all(found.collect::<io::Result<_>>()?))
    }

    fn trail(&mut self) -> io::Result<BlockTrail> {
        Ok(BlockTrail {
            parents: narrow(self.number()?)?,
            first_parent: narrow(self.number()?)?,
            steps: self.bytes()?,
        })
    }

    fn block(&mut self) -> io::Result<(u32, Block)> {
        let number = narrow(self.number()?)?;
        let states = self.size()?;
        Ok((number, Block::of(states, self.bytes()?)))
    }

    fn fingerprints(&mut self) -> io::Result<Fingerprints> {
        let fingerprints = Fingerprints::default();
        for _ in 0..self.number()? {
            fingerprints.insert(self.number()?);
        }
        Ok(fingerprints)
    }

    fn array<const LENGTH: usize>(&mut self) -> io::Result<[u64; LENGTH]> {
        self.list(Reader::number)?.try_into().map_err(|_| not_as_written())
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> io::Result<T>) -> io::Result<Vec<T>> {
        (0..self.number()?).map(|_| item(self)).collect()
    }

    fn bytes(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.size()?];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn size(&mut self) -> io::Result<usize> {
        narrow(self.number()?)
    }

    fn number(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.0.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

fn narrow<T: TryFrom<u64>>(number: u64) -> io::Result<T> {
    T::try_from(number).map_err(|_| not_as_written())
}

fn not_as_written() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

const NUMBERS_PER_CLAIM: usize = 4;

fn numbers_of(found: Option<Discovery>) -> [u64; NUMBERS_PER_CLAIM] {
    match found {
        None => [0; NUMBERS_PER_CLAIM],
        Some(Discovery::Initial) => [1, 0, 0, 0],
        Some(Discovery::Step { from, action }) => {
            [2, u64::from(from.block), u64::from(from.position), action as u64]
        }
    }
}

fn discovery_of(numbers: &[u64]) -> io::Result<Option<Discovery>> {
    match *numbers {
        [0, 0, 0, 0] => Ok(None),
        [1, 0, 0, 0] => Ok(Some(Discovery::Initial)),
        [2, block, position, action] => {
            let from = Place { block: narrow(block)?, position: narrow(position)? };
            Ok(Some(Discovery::Step { from, action: narrow(action)? }))
        }
        _ => Err(not_as_written()),
    }
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
