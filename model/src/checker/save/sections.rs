//! The sections of a saved search, as they are written and as they are read back.

use super::Hash;
use crate::checker::breadth_first::{BreadthFirst, Discovery};
use crate::checker::claims::Discoveries;
use crate::checker::fingerprints::Fingerprints;
use crate::checker::frontier::Block;
use crate::checker::trail::{BlockTrail, Place, Trail};
use crate::slice::{Checked, Slice};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};

/// Writes, and hashes what it writes.
pub(super) struct Writer {
    pub(super) to: BufWriter<File>,
    pub(super) hash: Hash,
}

impl Writer {
    pub(super) fn search<S: Slice>(&mut self, search: &BreadthFirst<S>) -> io::Result<()> {
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

    pub(super) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.add(bytes);
        self.to.write_all(bytes)
    }
}

/// Reads what [`Writer`] wrote after the heading.
pub(super) struct Reader(pub(super) BufReader<File>);

impl Reader {
    pub(super) fn search<S: Slice>(
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
