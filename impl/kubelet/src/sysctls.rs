//! Which of the kernel's parameters a pod may set, and how they are written.
//!
//! Source: `pkg/kubelet/sysctl` and `component-helpers/node/util/sysctl` (v1.36). Left out: kernels that do not yet
//! have each of the safe ones for each pod, which the oldest with all of them, 4.15, has.

use k8s_openapi::api::core::v1::{Pod, Sysctl};

use crate::admission::Rejection;
use crate::spec;

/// Of which namespace of the kernel a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Namespace {
    Ipc,
    Net,
}

/// Those that no other pod notices.
const SAFE: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];
/// Parameters of IPC, or how those begin that are.
const IPC: [&str; 10] = [
    "kernel.sem",
    "kernel.shm",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
    "kernel.msg",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
];

/// What a pod wants to be set in its namespaces, by name with dots.
pub(crate) fn wanted(pod: &Pod) -> Vec<(String, String)> {
    let of = |one: &Sysctl| (normalized(&one.name), one.value.clone());
    all(pod).iter().map(of).collect()
}

/// Whether a pod sets only what is safe or what the node allows beyond that: names, or how they begin before a `*`.
pub(crate) fn admit(pod: &Pod, allowed_unsafe: &[String]) -> Result<(), Rejection> {
    all(pod).iter().try_for_each(|one| {
        check(pod, &normalized(&one.name), allowed_unsafe).map_err(|why| Rejection {
            reason: "SysctlForbidden",
            message: format!("forbidden sysctl: {why}"),
        })
    })
}

fn all(pod: &Pod) -> &[Sysctl] {
    let context = spec::spec(pod).security_context.as_ref();
    context.and_then(|context| context.sysctls.as_deref()).unwrap_or_default()
}

fn check(pod: &Pod, name: &str, allowed_unsafe: &[String]) -> Result<(), String> {
    let covers = |pattern: &String| match normalized(pattern).split_once('*') {
        Some((beginning, _)) => name.starts_with(beginning),
        None => normalized(pattern) == name,
    };
    if !SAFE.contains(&name) && !allowed_unsafe.iter().any(covers) {
        return Err(format!("\"{name}\" not allowlisted"));
    }
    let spec = spec::spec(pod);
    match namespace(name) {
        Some(Namespace::Ipc) if spec.host_ipc == Some(true) => {
            Err(format!("\"{name}\" not allowed with host IPC enabled"))
        }
        Some(Namespace::Net) if spec.host_network == Some(true) => {
            Err(format!("\"{name}\" not allowed with host Net enabled"))
        }
        Some(Namespace::Ipc | Namespace::Net) => Ok(()),
        // What is of the whole node is never a pod's.
        None => Err(format!("\"{name}\" not allowlisted")),
    }
}

fn namespace(name: &str) -> Option<Namespace> {
    if IPC.contains(&name) || name.starts_with("fs.mqueue.") {
        return Some(Namespace::Ipc);
    }
    name.starts_with("net.").then_some(Namespace::Net)
}

/// A name whose first separator is `/` has each of the two for the other.
fn normalized(name: &str) -> String {
    if name.find(['.', '/']).is_none_or(|first| name[first..].starts_with('.')) {
        return name.to_owned();
    }
    let swapped = |letter| match letter {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    name.chars().map(swapped).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(name: &str, spec: serde_json::Value) -> String {
        let mut spec = spec;
        spec["securityContext"] = json!({"sysctls": [{"name": name, "value": "1"}]});
        let pod = serde_json::from_value(json!({"spec": spec})).unwrap();
        let allowed =
            ["kernel.msg*".to_owned(), "kernel.sem".to_owned(), "vm.swappiness".to_owned()];
        admit(&pod, &allowed).err().map_or_else(String::new, |rejection| rejection.message)
    }

    #[test]
    fn a_pod_sets_what_is_safe_or_allowed_and_not_what_it_shares_with_the_node() {
        let table = [
            ("kernel.shm_rmid_forced", json!({}), ""),
            ("kernel/shm_rmid_forced", json!({}), ""),
            ("kernel.msgmax", json!({}), ""),
            ("kernel.sem", json!({}), ""),
            ("kernel.shmmax", json!({}), "forbidden sysctl: \"kernel.shmmax\" not allowlisted"),
            ("vm.swappiness", json!({}), "forbidden sysctl: \"vm.swappiness\" not allowlisted"),
            (
                "kernel.shm_rmid_forced",
                json!({"hostIPC": true}),
                "forbidden sysctl: \"kernel.shm_rmid_forced\" not allowed with host IPC enabled",
            ),
            (
                "net.ipv4.tcp_rmem",
                json!({"hostNetwork": true}),
                "forbidden sysctl: \"net.ipv4.tcp_rmem\" not allowed with host Net enabled",
            ),
        ];

        for (name, spec, message) in table {
            assert_eq!(refused(name, spec), message, "{name}");
        }
    }

    #[test]
    fn a_name_with_slashes_is_one_with_dots() {
        let table = [
            ("net/ipv4/conf/eno2.100/rp_filter", "net.ipv4.conf.eno2/100.rp_filter"),
            ("net.ipv4.conf.eno2/100.rp_filter", "net.ipv4.conf.eno2/100.rp_filter"),
            ("single", "single"),
        ];

        for (name, expected) in table {
            assert_eq!(normalized(name), expected);
        }
    }
}
