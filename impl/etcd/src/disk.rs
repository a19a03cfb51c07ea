//! The files of a store in one folder.
//!
//! `lock`; `store`, which says what it is; `wal-N`, the N-th part of the log; `snapshot-N`, what the
//! store held when that part began. All parts from the newest snapshot on are read; older files are
//! removed when a snapshot is durable.
//!
//! Parts and snapshots say whose they are and which. The next part is there, without records, before the
//! one before it ends, and is written only when that end is durable. So no part with records can be lost
//! unnoticed, and only the last of them be cut.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;

use store::log::{self, HEAD_BYTES, Metadata};
use store::{Record, Revision, Store, Unread, snapshot};

use crate::files::{self, io_error, lock, make_folder, numbered, replace, sync_folder};
use crate::identity::Identity;
use crate::part::{Part, Roomy};
use crate::tools::Inspected;

/// How many pieces are read before the first of them is taken.
const AHEAD: usize = 8;

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
    /// Another version of this program wrote it, or another store, or something else did.
    #[error("{path}: {why}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A part of the log is damaged, or what a snapshot begins with.
    #[error("{path}: {corrupt}")]
    Log {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        corrupt: log::Corrupt,
    },
    /// A part of the log that others follow is cut short.
    #[error("{path}: it is cut at byte {bytes}, and a later part follows")]
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
    encoder: log::Encoder,
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
        let identity = match is_new(folder).map_err(in_folder)? {
            true => create(folder, options.part_bytes_max(0))?,
            false => Identity::of(folder)?,
        };
        let Held { store, snapshot_bytes, first, last } = held(folder, identity)?;
        // Nothing is changed before all of it is known to be sound.
        files::remove_unfinished(folder).map_err(in_folder)?;
        let path = part_path(folder, last.number);
        let (part_bytes, part_bytes_max) =
            (last.sound as u64, options.part_bytes_max(snapshot_bytes));
        let part = Roomy::open(&path, part_bytes, part_bytes_max);
        let part = part.map_err(|error| io_error(&path, error))?;
        // A process that was killed may have left names, and the end of a part, that only seem to be there.
        sync_parts(folder, first..last.number)?;
        sync_folder(folder).map_err(in_folder)?;
        remove_older(folder, first).map_err(in_folder)?;
        let disk = Self {
            folder: folder.to_owned(),
            options,
            identity,
            part: Box::new(part),
            number: last.number,
            part_bytes,
            encoder: log::Encoder::default(),
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
        let (metadata, offset) = self.place();
        let mut encoder = std::mem::take(&mut self.encoder);
        let written = self.write(encoder.encode(records, metadata, offset));
        self.encoder = encoder;
        written
    }

    fn write(&mut self, frame: &[u8]) -> Result<(), AppendError> {
        if let Err(error) = self.part.append(frame) {
            return Err(match self.part.cut(self.part_bytes) {
                Ok(()) => AppendError::Refused(error),
                Err(_) => AppendError::Broken(error),
            });
        }
        self.part.sync().map_err(AppendError::Broken)?;
        self.part_bytes += frame.len() as u64;
        Ok(())
    }

    /// Where the next frame is.
    fn place(&self) -> (Metadata, usize) {
        let offset = usize::try_from(self.part_bytes).expect("a part fits in memory");
        (self.identity.metadata(self.number), offset)
    }

    /// Begins a new part of the log if this one is long, and has a snapshot replace what comes before
    /// it. The writer does not wait for the snapshot. If one of both is refused, the log goes on.
    pub(crate) fn rotate_if_long(&mut self, store: &Store) -> Result<(), AppendError> {
        self.note_saved();
        if self.part_bytes < self.part_bytes_max || self.saving.is_some() {
            return Ok(());
        }
        self.rotate(store)
    }

    /// Has a snapshot replace all of the log, and waits for it: what was forgotten takes no room afterwards. If it is
    /// refused, the log goes on.
    pub(crate) fn defragment(&mut self, store: &Store) -> Result<(), AppendError> {
        if let Some(saving) = self.saving.take() {
            // If it failed, the log that it was to replace is still there.
            drop(saving.join());
        }
        self.rotate(store)?;
        let saved = self.saving.take().map(JoinHandle::join);
        let saved = saved.unwrap_or(Ok(Ok(0)));
        let saved = saved.unwrap_or_else(|_| Err(io::Error::other("panicked")));
        let bytes = saved.map_err(AppendError::Refused)?;
        self.part_bytes_max = self.options.part_bytes_max(bytes);
        Ok(())
    }

    fn rotate(&mut self, store: &Store) -> Result<(), AppendError> {
        let (ending, offset) = self.place();
        let next = self.identity.metadata(self.number + 1);
        let part = begin_part(&self.folder, next, self.part_bytes_max);
        let part = part.map_err(AppendError::Refused)?;
        // If this one goes on after all, the next has no records, and is begun anew.
        self.write(&log::end(ending, offset))?;
        // If it fails, there is room that reads as zeros.
        drop(self.part.cut(self.part_bytes));
        (self.part, self.number, self.part_bytes) =
            (Box::new(part), next.number, HEAD_BYTES as u64);
        let (folder, store) = (self.folder.clone(), store.clone());
        let saver = std::thread::Builder::new().name("etcd-snapshot".to_owned());
        let saving = saver.spawn(move || save(&folder, next, &store));
        self.saving = Some(saving.map_err(AppendError::Refused)?);
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
        let is_begun = name == "wal-0" && entry.metadata()?.len() == HEAD_BYTES as u64;
        if !is_begun && !["lock", "store.new", "wal-0.new"].iter().any(|known| name == *known) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Begins a new store. Who it is is said last: a log that is missing then was lost.
fn create(folder: &Path, part_bytes_max: u64) -> Result<Identity, OpenError> {
    let identity = Identity::draw();
    let begun = begin_part(folder, identity.metadata(0), part_bytes_max);
    begun.map_err(|error| io_error(folder, error))?;
    identity.keep(folder)?;
    Ok(identity)
}

/// Makes a part of the log without records. It is there whole, or not at all. It is expected to get so long.
fn begin_part(folder: &Path, metadata: Metadata, expected: u64) -> io::Result<Roomy> {
    let head = log::head(metadata);
    replace(folder, &format!("wal-{}", metadata.number), |file| file.write_all(&head))?;
    Roomy::open(&part_path(folder, metadata.number), HEAD_BYTES as u64, expected)
}

fn sync_parts(folder: &Path, mut numbers: Range<u64>) -> Result<(), OpenError> {
    numbers.try_for_each(|number| {
        let path = part_path(folder, number);
        files::sync(&path).map_err(|error| io_error(&path, error))
    })
}

fn part_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("wal-{number}"))
}

/// Writes the snapshot that begins with a part of the log. How long it is, in bytes.
fn write_snapshot(folder: &Path, metadata: Metadata, store: &Store) -> io::Result<u64> {
    replace(folder, &format!("snapshot-{}", metadata.number), |file| {
        file.write_all(&log::head(metadata))?;
        snapshot::write(store, file)
    })
}

/// Does that, and removes what came before.
fn save(folder: &Path, metadata: Metadata, store: &Store) -> io::Result<u64> {
    let bytes = write_snapshot(folder, metadata, store)?;
    remove_older(folder, metadata.number)?;
    sync_folder(folder)?;
    Ok(bytes)
}

fn remove_older(folder: &Path, number: u64) -> io::Result<()> {
    let mut files = numbered(folder, "snapshot")?;
    files.extend(numbered(folder, "wal")?);
    files.iter().filter(|(old, _)| *old < number).try_for_each(|(_, path)| files::remove(path))
}

/// Opens a file that must begin by saying that it is this one, behind that; and how long it is.
fn open_own(path: &Path, due: Metadata) -> Result<(BufReader<File>, u64), OpenError> {
    let in_file = |error| io_error(path, error);
    let file = File::open(path).map_err(in_file)?;
    let bytes = file.metadata().map_err(in_file)?.len();
    let (mut head, mut file) = (vec![], BufReader::new(file));
    (&mut file).take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(in_file)?;
    let found = log::metadata(&head)
        .map_err(|corrupt| OpenError::Log { path: path.to_owned(), corrupt })?;
    if found != due {
        let Metadata { cluster, member, number } = found;
        let whose = format!("cluster {cluster:x}, member {member:x}, number {number}");
        let why = format!("conflicting metadata found: {whose}");
        return Err(OpenError::Foreign { path: path.to_owned(), why });
    }
    Ok((file, bytes))
}

/// What a snapshot holds, and how long it is.
fn read_snapshot(path: &Path, due: Metadata) -> Result<(Store, u64), OpenError> {
    let in_file = |error| io_error(path, error);
    let damaged = |corrupt| OpenError::Snapshot { path: path.to_owned(), corrupt };
    let (file, bytes) = open_own(path, due)?;
    let mut restored = snapshot::Restored::default();
    ahead(snapshot::pieces(file), |piece| {
        let piece = piece.map_err(|unread| match unread {
            Unread::Corrupt(corrupt) => damaged(corrupt),
            Unread::Io(error) => in_file(error),
        })?;
        restored.take(piece).map_err(damaged)
    })?;
    Ok((restored.store().map_err(damaged)?, bytes))
}

/// Takes what comes one after the other, while a thread of its own makes the next.
fn ahead<T: Send, E>(
    items: impl Iterator<Item = T> + Send,
    take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(AHEAD);
        scope.spawn(move || {
            // Nobody takes what follows an error.
            drop(items.into_iter().try_for_each(|item| sender.send(item)));
        });
        receiver.into_iter().try_for_each(take)
    })
}

/// What the files of a folder hold.
struct Held {
    store: Store,
    /// How long the newest snapshot is.
    snapshot_bytes: u64,
    /// The first part of the log that is needed, and the last.
    first: u64,
    last: Last,
}

/// The part of the log that is written on.
struct Last {
    number: u64,
    /// How much of it is sound, and how much was torn off a write behind that.
    sound: usize,
    torn: usize,
    /// Whether another follows.
    is_ended: bool,
}

/// Reads the newest snapshot and the log from there on.
fn held(folder: &Path, identity: Identity) -> Result<Held, OpenError> {
    let in_folder = |error| io_error(folder, error);
    let snapshots = numbered(folder, "snapshot").map_err(in_folder)?;
    let (first, (mut store, snapshot_bytes)) = match snapshots.last() {
        Some((number, path)) => (*number, read_snapshot(path, identity.metadata(*number))?),
        None => (0, (Store::default(), 0)),
    };
    let last = read_parts(folder, identity, first, &mut store)?;
    Ok(Held { store, snapshot_bytes, first, last })
}

/// Applies all parts of the log.
fn read_parts(
    folder: &Path,
    identity: Identity,
    first: u64,
    store: &mut Store,
) -> Result<Last, OpenError> {
    let missing = |number| OpenError::MissingPart(part_path(folder, number));
    let parts = numbered(folder, "wal").map_err(|error| io_error(folder, error))?;
    let parts = parts.into_iter().filter(|(number, _)| *number >= first);
    let mut last: Option<Last> = None;
    for ((number, path), due) in parts.zip(first..) {
        if number != due {
            return Err(missing(due));
        }
        let metadata = identity.metadata(number);
        let (part, bytes) = open_own(&path, metadata)?;
        match last.take_if(|last| !last.is_ended) {
            // It was begun, and the one before goes on: that has no end yet.
            Some(before) if bytes == HEAD_BYTES as u64 => last = Some(before),
            Some(Last { number, sound: bytes, .. }) => {
                return Err(OpenError::CutPart { path: part_path(folder, number), bytes });
            }
            None => last = Some(apply(&path, metadata, part, store)?),
        }
    }
    match last {
        Some(last) if last.is_ended => Err(missing(last.number + 1)),
        last => last.ok_or(missing(first)),
    }
}

/// Reads a store that no process has open, and changes nothing.
pub(crate) fn read(folder: &Path) -> Result<Inspected, OpenError> {
    let in_folder = |error| io_error(folder, error);
    std::fs::read_dir(folder).map_err(in_folder)?;
    let identity = Identity::of(folder)?;
    let _lock = lock(folder)?;
    let Held { store, last, .. } = held(folder, identity)?;
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).map_err(in_folder)? {
        bytes += entry.and_then(|entry| entry.metadata()).map_err(in_folder)?.len();
    }
    Ok(Inspected { identity, store, torn_bytes: last.torn as u64, bytes })
}

/// Makes a new store that begins with a snapshot.
pub(crate) fn write_new(folder: &Path, store: &Store) -> Result<(), OpenError> {
    let in_folder = |error| io_error(folder, error);
    make_folder(folder).map_err(in_folder)?;
    if std::fs::read_dir(folder).map_err(in_folder)?.next().is_some() {
        let why = "it is not empty".to_owned();
        return Err(OpenError::Foreign { path: folder.to_owned(), why });
    }
    let identity = Identity::draw();
    let metadata = identity.metadata(1);
    begin_part(folder, metadata, HEAD_BYTES as u64).map_err(in_folder)?;
    write_snapshot(folder, metadata, store).map_err(in_folder)?;
    identity.keep(folder)
}

/// Applies one part of the log.
fn apply(
    path: &Path,
    metadata: Metadata,
    part: impl Read + Send,
    store: &mut Store,
) -> Result<Last, OpenError> {
    let mut runs = log::runs(part, metadata);
    ahead(&mut runs, |records| {
        let records = records.map_err(|unread| match unread {
            Unread::Corrupt(corrupt) => OpenError::Log { path: path.to_owned(), corrupt },
            Unread::Io(error) => io_error(path, error),
        })?;
        for record in records {
            let missing = store.next_revision(&record);
            if record.revision != missing {
                return Err(OpenError::Gap { path: path.to_owned(), missing });
            }
            store.apply(&record);
        }
        Ok(())
    })?;
    let (sound, torn) = (runs.sound_bytes(), runs.torn_bytes());
    Ok(Last { number: metadata.number, sound, torn, is_ended: runs.is_ended() })
}
