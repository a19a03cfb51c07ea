//! Small things done to files, each durable when it returns.

use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::calls;
pub(crate) use crate::calls::{open, remove, sync_folder};
use crate::disk::OpenError;

/// Makes a folder, and those above it, unless it is there. Who has made it may have been killed before it was durable.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new("."));
    if path.is_dir() {
        return unless(io::ErrorKind::PermissionDenied, sync_folder(above));
    }
    make_folder(above)?;
    unless(io::ErrorKind::AlreadyExists, calls::make_folder(path))?;
    sync_folder(above)
}

fn unless(kind: io::ErrorKind, done: io::Result<()>) -> io::Result<()> {
    done.or_else(|error| if error.kind() == kind { Ok(()) } else { Err(error) })
}

/// Takes the lock of a folder, which lasts as long as the file is open.
pub(crate) fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("lock");
    let file = open(&path).map_err(|error| io_error(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(io_error(&path, error)),
    }
}

/// Shortens a file to its first bytes, behind which the next are written.
pub(crate) fn cut(file: &mut File, length: u64) -> io::Result<()> {
    calls::set_length(file, length)?;
    file.seek(SeekFrom::Start(length))?;
    calls::sync_all(file)
}

/// What the name of a file ends with that is being written.
const UNFINISHED: &str = "new";

/// Writes a file beside the old one and puts it in its place.
pub(crate) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = folder.join(format!("{name}.{UNFINISHED}"));
    let finished = write(&temporary, bytes)
        .and_then(|()| calls::rename(&temporary, &folder.join(name)))
        .inspect_err(|_| {
            // Where it stays, it goes when the folder is opened again.
            drop(remove(&temporary));
        });
    finished?;
    sync_folder(folder)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = open(path)?;
    calls::set_length(&file, 0)?;
    calls::write(&mut file, bytes)?;
    calls::sync_all(&file)
}

/// Removes what a crash has left of files that were being written.
pub(crate) fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == UNFINISHED) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// An error of the operating system, with the file that it is about.
pub(crate) fn io_error(path: &Path, error: io::Error) -> OpenError {
    OpenError::Io { path: path.to_owned(), error }
}

/// The files of a folder whose names are this and a number, by number.
pub(crate) fn numbered(folder: &Path, name: &str) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path
            .file_name()
            .and_then(|file| file.to_str()?.strip_prefix(name)?.strip_prefix('-')?.parse().ok());
        found.extend(number.map(|number| (number, path)));
    }
    found.sort_unstable();
    Ok(found)
}
