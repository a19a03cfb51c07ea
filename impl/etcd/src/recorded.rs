//! The calls of [`system`], remembered where a test watches a folder, and failing when it says so.
//!
//! In a watched folder nothing waits for the disk: what a sync makes durable is only noted.

use std::fmt;
use std::fs::File;
use std::io::{self, Seek};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::system;

/// Where files are in memory.
const MEMORY: &str = "/dev/shm";

/// Disks write sectors whole or not at all.
pub(crate) const SECTOR_BYTES: u64 = 512;

/// The number of a file, in the order in which they were created. It stays when the name changes.
pub(crate) type FileId = usize;

/// Bytes that nobody wants to read when a test fails.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Written(pub(crate) Vec<u8>);

impl fmt::Debug for Written {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes", self.0.len())
    }
}

/// What was done. Paths begin in the watched folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    MakeFolder(PathBuf),
    Create(PathBuf, FileId),
    Write {
        file: FileId,
        offset: u64,
        bytes: Written,
    },
    SetLength(FileId, u64),
    Sync(FileId),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    SyncFolder(PathBuf),
    /// What a test has to say of this moment.
    Note(usize),
}

impl Call {
    /// What a test has noted.
    pub(crate) fn noted(&self) -> Option<usize> {
        if let Self::Note(what) = self { Some(*what) } else { None }
    }
}

/// Which calls fail, by when they are made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fails {
    pub(crate) calls: Range<usize>,
    /// Whether only those fail that need room.
    pub(crate) for_want_of_room: bool,
}

impl Fails {
    /// From this call on the process is as good as killed.
    pub(crate) fn from(call: usize) -> Self {
        Self { calls: call..usize::MAX, for_want_of_room: false }
    }

    /// This call fails, and no other.
    pub(crate) fn once(call: usize) -> Self {
        Self { calls: call..call + 1, for_want_of_room: false }
    }

    /// From this call on the disk is full.
    pub(crate) fn full_from(call: usize) -> Self {
        Self { for_want_of_room: true, ..Self::from(call) }
    }
}

/// A folder that is watched for as long as this lives.
#[derive(Debug)]
pub(crate) struct Recorder {
    folder: tempfile::TempDir,
    recording: Arc<Mutex<Recording>>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        // What is durable is only noted, and may be in memory.
        let folder = tempfile::tempdir_in(MEMORY).or_else(|_| tempfile::tempdir());
        let folder = folder.expect("there is room");
        let recording = Arc::<Mutex<Recording>>::default();
        lock(&WATCHED).push((folder.path().to_owned(), Arc::clone(&recording)));
        Self { folder, recording }
    }

    /// The watched folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Has calls fail from now on.
    pub(crate) fn fail(&self, fails: Fails) {
        lock(&self.recording).fails = fails;
    }

    /// How many calls were made, those that failed among them.
    pub(crate) fn made(&self) -> usize {
        lock(&self.recording).made
    }

    pub(crate) fn note(&self, what: usize) {
        lock(&self.recording).calls.push(Call::Note(what));
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.recording).calls.clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        lock(&WATCHED).retain(|(folder, _)| folder != self.folder.path());
    }
}

static WATCHED: Mutex<Vec<(PathBuf, Arc<Mutex<Recording>>)>> = Mutex::new(vec![]);

#[derive(Debug, Default)]
struct Recording {
    calls: Vec<Call>,
    made: usize,
    fails: Fails,
    /// Those that were created. They stay open, so that no other gets the number that a removed one had.
    files: Vec<File>,
}

impl Recording {
    /// Whether the next call fails.
    fn may(&mut self, needs_room: bool) -> io::Result<()> {
        self.made += 1;
        let hits = self.fails.calls.contains(&(self.made - 1));
        match hits && (needs_room || !self.fails.for_want_of_room) {
            true => Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device")),
            false => Ok(()),
        }
    }

    /// How many bytes the last call has written where it failed: half, or less, up to where a sector begins; none where
    /// the process was killed before.
    fn written(&self, offset: u64, bytes: usize) -> usize {
        let was_killed = !self.fails.for_want_of_room && self.fails.calls.start + 1 < self.made;
        let half = offset + bytes as u64 / 2;
        let written = (half - half % SECTOR_BYTES).saturating_sub(offset);
        if was_killed { 0 } else { usize::try_from(written).unwrap_or(0) }
    }

    fn id(&self, file: &File) -> FileId {
        let number = |file: &File| file.metadata().expect("it is open").ino();
        let same = |known: &File| number(known) == number(file);
        self.files.iter().position(same).expect("it was created while it was watched")
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The recording of what happens to a path, and the path in the watched folder.
fn of_path(path: &Path) -> Option<(Arc<Mutex<Recording>>, PathBuf)> {
    lock(&WATCHED).iter().find_map(|(folder, recording)| {
        Some((Arc::clone(recording), path.strip_prefix(folder).ok()?.to_owned()))
    })
}

fn of_file(file: &File) -> Option<Arc<Mutex<Recording>>> {
    let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()));
    of_path(&path.expect("it is open")).map(|(recording, _)| recording)
}

/// Does something to a path, and remembers it.
fn with_path(
    path: &Path,
    needs_room: bool,
    call: impl FnOnce(PathBuf) -> Call,
    perform: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let Some((recording, path)) = of_path(path) else { return perform() };
    let mut recording = lock(&recording);
    recording.may(needs_room)?;
    perform()?;
    recording.calls.push(call(path));
    Ok(())
}

/// Does something to a file, and remembers it.
fn with_file(
    file: &File,
    needs_room: bool,
    call: impl FnOnce(FileId) -> Call,
    perform: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let Some(recording) = of_file(file) else { return perform() };
    let mut recording = lock(&recording);
    recording.may(needs_room)?;
    perform()?;
    let call = call(recording.id(file));
    recording.calls.push(call);
    Ok(())
}

pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    with_path(path, true, Call::MakeFolder, || system::make_folder(path))
}

pub(crate) fn open(path: &Path) -> io::Result<File> {
    let Some((recording, name)) = of_path(path).filter(|_| !path.exists()) else {
        return system::open(path);
    };
    let mut recording = lock(&recording);
    recording.may(true)?;
    let file = system::open(path)?;
    let id = recording.files.len();
    recording.files.push(File::open(path)?);
    recording.calls.push(Call::Create(name, id));
    Ok(file)
}

pub(crate) fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    let Some(recording) = of_file(file) else { return system::write(file, bytes) };
    let mut recording = lock(&recording);
    let (id, offset, may) = (recording.id(file), file.stream_position()?, recording.may(true));
    let bytes = match may {
        Ok(()) => bytes,
        Err(_) => &bytes[..recording.written(offset, bytes.len())],
    };
    system::write(file, bytes)?;
    let bytes = Written(bytes.to_vec());
    recording.calls.push(Call::Write { file: id, offset, bytes });
    may
}

pub(crate) fn set_length(file: &File, length: u64) -> io::Result<()> {
    with_file(file, false, |id| Call::SetLength(id, length), || system::set_length(file, length))
}

pub(crate) fn allocate(file: &File, length: u64, more: u64) -> io::Result<()> {
    let call = |id| Call::SetLength(id, length + more);
    with_file(file, true, call, || system::allocate(file, length, more))
}

pub(crate) fn sync_data(file: &File) -> io::Result<()> {
    match of_file(file) {
        Some(_) => with_file(file, false, Call::Sync, || Ok(())),
        None => system::sync_data(file),
    }
}

pub(crate) fn sync_all(file: &File) -> io::Result<()> {
    match of_file(file) {
        Some(_) => sync_data(file),
        None => system::sync_all(file),
    }
}

pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let name = |from: PathBuf| {
        let name = to.file_name().expect("it is a file").to_owned();
        Call::Rename(from.clone(), from.with_file_name(name))
    };
    with_path(from, false, name, || system::rename(from, to))
}

pub(crate) fn remove(path: &Path) -> io::Result<()> {
    with_path(path, false, Call::Remove, || system::remove(path))
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    match of_path(folder) {
        Some(_) => with_path(folder, false, Call::SyncFolder, || Ok(())),
        None => system::sync_folder(folder),
    }
}
