//! Unpacks a layer into a directory that overlayfs understands.
//!
//! Source: OCI image layer specification (whiteouts) and the kernel's overlayfs documentation: a
//! removed file is a character device 0/0, a replaced directory has the attribute
//! `trusted.overlay.opaque`.

use std::ffi::{CString, OsStr};
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use nix::sys::stat::{Mode, SFlag, mknod};
use sha2::{Digest, Sha256};
use tar::{Archive, Entry};

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Unpacks a tar stream, gzip or not; returns the digest of the uncompressed bytes.
pub(super) fn unpack(blob: impl Read, directory: &Path) -> io::Result<String> {
    let mut hashed = Hashed { inner: decompressed(blob)?, hash: Sha256::new() };
    let mut archive = Archive::new(&mut hashed);
    archive.set_preserve_permissions(true);
    archive.set_preserve_ownerships(nix::unistd::geteuid().is_root());
    for entry in archive.entries()? {
        unpack_entry(&mut entry?, directory)?;
    }
    io::copy(&mut hashed, &mut io::sink())?;
    Ok(format!("sha256:{:x}", hashed.hash.finalize()))
}

/// The uncompressed bytes of a stream.
pub(super) fn decompressed<'a>(blob: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut blob = BufReader::new(blob);
    let start = blob.fill_buf()?;
    if start.starts_with(&ZSTD) {
        return Err(io::Error::other("zstd compression is not supported"));
    }
    if start.starts_with(&GZIP) {
        return Ok(Box::new(MultiGzDecoder::new(blob)));
    }
    Ok(Box::new(blob))
}

fn unpack_entry(entry: &mut Entry<'_, impl Read>, directory: &Path) -> io::Result<()> {
    let path = entry.path()?.into_owned();
    let name = path.file_name().unwrap_or_default().as_bytes();
    if name == OPAQUE {
        return mark_opaque(&inside(directory, path.parent())?);
    }
    if let Some(hidden) = name.strip_prefix(WHITEOUT) {
        let parent = inside(directory, path.parent())?;
        fs::create_dir_all(&parent)?;
        let whiteout = parent.join(OsStr::from_bytes(hidden));
        return Ok(mknod(&whiteout, SFlag::S_IFCHR, Mode::empty(), 0)?);
    }
    if !entry.unpack_in(directory)? {
        return Err(io::Error::other(format!("{} leads out of the image", path.display())));
    }
    Ok(())
}

/// A path below the directory; refuses one that climbs or passes through a link.
fn inside(directory: &Path, path: Option<&Path>) -> io::Result<PathBuf> {
    let mut inside = directory.to_owned();
    for component in path.unwrap_or(Path::new("")).components() {
        match component {
            Component::Normal(name) => inside.push(name),
            Component::CurDir | Component::RootDir => continue,
            Component::ParentDir | Component::Prefix(_) => {
                return Err(io::Error::other("a path leads out of the image"));
            }
        }
        if inside.is_symlink() {
            return Err(io::Error::other("a whiteout lies behind a symbolic link"));
        }
    }
    Ok(inside)
}

fn mark_opaque(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let path = CString::new(directory.as_os_str().as_bytes())?;
    set_attribute(&path, c"trusted.overlay.opaque", b"y")
}

#[expect(unsafe_code, reason = "there is no safe wrapper for setxattr here")]
fn set_attribute(path: &std::ffi::CStr, name: &std::ffi::CStr, value: &[u8]) -> io::Result<()> {
    // SAFETY: all three point to memory that outlives the call, and the length is the value's.
    let result = unsafe {
        libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.hash.update(&buffer[..length]);
        Ok(length)
    }
}
