//! The first process of a pod whose containers see each other's: it owns their PID namespace and reaps what they
//! leave behind.

use std::path::Path;

use nix::sys::signal::Signal;

use super::signals;

/// Stays until it is killed, which kills all that is in its namespace. Nothing of the node's files can be reached
/// through it: its root is the empty `directory`.
pub(super) fn main(directory: &Path) -> i32 {
    // It outlives the terminal that its parent was started from.
    let _leader = nix::unistd::setsid();
    // The kernel reaps for a process that ignores its children.
    signals::ignore(Signal::SIGCHLD);
    let shut = std::fs::create_dir_all(directory).map_err(|_| nix::Error::ENOENT);
    let shut = shut.and_then(|()| nix::unistd::chroot(directory));
    if shut.and_then(|()| nix::unistd::chdir("/")).is_err() {
        return 1;
    }
    loop {
        nix::unistd::pause();
    }
}
