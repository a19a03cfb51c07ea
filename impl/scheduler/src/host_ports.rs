//! Ports of nodes: which ones pods take, and which exclude each other.
//!
//! Source: `GetHostPorts` in pkg/scheduler/util and `HostPortInfo` in kube-scheduler/framework/types.go (v1.36).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, ContainerPort, PodSpec};

/// The address that stands for every address of a node.
const EVERY_ADDRESS: &str = "0.0.0.0";

/// A port of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPort {
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// Its number.
    pub port: i32,
    /// The address of the node; `0.0.0.0` is every one.
    pub address: String,
}

impl HostPort {
    /// The ports that a pod takes: those of its containers, and of init containers that keep running.
    pub fn of_pod(spec: &PodSpec) -> Vec<Self> {
        let keeps_running =
            |container: &&Container| container.restart_policy.as_deref() == Some("Always");
        let init_containers = spec.init_containers.iter().flatten().filter(keeps_running);
        let containers = init_containers.chain(&spec.containers);
        containers
            .flat_map(|container| container.ports.iter().flatten())
            .filter_map(Self::of)
            .collect()
    }

    fn of(port: &ContainerPort) -> Option<Self> {
        let or = |text: &Option<String>, default: &str| match text.as_deref() {
            None | Some("") => default.to_owned(),
            Some(text) => text.to_owned(),
        };
        Some(Self {
            protocol: or(&port.protocol, "TCP"),
            port: port.host_port.filter(|port| *port > 0)?,
            address: or(&port.host_ip, EVERY_ADDRESS),
        })
    }

    /// Whether no two pods of a node can have both.
    pub fn conflicts_with(&self, other: &Self) -> bool {
        let same_address = self.address == other.address
            || [&self.address, &other.address].contains(&&EVERY_ADDRESS.to_owned());
        (&self.protocol, self.port) == (&other.protocol, other.port) && same_address
    }
}

/// The ports that the pods of a node take, each with the number of pods that do.
#[derive(Clone, Debug, Default)]
pub struct UsedPorts {
    ports: BTreeMap<HostPort, usize>,
}

impl UsedPorts {
    /// Counts ports.
    pub fn add(&mut self, ports: &[HostPort]) {
        for port in ports {
            *self.ports.entry(port.clone()).or_default() += 1;
        }
    }

    /// Counts ports no more.
    pub fn remove(&mut self, ports: &[HostPort]) {
        for port in ports {
            if let Some(count) = self.ports.get_mut(port) {
                *count -= 1;
                if *count == 0 {
                    self.ports.remove(port);
                }
            }
        }
    }

    /// Whether one of these ports is taken.
    pub fn conflict_with(&self, wanted: &[HostPort]) -> bool {
        wanted.iter().any(|port| self.ports.keys().any(|used| used.conflicts_with(port)))
    }
}
