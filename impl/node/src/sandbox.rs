//! A pod's namespaces, pinned by bind mounts: they need no process to keep them alive, but that of its processes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::{Error, cgroup, network, process, shim};

/// What a sandbox needs.
pub(crate) struct Wanted {
    /// The pod's uid.
    pub(crate) pod_uid: String,
    /// The host name inside.
    pub(crate) hostname: String,
    /// The address, or none on the node's network.
    pub(crate) address: Option<String>,
    /// From which of the host's addresses pods are spoken to; empty lets the kernel choose.
    pub(crate) source: String,
    /// Where the namespaces are pinned.
    pub(crate) directory: PathBuf,
    /// Parameters of the kernel to set: names with dots, and values.
    pub(crate) sysctls: Vec<(String, String)>,
    /// The cgroup of the process that owns the PID namespace, if its containers share one.
    pub(crate) pause: Option<String>,
}

/// `pause.json`: the process that owns the PID namespace.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Pause {
    pid: i32,
    /// When it started, in the kernel's ticks: a process id alone may be used again.
    start: u64,
}

const PINS: [(&str, CloneFlags); 3] = [
    ("net", CloneFlags::CLONE_NEWNET),
    ("ipc", CloneFlags::CLONE_NEWIPC),
    ("uts", CloneFlags::CLONE_NEWUTS),
];

/// Makes and pins the namespaces, in a thread of its own that ends with them entered.
pub(crate) fn create(wanted: Wanted) -> Result<(), Error> {
    in_thread(move || inside(&wanted))
}

/// Does something that changes what its thread sees.
fn in_thread(work: impl FnOnce() -> Result<(), Error> + Send + 'static) -> Result<(), Error> {
    let thread = std::thread::Builder::new().name("sandbox".to_owned());
    let running = thread.spawn(work).map_err(|error| Error::Program {
        program: "kanon",
        message: format!("no thread for a sandbox: {error}"),
    })?;
    running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn inside(wanted: &Wanted) -> Result<(), Error> {
    fs::create_dir_all(&wanted.directory).map_err(Error::file(&wanted.directory))?;
    let pins: Vec<_> = PINS
        .into_iter()
        .filter(|(_, flag)| wanted.address.is_some() || *flag == CloneFlags::CLONE_NEWIPC)
        .collect();
    let flags = pins.iter().fold(CloneFlags::empty(), |flags, (_, flag)| flags | *flag);
    let host =
        fs::File::open("/proc/thread-self/ns/net").map_err(Error::file(Path::new("/proc")))?;
    unshare(flags).map_err(Error::system("unsharing a pod's namespaces"))?;
    for (name, _) in &pins {
        let source = format!("/proc/thread-self/ns/{name}");
        pin(&source, &wanted.directory.join(name))?;
    }
    if let Some(address) = &wanted.address {
        connect(wanted, address, &host)?;
    }
    wanted.sysctls.iter().try_for_each(|(name, value)| set(name, value))?;
    // The last, since it is the first process of its namespace that this thread starts.
    wanted.pause.as_ref().map_or(Ok(()), |group| start_pause(&wanted.directory, group))
}

fn start_pause(directory: &Path, group: &str) -> Result<(), Error> {
    unshare(CloneFlags::CLONE_NEWPID).map_err(Error::system("unsharing the processes of a pod"))?;
    cgroup::create(group)?;
    let mut child = Command::new("/proc/self/exe")
        .args([Path::new(shim::PAUSE), &directory.join("root")])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| Error::Program { program: "kanon", message: error.to_string() })?;
    let pid = i32::try_from(child.id()).expect("the kernel's process ids are positive");
    keep_pause(directory, group, pid).inspect_err(|_| {
        // Nobody else knows it.
        let _ended = child.kill();
        let _reaped = child.wait();
    })
}

/// Puts the process into its group first: whatever comes between, it is found there and ends with its pod.
fn keep_pause(directory: &Path, group: &str, pid: i32) -> Result<(), Error> {
    cgroup::enter(group, pid)?;
    let start = process::start_time(pid).map_err(Error::file(Path::new("/proc")))?;
    let record = directory.join("pause.json");
    shim::write(&record, &Pause { pid, start }).map_err(Error::file(&record))?;
    pin(&format!("/proc/{pid}/ns/pid"), &directory.join("pid"))
}

/// Starts the process that owns the PID namespace again if it has ended: all others have ended with it. Nothing for a
/// pod whose containers share none.
pub(crate) fn revive_pause(directory: &Path, group: &str) -> Result<(), Error> {
    let Ok(pause) = shim::read::<Pause>(&directory.join("pause.json")) else { return Ok(()) };
    if process::is_running(pause.pid, pause.start) {
        return Ok(());
    }
    kill_pause(directory);
    unmount(&directory.join("pid"));
    let (directory, group) = (directory.to_owned(), group.to_owned());
    in_thread(move || start_pause(&directory, &group))
}

/// Kills all that is left in the PID namespace of a pod.
fn kill_pause(directory: &Path) {
    let Ok(pause) = shim::read::<Pause>(&directory.join("pause.json")) else { return };
    if process::is_running(pause.pid, pause.start) {
        // One that has ended meanwhile is what was wanted; one of an earlier kubelet is not ours to reap.
        let _ended = kill(Pid::from_raw(pause.pid), Signal::SIGKILL);
        let _not_ours = waitpid(Pid::from_raw(pause.pid), None);
    }
    // One that somebody else has killed waits to be reaped.
    let _reaped = waitpid(Pid::from_raw(pause.pid), Some(WaitPidFlag::WNOHANG));
}

/// Gives this thread's network, which is the pod's, its name and its link; `host` is the node's network.
fn connect(wanted: &Wanted, address: &str, host: &File) -> Result<(), Error> {
    nix::unistd::sethostname(&wanted.hostname)
        .map_err(Error::system("setting a pod's host name"))?;
    let own =
        fs::File::open("/proc/thread-self/ns/net").map_err(Error::file(Path::new("/proc")))?;
    enter(host)?;
    let namespace = wanted.directory.join("net");
    network::connect_on_host(&wanted.pod_uid, &namespace, address, &wanted.source)?;
    enter(&own)?;
    network::connect_inside(address)
}

/// Sets a parameter of the kernel in the namespaces of this thread.
fn set(name: &str, value: &str) -> Result<(), Error> {
    let parts = name.split('.').map(|part| part.replace('/', "."));
    let path: PathBuf = std::iter::once("/proc/sys".to_owned()).chain(parts).collect();
    fs::write(&path, value).map_err(Error::file(&path))
}

/// Enters a network, with this thread alone.
pub(crate) fn enter(namespace: &File) -> Result<(), Error> {
    nix::sched::setns(namespace, CloneFlags::CLONE_NEWNET)
        .map_err(Error::system("entering a network"))
}

fn pin(source: &str, path: &Path) -> Result<(), Error> {
    File::create(path).map_err(Error::file(path))?;
    mount(Some(source), path, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(Error::system("pinning a pod's namespace"))
}

/// Lets the namespaces go. The link goes first: the kernel frees a namespace in its own time.
pub(crate) fn remove(pod_uid: &str, directory: &Path) {
    network::disconnect(pod_uid);
    kill_pause(directory);
    for name in PINS.iter().map(|(name, _)| *name).chain(["pid"]) {
        unmount(&directory.join(name));
    }
    // Whatever is left is found again by the next removal.
    let _left = fs::remove_dir_all(directory);
}

/// Unmounts, also what is in use, also what is mounted more than once.
pub(crate) fn unmount(path: &Path) {
    while path.exists() && umount2(path, MntFlags::MNT_DETACH).is_ok() {}
}
