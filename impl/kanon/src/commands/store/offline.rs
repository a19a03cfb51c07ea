//! `kanon store check|compact|snapshot|restore|hash`: what can be done to a store that is not open.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use etcd::backup::Backup;
use etcd::tools::{self, Inspected, RestoreError};
use etcd::{Etcd, OpenError};
use serde::Serialize;
use store::{Revision, Store};

use crate::cli::StoreFolder;
use crate::failure::{Failure, While};
use crate::output::print;

/// What a store holds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    revision: u64,
    compacted_revision: u64,
    keys: usize,
    leases: usize,
    bytes: u64,
    torn_bytes: u64,
    hash: String,
}

impl Report {
    fn of(inspected: &Inspected) -> Self {
        let Inspected { store, bytes, torn_bytes, .. } = inspected;
        Self {
            revision: store.revision().0,
            compacted_revision: store.compacted().0,
            keys: store.len(),
            leases: store.leases().count(),
            bytes: *bytes,
            torn_bytes: *torn_bytes,
            hash: hash_of(store),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { revision, compacted_revision, keys, leases, bytes, torn_bytes, hash } = self;
        write!(
            formatter,
            "sound: revision {revision}, compacted {compacted_revision}, {keys} keys, {leases} leases, \
             {bytes} bytes, hash {hash}"
        )?;
        match torn_bytes {
            0 => Ok(()),
            torn => write!(formatter, "\nthe last {torn} bytes are a write that was torn off"),
        }
    }
}

fn hash_of(store: &Store) -> String {
    format!("{:08x}", tools::hash_of_keys(store))
}

pub(super) fn check(folder: &StoreFolder) -> Result<ExitCode, Failure> {
    match tools::inspect(&folder.data_dir) {
        Ok(inspected) => {
            print(&Report::of(&inspected), folder.output);
            Ok(ExitCode::SUCCESS)
        }
        Err(error @ (OpenError::InUse(_) | OpenError::Io { .. })) => Err(Failure::cannot(error)),
        Err(damage) => Err(Failure::violation(damage)),
    }
}

pub(super) fn compact(folder: &StoreFolder, revision: Option<u64>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.while_doing("starting threads")?.block_on(async {
        inspect(&folder.data_dir)?;
        let etcd = Etcd::open(&folder.data_dir).map_err(Failure::cannot)?;
        let revision = revision.map_or(etcd.snapshot().revision(), Revision);
        let compacted = match etcd.compact(revision).await {
            Ok(_) => etcd.defragment().await,
            Err(error) => Err(error),
        };
        let mut published = etcd.subscribe();
        drop(etcd);
        while published.changed().await.is_ok() {}
        compacted.map_err(Failure::cannot)
    })?;
    print(&Report::of(&inspect(&folder.data_dir)?), folder.output);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn snapshot(folder: &StoreFolder, file: &Path) -> Result<ExitCode, Failure> {
    let inspected = inspect(&folder.data_dir)?;
    let backup = Backup::of(&inspected.store, inspected.identity);
    write(file, backup).while_doing(format!("writing {}", file.display()))?;
    print(&Report::of(&inspected), folder.output);
    Ok(ExitCode::SUCCESS)
}

fn write(file: &Path, backup: Backup) -> std::io::Result<()> {
    let mut file = std::fs::File::create(file)?;
    backup.blobs().try_for_each(|blob| file.write_all(&blob))
}

pub(super) fn restore(folder: &StoreFolder, file: &Path) -> Result<ExitCode, Failure> {
    let bytes = std::fs::read(file).while_doing(format!("reading {}", file.display()))?;
    match tools::restore(&folder.data_dir, &bytes) {
        Ok(_) => {}
        Err(error @ RestoreError::Folder(_)) => return Err(Failure::cannot(error)),
        Err(error @ RestoreError::Backup(_)) => {
            return Err(Failure::cannot(format!("{}: {error}", file.display())));
        }
    }
    print(&Report::of(&inspect(&folder.data_dir)?), folder.output);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn hash(folder: &StoreFolder) -> Result<ExitCode, Failure> {
    let store = inspect(&folder.data_dir)?.store;
    let hash = Hash { hash: hash_of(&store), revision: store.revision().0 };
    print(&hash, folder.output);
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Hash {
    hash: String,
    revision: u64,
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at revision {}", self.hash, self.revision)
    }
}

fn inspect(folder: &Path) -> Result<Inspected, Failure> {
    tools::inspect(folder).map_err(Failure::cannot)
}
