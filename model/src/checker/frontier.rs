//! States that were met and not looked at yet, packed into blocks, in memory or in a file.

use crate::pack::{Packed, Unpacker};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many states make a block.
pub const STATES_PER_BLOCK: usize = 1024;

/// Some packed states, one after the other, each from the beginning of a byte.
#[derive(Clone, Debug)]
pub struct Block {
    states: usize,
    bytes: Bytes,
}

#[derive(Clone, Debug)]
enum Bytes {
    InMemory(Vec<u8>),
    OnDisk { file: Arc<File>, offset: u64, length: usize },
}

impl Block {
    /// A block of bytes that hold so many states.
    pub fn of(states: usize, bytes: Vec<u8>) -> Self {
        Block { states, bytes: Bytes::InMemory(bytes) }
    }

    /// How many states it holds.
    pub fn states(&self) -> usize {
        self.states
    }

    /// How many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        match &self.bytes {
            Bytes::InMemory(bytes) => bytes.capacity(),
            Bytes::OnDisk { .. } => 0,
        }
    }

    /// Its bytes, read back where they are in a file.
    pub fn load(&self) -> io::Result<Vec<u8>> {
        match &self.bytes {
            Bytes::InMemory(bytes) => Ok(bytes.clone()),
            Bytes::OnDisk { file, offset, length } => {
                let mut bytes = vec![0; *length];
                file.read_exact_at(&mut bytes, *offset)?;
                Ok(bytes)
            }
        }
    }

    /// Its states, given its bytes.
    pub fn unpack<T: Packed>(&self, bytes: &[u8]) -> impl Iterator<Item = T> {
        let mut rest = bytes;
        (0..self.states).map(move |_| {
            let mut unpacker = Unpacker::new(rest);
            let state = T::unpack(&mut unpacker);
            rest = &rest[unpacker.bytes_read()..];
            state
        })
    }
}

/// A block that is being filled.
#[derive(Debug, Default)]
pub struct Filling {
    states: usize,
    bytes: Vec<u8>,
}

impl Filling {
    /// Appends a packed state.
    pub fn push(&mut self, packed: &[u8]) {
        self.bytes.extend_from_slice(packed);
        self.states += 1;
    }

    /// How many states it holds so far.
    pub fn states(&self) -> usize {
        self.states
    }

    /// The block, as it is to be kept.
    pub fn finish(&mut self, spill: Option<&Spill>) -> io::Result<Block> {
        let Filling { states, mut bytes } = std::mem::take(self);
        let bytes = match spill {
            Some(spill) => spill.write(&bytes)?,
            None => {
                bytes.shrink_to_fit();
                Bytes::InMemory(bytes)
            }
        };
        Ok(Block { states, bytes })
    }
}

/// A file to which blocks are written. It has no name: it is gone when nobody reads it any more.
#[derive(Debug)]
pub struct Spill {
    file: Arc<File>,
    end: AtomicU64,
}

impl Spill {
    /// A file in this folder.
    pub fn create(folder: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("kanon-frontier-{}-{number}", std::process::id()));
        let mut options = File::options();
        let file = options.read(true).write(true).create_new(true).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(Spill { file: Arc::new(file), end: AtomicU64::new(0) })
    }

    fn write(&self, bytes: &[u8]) -> io::Result<Bytes> {
        let offset = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(bytes, offset)?;
        Ok(Bytes::OnDisk { file: Arc::clone(&self.file), offset, length: bytes.len() })
    }
}
