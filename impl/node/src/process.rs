//! Processes that may or may not be our children: whether they run, and when they end.

use std::fs;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// When a process started, in the kernel's ticks since boot. With its id it names the process for good.
pub(crate) fn start_time(pid: i32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or(io::ErrorKind::InvalidData)?;
    // Field 22 of proc(5); the first after the name is field 3.
    let field = fields.split_whitespace().nth(19).ok_or(io::ErrorKind::InvalidData)?;
    field.parse().map_err(io::Error::other)
}

/// Whether the process that had this id at this start time still runs.
pub(crate) fn is_running(pid: i32, start: u64) -> bool {
    let zombie = fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('Z')));
    !zombie && start_time(pid).is_ok_and(|found| found == start)
}

/// Waits until a process has ended, whoever's child it is, and reaps it if it is ours.
pub(crate) async fn ended(pid: i32) {
    if let Ok(descriptor) = open(pid).and_then(registered) {
        // A descriptor that cannot be waited for belongs to a process that has ended.
        let _ended = descriptor.readable().await;
    }
    let _not_ours = waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG));
}

#[expect(unsafe_code, reason = "tokio asks for the promise that the descriptor stays open")]
fn registered(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is moved into what is registered, which closes it last.
    Ok(unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?)
}

#[expect(unsafe_code, reason = "there is no safe wrapper for pidfd_open here")]
fn open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two numbers and returns a new descriptor or -1.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    match i32::try_from(descriptor) {
        // SAFETY: the kernel has just made this descriptor for us.
        Ok(descriptor) if descriptor >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        _ => Err(io::Error::last_os_error()),
    }
}
