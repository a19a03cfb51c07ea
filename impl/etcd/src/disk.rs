//! The files: `lock`, `snapshot` and `wal` in one folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use store::{Record, Store, log, snapshot};

/// Above this the log is replaced by a snapshot.
const WAL_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{0} is in use by another process")]
    InUse(PathBuf),
    /// The log is damaged in the middle.
    #[error("{path}: {corrupt}")]
    Log {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        corrupt: log::Corrupt,
    },
    /// The snapshot is damaged.
    #[error("{path}: {corrupt}")]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        corrupt: snapshot::Corrupt,
    },
    /// The log does not continue the snapshot.
    #[error("{path}: revision {missing} is missing")]
    Gap {
        /// The file.
        path: PathBuf,
        /// The first revision that is not there.
        missing: store::Revision,
    },
    /// The operating system said no.
    #[error("{path}: {error}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

/// The open files of a store.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    wal: File,
    wal_bytes: u64,
    _lock: File,
}

impl Disk {
    /// Opens or creates the files and reads what they hold. A torn tail is cut.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Store), OpenError> {
        std::fs::create_dir_all(folder).map_err(|error| io_error(folder, error))?;
        let lock = lock(folder)?;
        let mut store = read_snapshot(&folder.join("snapshot"))?;
        let path = folder.join("wal");
        let (wal, wal_bytes) = read_wal(&path, &mut store)?;
        sync_folder(folder).map_err(|error| io_error(folder, error))?;
        Ok((Self { folder: folder.to_owned(), wal, wal_bytes, _lock: lock }, store))
    }

    /// Makes records durable. After a failed write the log is as it was before.
    pub(crate) fn append(&mut self, records: &[Record]) -> Result<(), AppendError> {
        let frame = log::encode(records);
        if let Err(error) = self.wal.write_all(&frame) {
            return Err(match self.cut_back() {
                Ok(()) => AppendError::Refused(error),
                Err(_) => AppendError::Broken(error),
            });
        }
        self.wal.sync_data().map_err(AppendError::Broken)?;
        self.wal_bytes += frame.len() as u64;
        Ok(())
    }

    /// Whether the log is long enough to be replaced.
    pub(crate) fn wants_snapshot(&self) -> bool {
        self.wal_bytes > WAL_BYTES_MAX
    }

    /// Replaces the log by a snapshot. A crash in between leaves both, which is read as well.
    pub(crate) fn write_snapshot(&mut self, store: &Store) -> io::Result<()> {
        replace(&self.folder, "snapshot", &snapshot::encode(store))?;
        self.wal = replace(&self.folder, "wal", &[])?;
        self.wal_bytes = 0;
        Ok(())
    }

    fn cut_back(&mut self) -> io::Result<()> {
        self.wal.set_len(self.wal_bytes)?;
        self.wal.seek(SeekFrom::Start(self.wal_bytes))?;
        self.wal.sync_data()
    }
}

/// Why records did not become durable.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// Nothing was written; another attempt may succeed.
    Refused(io::Error),
    /// What is on disk is unknown; only reading it again can tell.
    Broken(io::Error),
}

fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("lock");
    let file = open(&path).map_err(|error| io_error(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(io_error(&path, error)),
    }
}

fn read_snapshot(path: &Path) -> Result<Store, OpenError> {
    match std::fs::read(path) {
        Ok(bytes) => snapshot::decode(&bytes)
            .map_err(|corrupt| OpenError::Snapshot { path: path.to_owned(), corrupt }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Store::default()),
        Err(error) => Err(io_error(path, error)),
    }
}

fn read_wal(path: &Path, store: &mut Store) -> Result<(File, u64), OpenError> {
    let mut bytes = vec![];
    let mut wal = open(path).map_err(|error| io_error(path, error))?;
    wal.read_to_end(&mut bytes).map_err(|error| io_error(path, error))?;
    let decoded =
        log::decode(&bytes).map_err(|corrupt| OpenError::Log { path: path.to_owned(), corrupt })?;
    let snapshot = store.revision();
    for record in decoded.records.iter().filter(|record| record.revision > snapshot) {
        if record.revision != store.revision().next() {
            let missing = store.revision().next();
            return Err(OpenError::Gap { path: path.to_owned(), missing });
        }
        store.apply(record);
    }
    let sound = decoded.sound_bytes as u64;
    cut(&mut wal, sound).map_err(|error| io_error(path, error))?;
    Ok((wal, sound))
}

fn cut(wal: &mut File, sound_bytes: u64) -> io::Result<()> {
    wal.set_len(sound_bytes)?;
    wal.seek(SeekFrom::Start(sound_bytes))?;
    wal.sync_all()
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Writes a file beside the old one and puts it in its place.
fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<File> {
    let temporary = folder.join(format!("{name}.new"));
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, folder.join(name))?;
    sync_folder(folder)?;
    Ok(file)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn io_error(path: &Path, error: io::Error) -> OpenError {
    OpenError::Io { path: path.to_owned(), error }
}
