//! Terminals: receives the master that libcontainer makes, and sets its size.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::cmsg_space;
use nix::pty::Winsize;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixAddr, recvmsg};

/// The socket over which libcontainer hands out the terminal's master.
pub(super) struct ConsoleSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ConsoleSocket {
    /// Listens in a directory, which must be the current one: a socket's address is short.
    pub(super) fn listen(directory: &Path) -> io::Result<Self> {
        let name = format!("console-{}.sock", std::process::id());
        let listener = UnixListener::bind(&name)?;
        Ok(Self { listener, path: directory.join(name) })
    }

    /// Where libcontainer finds it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the master.
    pub(super) fn receive(self) -> io::Result<OwnedFd> {
        let (stream, _) = self.listener.accept()?;
        std::fs::remove_file(&self.path)?;
        let mut bytes = [0; 256];
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let mut space = cmsg_space!([i32; 1]);
        let message = recvmsg::<UnixAddr>(
            stream.as_raw_fd(),
            &mut parts,
            Some(&mut space),
            MsgFlags::empty(),
        )?;
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(descriptors) = control
                && let Some(descriptor) = descriptors.first()
            {
                return Ok(owned(*descriptor));
            }
        }
        Err(io::Error::other("no terminal was sent"))
    }
}

#[expect(
    unsafe_code,
    reason = "a descriptor received over a socket is owned by whoever received it"
)]
fn owned(descriptor: i32) -> OwnedFd {
    // SAFETY: the kernel made this descriptor for us when the message arrived, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

/// Sets a terminal's size in columns and rows.
pub(super) fn resize(terminal: &impl AsFd, columns: u16, rows: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    set_window_size(terminal.as_fd().as_raw_fd(), &size);
}

#[expect(unsafe_code, reason = "there is no safe wrapper for this ioctl")]
fn set_window_size(descriptor: i32, size: &Winsize) {
    // SAFETY: the descriptor is open and TIOCSWINSZ reads one `winsize`.
    unsafe { libc::ioctl(descriptor, libc::TIOCSWINSZ, std::ptr::from_ref(size)) };
}
