//! What can be done to a store that no process has open.

use std::path::Path;

use store::Store;

use crate::backup::{self, BackupError};
use crate::disk::{OpenError, read, write_new};
use crate::identity::Identity;

/// What the files of a store hold.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// Who the store is.
    pub identity: Identity,
    /// What it holds.
    pub store: Store,
    /// How many bytes at the end of the log were torn off a write. Nothing that was acknowledged is in
    /// them; they are cut when the store is opened.
    pub torn_bytes: u64,
    /// How many bytes the files have.
    pub bytes: u64,
}

/// Reads all files of a store and changes none. The first damage is the error.
pub fn inspect(folder: &Path) -> Result<Inspected, OpenError> {
    read(folder)
}

/// Why a store cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file is no snapshot, or a damaged one.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The folder of the store cannot be written.
    #[error(transparent)]
    Folder(#[from] OpenError),
}

/// Makes a new store of a snapshot of ours or of etcd's. The folder must be empty or not exist. The new store has an
/// identity of its own.
pub fn restore(folder: &Path, file: &[u8]) -> Result<Store, RestoreError> {
    let store = backup::read(backup::unseal(file)?).map_err(BackupError::from)?;
    write_new(folder, &store)?;
    Ok(store)
}

/// A hash of all writes that are remembered. Two stores that hold the same have the same.
pub fn hash_of_keys(store: &Store) -> u32 {
    backup::hash_kv(store, store.revision()).expect("it is not compacted")
}
