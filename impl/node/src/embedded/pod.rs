//! Pods: their namespaces, address and files.

use std::fs;

use api::Key;
use kubelet::runtime::{HostsFile, RuntimeEvent, SandboxSpec};
use serde::{Deserialize, Serialize};

use super::Embedded;
use super::volume::alone;
use crate::sandbox::{self, Wanted};
use crate::{Error, cgroup, network, shim};

/// `pod.json`: what is known of a pod after a restart of the kubelet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PodRecord {
    /// The pod's namespace.
    pub(crate) namespace: String,
    /// The pod's name.
    pub(crate) name: String,
    /// The host name inside.
    pub(crate) hostname: String,
    /// The address; none on the node's network.
    pub(crate) address: Option<String>,
    /// Whether the namespaces exist.
    pub(crate) sandbox: bool,
}

impl PodRecord {
    /// The pod's namespace and name.
    pub(crate) fn key(&self) -> Key {
        Key::new(&self.namespace, &self.name)
    }
}

impl Embedded {
    pub(super) fn pod_record(&self, pod_uid: &str) -> Result<PodRecord, Error> {
        let path = self.0.paths.pod_record(pod_uid);
        shim::read(&path).map_err(Error::file(&path))
    }

    /// The cgroup of everything on this node, or of one pod.
    pub(super) fn pod_cgroup(&self, pod_uid: &str) -> String {
        format!("{}/pod{pod_uid}", node_cgroup(&self.0.config.node))
    }

    pub(super) fn create_sandbox(&self, spec: &SandboxSpec) -> RuntimeEvent {
        let pod_uid = spec.pod_uid.clone();
        match self.try_create_sandbox(spec) {
            Ok(address) => RuntimeEvent::SandboxReady { pod_uid, ip: address.unwrap_or_default() },
            Err(error) => {
                self.remove_sandbox(&pod_uid);
                RuntimeEvent::SandboxFailed { pod_uid, message: error.to_string() }
            }
        }
    }

    /// The cgroup of the process that owns the PID namespace of a pod.
    fn pause_cgroup(&self, pod_uid: &str) -> String {
        format!("{}/pause", self.pod_cgroup(pod_uid))
    }

    /// Sees to it that the PID namespace that the containers of a pod share lives, if they share one.
    pub(super) fn revive_pause(&self, pod_uid: &str) -> Result<(), Error> {
        let _alone = alone();
        sandbox::revive_pause(&self.0.paths.namespaces(pod_uid), &self.pause_cgroup(pod_uid))
    }

    fn try_create_sandbox(&self, spec: &SandboxSpec) -> Result<Option<String>, Error> {
        let namespaces = self.0.paths.namespaces(&spec.pod_uid);
        sandbox::remove(&spec.pod_uid, &namespaces);
        let directory = self.0.paths.pod(&spec.pod_uid);
        fs::create_dir_all(&directory).map_err(Error::file(&directory))?;
        let address =
            if spec.host_network { None } else { Some(self.take_address(&spec.pod_uid)?) };
        let cgroup = self.pod_cgroup(&spec.pod_uid);
        sandbox::create(Wanted {
            pod_uid: spec.pod_uid.clone(),
            hostname: spec.hostname.clone(),
            address: address.clone(),
            source: self.0.config.node_ip.clone(),
            directory: namespaces,
            sysctls: spec.sysctls.clone(),
            pause: spec.shares_processes.then(|| self.pause_cgroup(&spec.pod_uid)),
        })?;
        cgroup::create(&cgroup)?;
        cgroup::set_cpu(&cgroup, spec.resources.cpu_shares, spec.resources.cpu_quota_microseconds)?;
        cgroup::set_memory(&cgroup, spec.resources.memory_limit_bytes)?;
        let record = PodRecord {
            namespace: spec.pod.namespace.clone(),
            name: spec.pod.name.clone(),
            hostname: spec.hostname.clone(),
            address: address.clone(),
            sandbox: true,
        };
        self.write_etc(spec)?;
        self.write_record(&spec.pod_uid, &record)?;
        Ok(address)
    }

    fn write_record(&self, pod_uid: &str, record: &PodRecord) -> Result<(), Error> {
        let path = self.0.paths.pod_record(pod_uid);
        shim::write(&path, record).map_err(Error::file(&path))
    }

    /// The files by which a pod knows its own name and who knows others.
    fn write_etc(&self, spec: &SandboxSpec) -> Result<(), Error> {
        let directory = self.0.paths.pod(&spec.pod_uid).join("etc");
        fs::create_dir_all(&directory).map_err(Error::file(&directory))?;
        let resolv = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        let files = [("hostname", format!("{}\n", spec.hostname)), ("resolv.conf", resolv)];
        for (name, content) in files {
            let path = directory.join(name);
            fs::write(&path, content).map_err(Error::file(&path))?;
        }
        Ok(())
    }

    /// The file in which a pod finds itself. One that is right stays: other containers may be reading it.
    pub(super) fn write_hosts(&self, pod_uid: &str, file: &HostsFile) -> Result<(), Error> {
        let HostsFile { first, with_nodes, last } = file;
        let of_node =
            if *with_nodes { fs::read_to_string("/etc/hosts") } else { Ok(String::new()) };
        let text = format!("{first}{}{last}", of_node.unwrap_or_default());
        let path = self.0.paths.pod(pod_uid).join("etc/hosts");
        let _alone = alone();
        if fs::read_to_string(&path).is_ok_and(|found| found == text) {
            return Ok(());
        }
        fs::write(&path, text).map_err(Error::file(&path))
    }

    fn take_address(&self, pod_uid: &str) -> Result<String, Error> {
        let mut state = self.state();
        if let Some(address) = state.addresses.get(pod_uid) {
            return Ok(address.clone());
        }
        let free = self.0.cidr.hosts().map(|host| host.to_string());
        let address = free
            .into_iter()
            .find(|host| !state.addresses.values().any(|taken| taken == host))
            .ok_or_else(|| Error::NoAddress(self.0.config.pod_cidr.clone()))?;
        state.addresses.insert(pod_uid.to_owned(), address.clone());
        Ok(address)
    }

    pub(super) fn remove_sandbox(&self, pod_uid: &str) {
        sandbox::remove(pod_uid, &self.0.paths.namespaces(pod_uid));
        if let Ok(record) = self.pod_record(pod_uid) {
            // Should the disk be full, the next start of the kubelet removes the sandbox again.
            let _again = self.write_record(pod_uid, &PodRecord { sandbox: false, ..record });
        }
        self.state().addresses.remove(pod_uid);
    }

    pub(super) fn remove_pod(&self, pod_uid: &str) {
        let record = self.pod_record(pod_uid);
        for id in self.containers_on_disk(pod_uid) {
            self.remove_container(&id);
        }
        self.remove_sandbox(pod_uid);
        self.unmount_volumes(pod_uid);
        cgroup::remove(&self.pod_cgroup(pod_uid));
        // What cannot be removed now is found and removed when the kubelet starts again.
        let _left = fs::remove_dir_all(self.0.paths.pod(pod_uid));
        if let Ok(record) = record {
            let _left = fs::remove_dir_all(self.0.paths.logs(&record.key(), pod_uid));
        }
        network::disconnect(pod_uid);
    }
}

/// The cgroup below which a node's pods live.
pub(crate) fn node_cgroup(node: &str) -> String {
    format!("/kanon/{node}")
}
