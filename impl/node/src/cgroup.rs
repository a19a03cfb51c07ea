//! Makes, reads, changes and removes control groups, under either version of the kernel's interface.

use std::fs;
use std::path::{Path, PathBuf};

use kubelet::runtime::CPU_PERIOD_MICROSECONDS;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::Error;

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

/// Makes a group with limits of CPU and memory.
pub(crate) fn create(group: &str) -> Result<(), Error> {
    let root = Path::new(ROOT);
    if !root.join("cgroup.controllers").exists() {
        return ["cpu", "memory"].into_iter().map(|name| root.join(name)).try_for_each(
            |hierarchy| {
                let directory = hierarchy.join(group.trim_start_matches('/'));
                fs::create_dir_all(&directory).map_err(Error::file(&directory))
            },
        );
    }
    let mut directory = root.to_owned();
    for part in group.trim_start_matches('/').split('/') {
        write(&directory.join("cgroup.subtree_control"), "+cpu +memory")?;
        directory.push(part);
        fs::create_dir_all(&directory).map_err(Error::file(&directory))?;
    }
    Ok(())
}

/// Puts a process into a group.
pub(crate) fn enter(group: &str, pid: i32) -> Result<(), Error> {
    ["cpu", "memory"].into_iter().try_for_each(|controller| match directory(group, controller) {
        Version::One(directory) | Version::Two(directory) => {
            write(&directory.join("cgroup.procs"), &pid.to_string())
        }
    })
}

/// Sets how much memory a group may use.
pub(crate) fn set_memory(group: &str, limit_bytes: Option<i64>) -> Result<(), Error> {
    let text =
        |unlimited: &str| limit_bytes.map_or(unlimited.to_owned(), |bytes| bytes.to_string());
    match directory(group, "memory") {
        Version::One(directory) => write(&directory.join("memory.limit_in_bytes"), &text("-1")),
        Version::Two(directory) => write(&directory.join("memory.max"), &text("max")),
    }
}

/// Sets a group's weight and how much CPU it may use in a period.
pub(crate) fn set_cpu(group: &str, shares: u64, quota: Option<i64>) -> Result<(), Error> {
    match directory(group, "cpu") {
        Version::One(directory) => {
            write(&directory.join("cpu.shares"), &shares.to_string())?;
            write(&directory.join("cpu.cfs_period_us"), &CPU_PERIOD_MICROSECONDS.to_string())?;
            write(&directory.join("cpu.cfs_quota_us"), &quota.unwrap_or(-1).to_string())
        }
        Version::Two(directory) => {
            write(&directory.join("cpu.weight"), &weight(shares).to_string())?;
            let quota = quota.map_or("max".to_owned(), |quota| quota.to_string());
            write(&directory.join("cpu.max"), &format!("{quota} {CPU_PERIOD_MICROSECONDS}"))
        }
    }
}

/// How many bytes a group uses.
pub(crate) fn memory_usage(group: &str) -> Option<i64> {
    let path = match directory(group, "memory") {
        Version::One(directory) => directory.join("memory.usage_in_bytes"),
        Version::Two(directory) => directory.join("memory.current"),
    };
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// How many bytes a group uses that the kernel could not take away at once. Source: cAdvisor's working set.
pub(crate) fn working_set(group: &str) -> Option<i64> {
    let (Version::One(directory) | Version::Two(directory)) = directory(group, "memory");
    let stat = fs::read_to_string(directory.join("memory.stat")).unwrap_or_default();
    let of = |name: &str| {
        stat.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<i64>().ok())
    };
    let inactive = of("total_inactive_file ").or_else(|| of("inactive_file ")).unwrap_or(0);
    Some((memory_usage(group)? - inactive).max(0))
}

/// How many processes are in a group.
pub(crate) fn process_count(group: &str) -> i64 {
    let (Version::One(directory) | Version::Two(directory)) = directory(group, "memory");
    let processes = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
    i64::try_from(processes.lines().count()).unwrap_or(i64::MAX)
}

/// A group's directory, under one of the versions of the kernel's interface.
enum Version {
    One(PathBuf),
    Two(PathBuf),
}

fn directory(group: &str, controller: &str) -> Version {
    let (root, group) = (Path::new(ROOT), group.trim_start_matches('/'));
    if root.join("cgroup.controllers").exists() {
        return Version::Two(root.join(group));
    }
    Version::One(root.join(controller).join(group))
}

/// Version 2 has weights from 1 to 10000 where version 1 has shares from 2 to 262144.
fn weight(shares: u64) -> u64 {
    1 + (shares.saturating_sub(2) * 9999) / 262_142
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::file(path))
}
