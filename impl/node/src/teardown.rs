//! Takes away everything that nodes left on this machine, whoever started them.

use std::fs;
use std::path::Path;

use crate::embedded::{PodRecord, node_cgroup};
use crate::paths::Paths;
use crate::{cgroup, network, sandbox, shim};

/// Kills the containers of every node of a data directory and removes their mounts, namespaces, links,
/// addresses, cgroups and files. Images stay. What is gone already is not missed.
pub fn teardown(data_dir: &Path) {
    let nodes = data_dir.join("nodes");
    for node in names(&nodes) {
        teardown_node(data_dir, &node);
    }
    // Whatever is still busy is removed when this is called again.
    let _left = fs::remove_dir_all(nodes);
    cgroup::remove_if_empty("/kanon");
}

/// The same for one node: what a power cut leaves of it.
pub fn teardown_node(data_dir: &Path, node: &str) {
    let paths = Paths::new(data_dir, node);
    let group = node_cgroup(node);
    kill_everything(&paths, &group);
    for pod_uid in names(&paths.pods()) {
        remove_pod(&paths, &pod_uid);
    }
    cgroup::remove(&group);
    network::restore_host(node);
    // Whatever is still busy is removed when this is called again.
    let _left = fs::remove_dir_all(data_dir.join("nodes").join(node));
}

/// Kills the containers, and waits until their shims have written and cleaned up what they do.
fn kill_everything(paths: &Paths, group: &str) {
    cgroup::kill(group);
    for pod_uid in names(&paths.pods()) {
        for container in names(&paths.containers(&pod_uid)) {
            let directory = paths.containers(&pod_uid).join(container);
            shim::wait_until_ended(&directory);
        }
    }
}

fn remove_pod(paths: &Paths, pod_uid: &str) {
    for container in names(&paths.containers(pod_uid)) {
        sandbox::unmount(&paths.containers(pod_uid).join(container).join("rootfs"));
    }
    for volume in names(&paths.pod(pod_uid).join("volumes")) {
        sandbox::unmount(&paths.volume(pod_uid, &volume));
    }
    sandbox::remove(pod_uid, &paths.namespaces(pod_uid));
    let record: Option<PodRecord> = shim::read(&paths.pod_record(pod_uid)).ok();
    if record.is_some_and(|record| record.address.is_some()) {
        network::disconnect(pod_uid);
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
