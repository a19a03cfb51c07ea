//! What this machine says about itself.

use std::fs;

use k8s_openapi::api::core::v1::NodeSystemInfo;
use kubelet::{Capacity, Config};

/// Pods that a node takes; upstream's default.
const PODS_MAX: i64 = 110;

/// The configuration of a node that has `share` of this machine: one of so many nodes on it.
pub fn machine_config(node_name: &str, node_ip: &str, nodes: u32) -> Config {
    let share = i64::from(nodes.max(1));
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let cores = i64::try_from(cores).unwrap_or(i64::MAX / 1000);
    let capacity = Capacity {
        cpu_milli: cores * 1000 / share,
        memory_bytes: memory_bytes() / share,
        ephemeral_storage_bytes: disk_bytes() / share,
        pods: PODS_MAX,
    };
    let mut config = Config::new(node_name, node_ip, capacity);
    config.node_info = node_info(config.node_info);
    config
}

/// The address that this machine uses towards others, or that of its loopback when there are none.
pub fn machine_address() -> String {
    let socket = std::net::UdpSocket::bind(("0.0.0.0", 0));
    // Connecting a UDP socket sends nothing; it only chooses a route.
    let address = socket.and_then(|socket| {
        socket.connect(("203.0.113.1", 9))?;
        socket.local_addr()
    });
    address.map_or_else(|_| "127.0.0.1".to_owned(), |address| address.ip().to_string())
}

fn node_info(usual: NodeSystemInfo) -> NodeSystemInfo {
    let line = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    NodeSystemInfo {
        architecture: if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }.to_owned(),
        boot_id: line("/proc/sys/kernel/random/boot_id"),
        kernel_version: line("/proc/sys/kernel/osrelease"),
        machine_id: line("/etc/machine-id"),
        os_image: name.unwrap_or("Linux").trim_matches('"').to_owned(),
        system_uuid: line("/etc/machine-id"),
        ..usual
    }
}

fn memory_bytes() -> i64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes =
        total.and_then(|total| total.trim().trim_end_matches("kB").trim().parse::<i64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

fn disk_bytes() -> i64 {
    let found = nix::sys::statvfs::statvfs("/");
    found.map_or(0, |found| {
        i64::try_from(found.blocks() * found.fragment_size()).unwrap_or(i64::MAX)
    })
}
