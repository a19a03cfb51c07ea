//! What a kubelet is told when it starts.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::NodeSystemInfo;

use crate::eviction;

/// A node's name, resources and habits.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name of the Node object.
    pub node_name: String,
    /// The node's address.
    pub node_ip: String,
    /// `spec.podCIDR` of the Node object; empty for none.
    pub pod_cidr: String,
    /// What the node has.
    pub capacity: Capacity,
    /// `status.nodeInfo`.
    pub node_info: NodeSystemInfo,
    /// Labels beside the usual ones.
    pub labels: BTreeMap<String, String>,
    /// After this without renewal the node counts as dead.
    pub lease_duration: Duration,
    /// How often the Lease is renewed.
    pub lease_renew_interval: Duration,
    /// How often the node's status is compared with what the API server has.
    pub status_update_frequency: Duration,
    /// How often it is written although nothing has changed.
    pub status_report_frequency: Duration,
    /// Parameters of the kernel that pods may set though others notice: names, or how they begin before a `*`.
    pub allowed_unsafe_sysctls: Vec<String>,
    /// When pods have to go because the node runs out of something.
    pub eviction: eviction::Settings,
}

/// What pods can share; all of it is allocatable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Thousandths of a core.
    pub cpu_milli: i64,
    /// Bytes of memory.
    pub memory_bytes: i64,
    /// Bytes of local disk.
    pub ephemeral_storage_bytes: i64,
    /// How many pods.
    pub pods: i64,
}

impl Config {
    /// Upstream's habits (v1.36): a Lease of 40 s renewed every 10 s, status every 10 s, reported every
    /// 5 minutes.
    pub fn new(node_name: &str, node_ip: &str, capacity: Capacity) -> Self {
        Self {
            node_name: node_name.to_owned(),
            node_ip: node_ip.to_owned(),
            pod_cidr: String::new(),
            capacity,
            node_info: node_info(),
            labels: BTreeMap::new(),
            lease_duration: Duration::from_secs(40),
            lease_renew_interval: Duration::from_secs(10),
            status_update_frequency: Duration::from_secs(10),
            status_report_frequency: Duration::from_secs(300),
            allowed_unsafe_sysctls: vec![],
            eviction: eviction::Settings::default(),
        }
    }
}

/// The version that this kubelet speaks as.
pub const KUBELET_VERSION: &str = "v1.36.0";

fn node_info() -> NodeSystemInfo {
    NodeSystemInfo {
        architecture: "amd64".to_owned(),
        container_runtime_version: concat!("kanon://", env!("CARGO_PKG_VERSION")).to_owned(),
        kubelet_version: KUBELET_VERSION.to_owned(),
        operating_system: "linux".to_owned(),
        ..NodeSystemInfo::default()
    }
}
