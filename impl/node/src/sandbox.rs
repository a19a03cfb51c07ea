//! A pod's namespaces, pinned by bind mounts: they need no process to keep them alive.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

use crate::{Error, network};

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
}

const PINS: [(&str, CloneFlags); 3] = [
    ("net", CloneFlags::CLONE_NEWNET),
    ("ipc", CloneFlags::CLONE_NEWIPC),
    ("uts", CloneFlags::CLONE_NEWUTS),
];

/// Makes and pins the namespaces, in a thread of its own that ends with them entered.
pub(crate) fn create(wanted: Wanted) -> Result<(), Error> {
    let thread = std::thread::Builder::new().name("sandbox".to_owned());
    let running = thread.spawn(move || inside(&wanted)).map_err(|error| Error::Program {
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
        pin(name, &wanted.directory.join(name))?;
    }
    if let Some(address) = &wanted.address {
        connect(wanted, address, &host)?;
    }
    wanted.sysctls.iter().try_for_each(|(name, value)| set(name, value))
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

fn pin(name: &str, path: &Path) -> Result<(), Error> {
    File::create(path).map_err(Error::file(path))?;
    let source = format!("/proc/thread-self/ns/{name}");
    mount(Some(source.as_str()), path, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(Error::system("pinning a pod's namespace"))
}

/// Lets the namespaces go. The link goes first: the kernel frees a namespace in its own time.
pub(crate) fn remove(pod_uid: &str, directory: &Path) {
    network::disconnect(pod_uid);
    for (name, _) in PINS {
        unmount(&directory.join(name));
    }
    // Whatever is left is found again by the next removal.
    let _left = fs::remove_dir_all(directory);
}

/// Unmounts, also what is in use, also what is mounted more than once.
pub(crate) fn unmount(path: &Path) {
    while path.exists() && umount2(path, MntFlags::MNT_DETACH).is_ok() {}
}
