//! Writes the OCI configuration of a container: what the kubelet asked for over what the image says.
//!
//! Defaults (mounts, masked paths, capabilities) are those of containerd's CRI plugin.

use std::path::Path;

use kubelet::runtime::{CPU_PERIOD_MICROSECONDS, ContainerSpec, Processes};
use serde_json::{Value, json};

use crate::image::Defaults;
use crate::user::User;

/// What the runtime adds to the kubelet's and the image's wishes.
pub(crate) struct Surroundings<'a> {
    /// The mounted root file system.
    pub(crate) rootfs: &'a Path,
    /// The pod's pinned namespaces.
    pub(crate) namespaces: &'a Path,
    /// The PID namespace of the process whose processes the container sees, if not its own or the node's.
    pub(crate) joined: Option<String>,
    /// The container's cgroup.
    pub(crate) cgroup: &'a str,
    /// Bind mounts: source, place in the container, read-only.
    pub(crate) binds: Vec<(String, String, bool)>,
    /// Who the container runs as.
    pub(crate) user: User,
    /// The host name, for `HOSTNAME`.
    pub(crate) hostname: String,
}

/// The OCI runtime configuration, version 1.
pub(crate) fn configuration(
    spec: &ContainerSpec,
    image: &Defaults,
    around: &Surroundings<'_>,
) -> Value {
    let mut linux = json!({
        "cgroupsPath": around.cgroup,
        "namespaces": namespaces(spec, around),
        "resources": resources(spec),
    });
    if !spec.security.privileged {
        linux["maskedPaths"] = json!(MASKED_PATHS);
        linux["readonlyPaths"] = json!(READONLY_PATHS);
        if !spec.security.seccomp_unconfined {
            linux["seccomp"] = seccomp();
        }
    }
    json!({
        "ociVersion": "1.0.2",
        "root": {"path": around.rootfs, "readonly": spec.security.read_only_root_filesystem},
        "process": process(spec, image, around),
        "mounts": mounts(spec, &around.binds),
        "linux": linux,
    })
}

/// The program that a container runs, empty when neither pod nor image names one.
pub(crate) fn arguments(spec: &ContainerSpec, image: &Defaults) -> Vec<String> {
    let (program, arguments) = match (spec.command.is_empty(), spec.args.is_empty()) {
        (false, _) => (&spec.command, &spec.args),
        (true, false) => (&image.entrypoint, &spec.args),
        (true, true) => (&image.entrypoint, &image.cmd),
    };
    program.iter().chain(arguments).cloned().collect()
}

fn process(spec: &ContainerSpec, image: &Defaults, around: &Surroundings<'_>) -> Value {
    let capabilities = capabilities(spec);
    let mut process = json!({
        "terminal": spec.tty,
        "user": {"uid": around.user.uid, "gid": around.user.gid, "additionalGids": around.user.groups},
        "args": arguments(spec, image),
        "env": environment(spec, image, around),
        "cwd": working_directory(spec, image),
        "capabilities": {
            "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
        },
        "oomScoreAdj": spec.resources.oom_score_adj,
    });
    // libcontainer fails on `false` together with a system call filter.
    if !spec.security.allow_privilege_escalation {
        process["noNewPrivileges"] = json!(true);
    }
    process
}

fn working_directory<'a>(spec: &'a ContainerSpec, image: &'a Defaults) -> &'a str {
    [spec.working_dir.as_str(), image.working_dir.as_str()]
        .into_iter()
        .find(|directory| !directory.is_empty())
        .unwrap_or("/")
}

const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn environment(spec: &ContainerSpec, image: &Defaults, around: &Surroundings<'_>) -> Vec<String> {
    let mut environment = vec![DEFAULT_PATH.to_owned(), format!("HOSTNAME={}", around.hostname)];
    if spec.tty {
        environment.push("TERM=xterm".to_owned());
    }
    let wanted = image.env.iter().cloned();
    let wanted = wanted.chain(spec.env.iter().map(|(name, value)| format!("{name}={value}")));
    for variable in wanted {
        let name = variable.split('=').next().unwrap_or_default();
        environment.retain(|other| other.split('=').next() != Some(name));
        environment.push(variable);
    }
    environment
}

const CAPABILITIES: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// All that the kernel knows, in the order of their numbers.
const ALL_CAPABILITIES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// What the container gets of what this process itself may hand on.
fn capabilities(spec: &ContainerSpec) -> Vec<String> {
    let named = |list: &[String], name: &str| {
        list.iter().any(|one| one == "ALL" || one.trim_start_matches("CAP_") == name)
    };
    let bounding = bounding_set();
    let wanted = |name: &str| {
        let added = spec.security.privileged || named(&spec.security.add_capabilities, name);
        let default =
            CAPABILITIES.contains(&name) && !named(&spec.security.drop_capabilities, name);
        added || default
    };
    let numbered = ALL_CAPABILITIES.iter().enumerate();
    numbered
        .filter(|(number, name)| bounding & (1 << number) != 0 && wanted(name))
        .map(|(_, name)| format!("CAP_{name}"))
        .collect()
}

fn bounding_set() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(u64::MAX)
}

fn namespaces(spec: &ContainerSpec, around: &Surroundings<'_>) -> Vec<Value> {
    let pinned = around.namespaces;
    let mut namespaces = vec![json!({"type": "mount"})];
    match (&spec.processes, &around.joined) {
        (Processes::Node, _) => {}
        (Processes::Pod, _) => namespaces.push(json!({"type": "pid", "path": pinned.join("pid")})),
        (Processes::Container | Processes::Target(_), None) => {
            namespaces.push(json!({"type": "pid"}));
        }
        (Processes::Container | Processes::Target(_), Some(path)) => {
            namespaces.push(json!({"type": "pid", "path": path}));
        }
    }
    if !spec.host.network {
        namespaces.push(json!({"type": "network", "path": pinned.join("net")}));
        namespaces.push(json!({"type": "uts", "path": pinned.join("uts")}));
    }
    if !spec.host.ipc {
        namespaces.push(json!({"type": "ipc", "path": pinned.join("ipc")}));
    }
    namespaces
}

fn resources(spec: &ContainerSpec) -> Value {
    let wanted = &spec.resources;
    let mut resources = json!({"cpu": {"shares": wanted.cpu_shares}});
    if let Some(quota) = wanted.cpu_quota_microseconds {
        resources["cpu"]["quota"] = json!(quota);
        resources["cpu"]["period"] = json!(CPU_PERIOD_MICROSECONDS);
    }
    if let Some(limit) = wanted.memory_limit_bytes {
        resources["memory"] = json!({"limit": limit});
    }
    if spec.security.privileged {
        resources["devices"] = json!([{"allow": true, "access": "rwm"}]);
    }
    resources
}

fn mounts(spec: &ContainerSpec, binds: &[(String, String, bool)]) -> Vec<Value> {
    let sys = if spec.security.privileged { "rw" } else { "ro" };
    let mount = |kind: &str, source: &str, destination: &str, options: &[&str]| json!({"type": kind, "source": source, "destination": destination, "options": options});
    let mut mounts = vec![
        mount("proc", "proc", "/proc", &["nosuid", "noexec", "nodev"]),
        mount("tmpfs", "tmpfs", "/dev", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount(
            "devpts",
            "devpts",
            "/dev/pts",
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        mount("mqueue", "mqueue", "/dev/mqueue", &["nosuid", "noexec", "nodev"]),
        mount(
            "tmpfs",
            "shm",
            "/dev/shm",
            &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
        ),
        mount("sysfs", "sysfs", "/sys", &["nosuid", "noexec", "nodev", sys]),
    ];
    for (source, destination, read_only) in binds {
        let access = if *read_only { "ro" } else { "rw" };
        mounts.push(mount("bind", source, destination, &["rbind", "rprivate", access]));
    }
    mounts
}

const MASKED_PATHS: [&str; 10] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/firmware",
];

const READONLY_PATHS: [&str; 5] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// System calls that change the node rather than the container. Those that need a capability which the
/// container may have been given are left to the kernel.
const DENIED_CALLS: [&str; 30] = [
    "acct",
    "add_key",
    "bpf",
    "clock_adjtime",
    "clock_settime",
    "delete_module",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "move_mount",
    "move_pages",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "quotactl",
    "reboot",
    "request_key",
    "settimeofday",
    "swapoff",
    "swapon",
    "userfaultfd",
];

fn seccomp() -> Value {
    json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": [if cfg!(target_arch = "aarch64") { "SCMP_ARCH_AARCH64" } else { "SCMP_ARCH_X86_64" }],
        "syscalls": [{"names": DENIED_CALLS, "action": "SCMP_ACT_ERRNO", "errnoRet": 1}],
    })
}
