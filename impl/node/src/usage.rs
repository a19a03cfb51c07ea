//! What this machine has left, and what a node's pods use of it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use kubelet::eviction::{PodUsage, Supply};

use crate::cgroup;

/// Bytes of memory.
pub(crate) fn memory() -> Supply {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes =
            line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<i64>().ok());
        kibibytes.unwrap_or(0) * 1024
    };
    Supply { available: bytes("MemAvailable:"), capacity: bytes("MemTotal:") }
}

/// Bytes and inodes of the disk that a path is on.
pub(crate) fn disk(path: &Path) -> (Supply, Supply) {
    let Ok(found) = nix::sys::statvfs::statvfs(path) else { return Default::default() };
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let bytes = |blocks: u64| count(blocks.saturating_mul(found.fragment_size()));
    let disk =
        Supply { available: bytes(found.blocks_available()), capacity: bytes(found.blocks()) };
    (disk, Supply { available: count(found.files_available()), capacity: count(found.files()) })
}

/// Process ids.
pub(crate) fn pids() -> Supply {
    let most = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap_or_default();
    let capacity = most.trim().parse::<i64>().unwrap_or(0);
    // `0.20 0.18 0.12 1/80 11206`: the fourth is how many run, of how many there are.
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let used = load
        .split_whitespace()
        .nth(3)
        .and_then(|tasks| tasks.split_once('/')?.1.parse::<i64>().ok());
    Supply { available: capacity - used.unwrap_or(0), capacity }
}

/// What one pod uses: containers by name and control group, and where its files lie if those count.
pub(crate) fn pod(containers: &[(String, String)], directory: Option<&Path>) -> PodUsage {
    let memory = containers
        .iter()
        .map(|(name, group)| (name.clone(), cgroup::working_set(group).unwrap_or(0)));
    let processes = containers.iter().map(|(_, group)| cgroup::process_count(group)).sum();
    PodUsage { memory: memory.collect(), disk: directory.map_or(0, bytes_below), processes }
}

/// What lies below a folder, on its own file system: what is mounted there is not its own.
fn bytes_below(folder: &Path) -> i64 {
    let Ok(own) = fs::symlink_metadata(folder) else { return 0 };
    let mut sum = i64::try_from(own.blocks() * 512).unwrap_or(i64::MAX);
    if own.is_dir() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_mounted = entry.metadata().is_ok_and(|found| found.dev() != own.dev());
            sum += if is_mounted { 0 } else { bytes_below(&entry.path()) };
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_no_more_left_than_there_is() {
        let (disk, inodes) = disk(Path::new("/"));

        for supply in [memory(), disk, inodes, pids()] {
            assert!(supply.capacity >= supply.available, "{supply:?}");
        }
        assert!(memory().capacity > 0 && disk.capacity > 0 && pids().capacity > 0);
    }

    #[test]
    fn what_is_written_below_a_folder_counts() {
        let folder = tempfile::tempdir().unwrap();
        let before = bytes_below(folder.path());
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/file"), vec![1; 100_000]).unwrap();

        assert!(bytes_below(folder.path()) >= before + 100_000);
    }
}
