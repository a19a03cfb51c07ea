//! What the pods of this node use.

use kubelet::eviction::Usage;

use super::Embedded;
use crate::{shim, usage};

impl Embedded {
    pub(super) fn used(&self, with_disks: bool) -> Usage {
        let pods = std::fs::read_dir(self.0.paths.pods()).into_iter().flatten().flatten();
        let pods = pods.filter_map(|entry| entry.file_name().into_string().ok()).map(|pod_uid| {
            let ids = self.containers_on_disk(&pod_uid).into_iter();
            let running = ids.filter(|id| self.running(id).is_some()).filter_map(|id| {
                let config: shim::Config =
                    shim::read(&self.0.paths.container(&id).join("shim.json")).ok()?;
                Some((id.name, config.cgroup))
            });
            let running: Vec<(String, String)> = running.collect();
            let directory = with_disks.then(|| self.0.paths.pod(&pod_uid));
            let used = usage::pod(&running, directory.as_deref());
            (pod_uid, used)
        });
        let (disk, inodes) = usage::disk(&self.0.paths.pods());
        let pods = pods.collect();
        Usage { memory: usage::memory(), disk, inodes, pids: usage::pids(), pods }
    }
}
