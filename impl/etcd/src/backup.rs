//! A store as a database of etcd's, and back: what `etcdctl snapshot save` gets, and what etcd starts with.
//!
//! As etcd has it, of each key there is its last value before the compacted revision, and all that happened
//! since; a SHA-256 stands behind the database. Members and the version of the cluster are left out:
//! whoever restores gives new ones. Users, roles and alarms are not read: there are none here.
//! Source: etcd v3.6, `server/storage/schema/bucket.go`, `server/storage/mvcc/revision.go`,
//! `etcdutl/snapshot/v3_snapshot.go`.

mod hash;
mod history;
mod rows;
mod schema;

use sha2::{Digest, Sha256};
use store::Store;

use crate::Identity;
use crate::bolt::{Corrupt, Database, Writer};

pub use hash::{hash, hash_kv};
pub use history::read;

const CHECKSUM_BYTES: usize = 32;

/// What the length of a database is a multiple of.
const SECTOR_BYTES: usize = 512;

/// How large the parts of a snapshot are. Source: etcd's `snapshotSendBufferSize`.
const BLOB_BYTES: usize = 32 * 1024;

/// Why a file is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// It is a copy of the file of an etcd perhaps; nobody knows whether it is whole.
    #[error("snapshot missing hash: it was not saved by etcdctl, or is cut short")]
    NoHash,
    /// It is damaged.
    #[error("expected sha256 {}, got {}", listed(.expected), listed(.got))]
    WrongHash {
        /// What stands in the file.
        expected: Vec<u8>,
        /// What is right for what the file holds.
        got: Vec<u8>,
    },
    /// It is not what etcd writes.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

/// As etcd prints bytes.
fn listed(bytes: &[u8]) -> String {
    let numbers: Vec<_> = bytes.iter().map(u8::to_string).collect();
    format!("[{}]", numbers.join(" "))
}

/// A snapshot that is to be written.
#[derive(Debug)]
pub struct Backup {
    database: Writer,
}

impl Backup {
    /// Of all that a store holds and remembers.
    pub fn of(store: &Store, identity: Identity) -> Self {
        Self { database: Writer::new(schema::buckets(store, identity)) }
    }

    /// How long it is, without the hash behind.
    pub fn bytes(&self) -> u64 {
        self.database.bytes()
    }

    /// Its parts, which are made when they are asked for. The last is the hash.
    pub fn blobs(self) -> impl Iterator<Item = Vec<u8>> + Send {
        Blobs { pages: Box::new(self.database.pages()), hash: Some(Sha256::new()), made: vec![] }
    }
}

struct Blobs {
    pages: Box<dyn Iterator<Item = Vec<u8>> + Send>,
    /// Of what was handed out; nothing when it was, too.
    hash: Option<Sha256>,
    /// What was not handed out yet.
    made: Vec<u8>,
}

impl Iterator for Blobs {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        while self.made.len() < BLOB_BYTES
            && let Some(pages) = self.pages.next()
        {
            self.made.extend(pages);
        }
        if self.made.is_empty() {
            return self.hash.take().map(|hash| hash.finalize().to_vec());
        }
        let rest = self.made.split_off(BLOB_BYTES.min(self.made.len()));
        let blob = std::mem::replace(&mut self.made, rest);
        self.hash.as_mut()?.update(&blob);
        Some(blob)
    }
}

/// The database in a file, without the hash behind it.
pub fn unseal(file: &[u8]) -> Result<&[u8], BackupError> {
    if file.len() % SECTOR_BYTES != CHECKSUM_BYTES {
        return Err(Database::open(file).map_or_else(BackupError::from, |_| BackupError::NoHash));
    }
    let (database, expected) = file.split_at(file.len() - CHECKSUM_BYTES);
    let got = Sha256::digest(database).to_vec();
    match got == expected {
        true => Ok(database),
        false => Err(BackupError::WrongHash { expected: expected.to_vec(), got }),
    }
}

#[cfg(test)]
mod tests;
