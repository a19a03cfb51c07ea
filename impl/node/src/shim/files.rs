//! The files and lines by which a shim and the runtime talk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use api::Timestamp;
use nix::fcntl::{Flock, FlockArg};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// `shim.json`: what the shim needs beside the OCI configuration.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Config {
    /// A name for libcontainer, short and unique in the directory.
    pub(crate) name: String,
    /// Where the log goes.
    pub(crate) log: PathBuf,
    /// The container's cgroup below each hierarchy's root.
    pub(crate) cgroup: String,
    /// Whether the container runs on a terminal.
    pub(crate) tty: bool,
    /// Whether standard input stays open.
    pub(crate) stdin: bool,
}

/// `started.json`: the running container.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Started {
    /// The shim's process.
    pub(crate) shim: i32,
    /// When that process started, in the kernel's ticks: a process id alone may be used again.
    pub(crate) shim_start: u64,
    /// The container's first process.
    pub(crate) pid: i32,
    /// When.
    pub(crate) started_at: Timestamp,
}

/// The one line that a shim prints to whoever started it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Answer {
    /// It runs.
    Started(Started),
    /// It does not, and why.
    Failed(String),
}

/// Reads a JSON file.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    serde_json::from_slice(&fs::read(path)?).map_err(io::Error::other)
}

/// Writes a JSON file so that a reader sees all of it or nothing.
pub(crate) fn write<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, serde_json::to_vec(value).map_err(io::Error::other)?)?;
    fs::rename(temporary, path)
}

/// Takes the lock that a shim holds as long as it runs; `None` when a shim has it.
pub(crate) fn lock(directory: &Path) -> io::Result<Option<Flock<File>>> {
    let file = File::create(directory.join("lock"))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, error)) => Err(error.into()),
    }
}

/// How long a killed container's shim may take to end.
const ENDING: Duration = Duration::from_secs(5);

/// Waits until no shim runs in a directory, but not for ever.
pub(crate) fn wait_until_ended(directory: &Path) {
    let begin = Instant::now();
    while begin.elapsed() < ENDING && lock(directory).is_ok_and(|lock| lock.is_none()) {
        std::thread::sleep(Duration::from_millis(5));
    }
}
