//! What a store asks of the operating system to change files, one call each. Tests have others of the same names: see
//! `recorded`.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::FallocateFlags;

/// Who may read what is stored, Secrets too: the owner alone, as etcd has it.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Makes a folder in one that is there.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(FOLDER_MODE).create(path)
}

/// Opens a file that is created if it is not there.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)
}

/// Writes behind what was written last.
pub(crate) fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)
}

/// Cuts a file, or lets it grow by zeros.
pub(crate) fn set_length(file: &File, length: u64) -> io::Result<()> {
    file.set_len(length)
}

/// Lets a file grow by zeros that have their place on the disk.
pub(crate) fn allocate(file: &File, length: u64, more: u64) -> io::Result<()> {
    let [offset, bytes] = [length, more].map(|number| number.try_into().unwrap_or(0));
    Ok(nix::fcntl::fallocate(file, FallocateFlags::empty(), offset, bytes)?)
}

/// Makes durable what a file holds.
pub(crate) fn sync_data(file: &File) -> io::Result<()> {
    file.sync_data()
}

/// Makes durable what a file holds, and all that is known of it.
pub(crate) fn sync_all(file: &File) -> io::Result<()> {
    file.sync_all()
}

/// Gives a file another name in its folder, in the place of the one that had it.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Removes a file.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Makes durable which files a folder has.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
