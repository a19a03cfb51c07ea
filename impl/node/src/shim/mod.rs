//! The binary's second life: one small single-threaded process per container.
//!
//! A shim starts one container, writes its log, answers who attaches, and says how the container ended
//! in a file. It outlives the kubelet, so containers do too. `libcontainer` changes its caller
//! (directory, dumpability, score); here that harms nobody.

mod attach;
mod console;
mod container;
mod exec;
mod files;
mod log;
mod pause;
mod signals;

use std::ffi::OsStr;
use std::path::PathBuf;

pub(crate) use attach::{SOCKET as ATTACH_SOCKET, frame};
pub(crate) use files::{Answer, Config, Started, lock, read, wait_until_ended, write};

/// The first argument of a shim.
pub(crate) const CONTAINER: &str = "__shim";
/// The first argument of the helper that runs a command in a container.
pub(crate) const EXEC: &str = "__exec";
/// The first argument of a process that owns the PID namespace of a pod.
pub(crate) const PAUSE: &str = "__pause";

/// Becomes a shim, and never returns, when the arguments say so. The first thing a binary that runs
/// containers does: no thread may be running yet.
pub fn main_if_shim() {
    let mut arguments = std::env::args_os().skip(1);
    let role = arguments.next();
    let paths: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let code = match (role.as_deref().and_then(OsStr::to_str), paths.as_slice()) {
        (Some(CONTAINER), [directory]) => container::main(directory),
        (Some(PAUSE), [directory]) => pause::main(directory),
        (Some(EXEC), [directory, process]) => exec::main(directory, process),
        _ => return,
    };
    std::process::exit(code);
}
