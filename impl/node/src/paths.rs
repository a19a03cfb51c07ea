//! Where a node keeps what: one place for every path below its state directory.

use std::path::{Path, PathBuf};

use api::Key;
use kubelet::runtime::ContainerId;

/// The state directory of one node.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    root: PathBuf,
}

impl Paths {
    /// Of a node in a data directory.
    pub(crate) fn new(data_dir: &Path, node: &str) -> Self {
        Self { root: data_dir.join("nodes").join(node) }
    }

    /// One directory for each pod.
    pub(crate) fn pods(&self) -> PathBuf {
        self.root.join("pods")
    }

    /// A pod's directory.
    pub(crate) fn pod(&self, pod_uid: &str) -> PathBuf {
        self.pods().join(pod_uid)
    }

    /// `pod.json`: which pod it is and its address.
    pub(crate) fn pod_record(&self, pod_uid: &str) -> PathBuf {
        self.pod(pod_uid).join("pod.json")
    }

    /// `resources.json`: what a pod was promised and what it has.
    pub(crate) fn resources(&self, pod_uid: &str) -> PathBuf {
        self.pod(pod_uid).join("resources.json")
    }

    /// Where a pod's namespaces are pinned.
    pub(crate) fn namespaces(&self, pod_uid: &str) -> PathBuf {
        self.pod(pod_uid).join("ns")
    }

    /// A pod's volume.
    pub(crate) fn volume(&self, pod_uid: &str, volume: &str) -> PathBuf {
        self.pod(pod_uid).join("volumes").join(volume)
    }

    /// One directory for each container of a pod.
    pub(crate) fn containers(&self, pod_uid: &str) -> PathBuf {
        self.pod(pod_uid).join("containers")
    }

    /// A container's directory.
    pub(crate) fn container(&self, id: &ContainerId) -> PathBuf {
        self.containers(&id.pod_uid).join(format!("{}.{}", id.name, id.attempt))
    }

    /// The logs of a pod, laid out as upstream's `/var/log/pods`.
    pub(crate) fn logs(&self, pod: &Key, pod_uid: &str) -> PathBuf {
        self.root.join("logs").join(format!("{}_{}_{pod_uid}", pod.namespace, pod.name))
    }

    /// A container's log.
    pub(crate) fn log(&self, pod: &Key, id: &ContainerId) -> PathBuf {
        self.logs(pod, &id.pod_uid).join(&id.name).join(format!("{}.log", id.attempt))
    }
}
