//! The files of a store in one folder.
//!
//! `lock`; `store`, which says what it is; `wal-N`, the N-th part of the log; `snapshot-N`, what the
//! store held when that part began. All parts from the newest snapshot on are read; older files are
//! removed when a snapshot is durable.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use store::{Record, Revision, Store, log, snapshot};

use crate::files::{self, io_error, lock, make_folder, numbered, replace, sync_folder};
use crate::identity::Identity;
use crate::part::{Part, Roomy};
use crate::tools::Inspected;

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Below this length, in bytes, a part of the log is not replaced by a snapshot.
    pub part_bytes_min: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { part_bytes_min: 16 * 1024 * 1024 }
    }
}

impl Options {
    /// From which length on the log is replaced, behind a snapshot of this length.
    fn part_bytes_max(self, snapshot_bytes: u64) -> u64 {
        self.part_bytes_min.max(2 * snapshot_bytes)
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{0} is in use by another process")]
    InUse(PathBuf),
    /// Another version of this program wrote it, or something else did.
    #[error("{path}: {why}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The log is damaged in the middle.
    #[error("{path}: {corrupt}")]
    Log {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        corrupt: log::Corrupt,
    },
    /// A part of the log that others follow is cut short.
    #[error("{path}: it ends at byte {bytes} within a record, and a later part follows")]
    CutPart {
        /// The file.
        path: PathBuf,
        /// How much of it is sound.
        bytes: usize,
    },
    /// The snapshot is damaged.
    #[error("{path}: {corrupt}")]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        corrupt: snapshot::Corrupt,
    },
    /// The log does not continue what comes before it.
    #[error("{path}: revision {missing} is missing")]
    Gap {
        /// The file.
        path: PathBuf,
        /// The first revision that is not there.
        missing: Revision,
    },
    /// A part of the log is missing.
    #[error("{0} is missing")]
    MissingPart(PathBuf),
    /// The operating system said no.
    #[error("{path}: {error}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

/// Why records did not become durable.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// Nothing was written; another attempt may succeed.
    Refused(io::Error),
    /// What is on disk is unknown; only reading it again can tell.
    Broken(io::Error),
}

/// The open files of a store.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    options: Options,
    identity: Identity,
    /// The part of the log that is written, its number and its length.
    part: Box<dyn Part>,
    number: u64,
    part_bytes: u64,
    /// From which length on the part is replaced by a snapshot.
    part_bytes_max: u64,
    /// Writes a snapshot, or has written the last, and says how long it is.
    saving: Option<JoinHandle<io::Result<u64>>>,
    _lock: File,
}

impl Disk {
    /// Opens or creates the files and reads what they hold. A torn tail is cut.
    pub(crate) fn open(folder: &Path, options: Options) -> Result<(Self, Store), OpenError> {
        let in_folder = |error| io_error(folder, error);
        make_folder(folder).map_err(in_folder)?;
        let lock = lock(folder)?;
        let is_new = is_new(folder).map_err(in_folder)?;
        if is_new {
            // Before it is said who the store is: a log that is missing then was lost.
            files::open(&part_path(folder, 0)).map_err(in_folder)?;
            sync_folder(folder).map_err(in_folder)?;
        }
        let identity = Identity::of(folder, is_new)?;
        files::remove_unfinished(folder).map_err(in_folder)?;
        let Held { store, snapshot_bytes, first, number, sound, .. } = held(folder)?;
        let path = part_path(folder, number);
        let part_bytes_max = options.part_bytes_max(snapshot_bytes);
        let part = Roomy::open(&path, sound, part_bytes_max);
        let part = part.map_err(|error| io_error(&path, error))?;
        // A process that was killed may have left names that only seem to be there.
        sync_folder(folder).map_err(in_folder)?;
        remove_older(folder, first).map_err(in_folder)?;
        let disk = Self {
            folder: folder.to_owned(),
            options,
            identity,
            part: Box::new(part),
            number,
            part_bytes: sound,
            part_bytes_max,
            saving: None,
            _lock: lock,
        };
        Ok((disk, store))
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Who the store is.
    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Makes records durable. After a failed write the log is as it was before.
    pub(crate) fn append(&mut self, records: &[Record]) -> Result<(), AppendError> {
        let frame = log::encode(records);
        if let Err(error) = self.part.append(&frame) {
            return Err(match self.part.cut(self.part_bytes) {
                Ok(()) => AppendError::Refused(error),
                Err(_) => AppendError::Broken(error),
            });
        }
        self.part.sync().map_err(AppendError::Broken)?;
        self.part_bytes += frame.len() as u64;
        Ok(())
    }

    /// Begins a new part of the log if this one is long, and has a snapshot replace what comes before
    /// it. The writer does not wait for the snapshot. If one of both fails, the log is as it was.
    pub(crate) fn rotate_if_long(&mut self, store: &Store) -> io::Result<()> {
        self.note_saved();
        if self.part_bytes < self.part_bytes_max || self.saving.is_some() {
            return Ok(());
        }
        self.rotate(store)
    }

    /// Has a snapshot replace all of the log, and waits for it: what was forgotten takes no room afterwards. If it fails,
    /// the log is as it was.
    pub(crate) fn defragment(&mut self, store: &Store) -> io::Result<()> {
        if let Some(saving) = self.saving.take() {
            // If it failed, the log that it was to replace is still there.
            drop(saving.join());
        }
        self.rotate(store)?;
        let saved = self.saving.take().map(JoinHandle::join);
        let bytes =
            saved.unwrap_or(Ok(Ok(0))).unwrap_or_else(|_| Err(io::Error::other("panicked")))?;
        self.part_bytes_max = self.options.part_bytes_max(bytes);
        Ok(())
    }

    fn rotate(&mut self, store: &Store) -> io::Result<()> {
        // Only the last part has room behind what is written.
        self.part.cut(self.part_bytes)?;
        let number = self.number + 1;
        let path = part_path(&self.folder, number);
        let part = Roomy::open(&path, 0, self.part_bytes_max)
            .and_then(|part| sync_folder(&self.folder).map(|()| part));
        let part = part.inspect_err(|_| {
            // An empty part that stays would make this one, which goes on, one that is cut.
            drop(files::remove(&path));
        })?;
        (self.part, self.number, self.part_bytes) = (Box::new(part), number, 0);
        let (folder, store) = (self.folder.clone(), store.clone());
        let saver = std::thread::Builder::new().name("etcd-snapshot".to_owned());
        self.saving = Some(saver.spawn(move || save(&folder, number, &store))?);
        Ok(())
    }

    /// Lets the log grow to twice the length of the last snapshot before the next: what is held, history
    /// too, is then written again at most once for each time that twice as much is written anew.
    fn note_saved(&mut self) {
        let Some(saving) = self.saving.take_if(|saving| saving.is_finished()) else { return };
        // If it failed, the log that it was to replace is still there, and is replaced by the next.
        if let Ok(Ok(bytes)) = saving.join() {
            self.part_bytes_max = self.options.part_bytes_max(bytes);
        }
    }

    /// Puts something around the file that is written.
    #[cfg(test)]
    pub(crate) fn wrap(&mut self, around: impl FnOnce(Roomy) -> Box<dyn Part>) {
        let path = part_path(&self.folder, self.number);
        let part = Roomy::open(&path, self.part_bytes, self.part_bytes_max);
        self.part = around(part.expect("it is writable"));
    }
}

impl Drop for Disk {
    /// Leaves no room behind what is written. The lock is held until the snapshot is written: it removes
    /// files.
    fn drop(&mut self) {
        // If it failed, there is room that reads as zeros, which are cut when the store is opened.
        drop(self.part.cut(self.part_bytes));
        if let Some(saving) = self.saving.take() {
            // If it failed, the log that it was to replace is still there.
            drop(saving.join());
        }
    }
}

/// Whether nothing was ever written here: a crash may have left what a new store begins with.
fn is_new(folder: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_empty_log = name == "wal-0" && entry.metadata()?.len() == 0;
        if !is_empty_log && !["lock", "store.new"].iter().any(|known| name == *known) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn part_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("wal-{number}"))
}

/// Writes the snapshot that begins with a part of the log, and removes what came before. How long the
/// snapshot is, in bytes.
fn save(folder: &Path, number: u64, store: &Store) -> io::Result<u64> {
    let snapshot = snapshot::encode(store);
    replace(folder, &format!("snapshot-{number}"), &snapshot)?;
    remove_older(folder, number)?;
    sync_folder(folder)?;
    Ok(snapshot.len() as u64)
}

fn remove_older(folder: &Path, number: u64) -> io::Result<()> {
    let mut files = numbered(folder, "snapshot")?;
    files.extend(numbered(folder, "wal")?);
    files.iter().filter(|(old, _)| *old < number).try_for_each(|(_, path)| files::remove(path))
}

fn is_empty(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() == 0)
}

/// What a snapshot holds, and how long it is.
fn read_snapshot(path: &Path) -> Result<(Store, u64), OpenError> {
    let bytes = std::fs::read(path).map_err(|error| io_error(path, error))?;
    let store = snapshot::decode(&bytes)
        .map_err(|corrupt| OpenError::Snapshot { path: path.to_owned(), corrupt })?;
    Ok((store, bytes.len() as u64))
}

/// What the files of a folder hold.
struct Held {
    store: Store,
    /// How long the newest snapshot is.
    snapshot_bytes: u64,
    /// The parts of the log that are needed, from the first to this number.
    first: u64,
    number: u64,
    /// How much of the last part is sound, and how much was torn off a write behind that.
    sound: u64,
    torn: u64,
}

/// Reads the newest snapshot and the log from there on.
fn held(folder: &Path) -> Result<Held, OpenError> {
    let in_folder = |error| io_error(folder, error);
    let snapshots = numbered(folder, "snapshot").map_err(in_folder)?;
    let (first, (mut store, snapshot_bytes)) = match snapshots.last() {
        Some((number, path)) => (*number, read_snapshot(path)?),
        None => (0, (Store::default(), 0)),
    };
    let parts = numbered(folder, "wal").map_err(in_folder)?;
    let mut parts: Vec<_> = parts.into_iter().filter(|(number, _)| *number >= first).collect();
    // One that was given up is back where the power has failed, and the one before has gone on.
    while parts.len() > 1 && parts.last().is_some_and(|(_, path)| is_empty(path)) {
        parts.pop();
    }
    let Some(number) = parts.last().map(|(number, _)| *number) else {
        return Err(OpenError::MissingPart(part_path(folder, first)));
    };
    let (sound, torn) = read_parts(folder, first, &parts, &mut store)?;
    Ok(Held { store, snapshot_bytes, first, number, sound, torn })
}

/// Reads a store that no process has open, and changes nothing.
pub(crate) fn read(folder: &Path) -> Result<Inspected, OpenError> {
    let in_folder = |error| io_error(folder, error);
    std::fs::read_dir(folder).map_err(in_folder)?;
    let identity = Identity::of(folder, false)?;
    let _lock = lock(folder)?;
    let Held { store, torn, .. } = held(folder)?;
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).map_err(in_folder)? {
        bytes += entry.and_then(|entry| entry.metadata()).map_err(in_folder)?.len();
    }
    Ok(Inspected { identity, store, torn_bytes: torn, bytes })
}

/// Makes a new store that begins with a snapshot.
pub(crate) fn write_new(folder: &Path, snapshot: &[u8]) -> Result<(), OpenError> {
    let in_folder = |error| io_error(folder, error);
    make_folder(folder).map_err(in_folder)?;
    if std::fs::read_dir(folder).map_err(in_folder)?.next().is_some() {
        let why = "it is not empty".to_owned();
        return Err(OpenError::Foreign { path: folder.to_owned(), why });
    }
    files::open(&part_path(folder, 1)).map_err(in_folder)?;
    replace(folder, "snapshot-1", snapshot).map_err(in_folder)?;
    Identity::of(folder, true).map(drop)
}

/// Applies all parts of the log, and says how much of the last is sound and how much is torn behind that.
fn read_parts(
    folder: &Path,
    first: u64,
    parts: &[(u64, PathBuf)],
    store: &mut Store,
) -> Result<(u64, u64), OpenError> {
    let mut last = (0, 0);
    for ((number, path), due) in parts.iter().zip(first..) {
        if *number != due {
            return Err(OpenError::MissingPart(part_path(folder, due)));
        }
        let part = std::fs::read(path).map_err(|error| io_error(path, error))?;
        let sound = apply(path, &part, store)?;
        if sound < part.len() && *number != parts[parts.len() - 1].0 {
            return Err(OpenError::CutPart { path: path.clone(), bytes: sound });
        }
        // Zeros at the end are room.
        let torn = part[sound..].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        last = (sound as u64, torn as u64);
    }
    Ok(last)
}

/// Applies one part of the log. How much of it is sound.
fn apply(path: &Path, part: &[u8], store: &mut Store) -> Result<usize, OpenError> {
    let decoded =
        log::decode(part).map_err(|corrupt| OpenError::Log { path: path.to_owned(), corrupt })?;
    for record in &decoded.records {
        let missing = store.next_revision(record);
        if record.revision != missing {
            return Err(OpenError::Gap { path: path.to_owned(), missing });
        }
        store.apply(record);
    }
    Ok(decoded.sound_bytes)
}
