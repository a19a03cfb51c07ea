//! Reads and removes control groups, under either version of the kernel's interface.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

const ROOT: &str = "/sys/fs/cgroup";

/// The directory of every hierarchy: one for each controller in version 1, one in all in version 2.
fn hierarchies() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    if root.join("cgroup.controllers").exists() {
        return vec![root.to_owned()];
    }
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir() && !path.is_symlink()).collect()
}

/// How many processes of a group the kernel killed for want of memory.
pub(crate) fn oom_kills(group: &str) -> u64 {
    let group = group.trim_start_matches('/');
    let files = [
        Path::new(ROOT).join("memory").join(group).join("memory.oom_control"),
        Path::new(ROOT).join(group).join("memory.events"),
    ];
    let text = files.iter().find_map(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

/// Kills every process in a group and in the groups below it.
pub(crate) fn kill(group: &str) {
    for hierarchy in hierarchies() {
        kill_tree(&hierarchy.join(group.trim_start_matches('/')));
    }
}

fn kill_tree(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            kill_tree(&entry.path());
        }
    }
    let processes = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
    for pid in processes.lines().filter_map(|line| line.parse().ok()) {
        // A process that has ended meanwhile is what was wanted.
        let _ended = nix::sys::signal::kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// Removes a group and the groups below it from every hierarchy. Groups that still hold a process stay.
pub(crate) fn remove(group: &str) {
    for hierarchy in hierarchies() {
        remove_tree(&hierarchy.join(group.trim_start_matches('/')));
    }
}

fn remove_tree(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove_tree(&entry.path());
        }
    }
    // A group that does not exist or is busy is not ours to force.
    let _busy = fs::remove_dir(directory);
}

/// Removes a group from every hierarchy in which nothing lives below it.
pub(crate) fn remove_if_empty(group: &str) {
    for hierarchy in hierarchies() {
        let _busy = fs::remove_dir(hierarchy.join(group.trim_start_matches('/')));
    }
}
