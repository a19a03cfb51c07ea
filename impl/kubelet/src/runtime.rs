//! The border to a container runtime: what a kubelet orders, what a runtime reports, as plain values.
//!
//! The shape follows CRI (`PodSandbox`, `Container`, `Image`). Every command is answered by an event
//! that names the same pod or container; a runtime may answer in any order.

use std::collections::BTreeMap;
use std::fmt;

use api::{Key, Timestamp};
use serde::{Deserialize, Serialize};

pub use crate::hooks::{Hook, HookAction, HookFailure};
pub use crate::resize::{Allocation, PodResources};

/// One instance of a container of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContainerId {
    /// The pod's uid.
    pub pod_uid: String,
    /// The container's name in the pod.
    pub name: String,
    /// How often the container was restarted before this instance.
    pub attempt: u32,
}

impl fmt::Display for ContainerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.pod_uid, self.name, self.attempt)
    }
}

/// What a pod's containers share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxSpec {
    /// The pod's uid.
    pub pod_uid: String,
    /// The pod's namespace and name.
    pub pod: Key,
    /// The host name inside.
    pub hostname: String,
    /// Whether it uses the node's network instead of its own.
    pub host_network: bool,
    /// Parameters of the kernel to set in its namespaces: names with dots, and values.
    pub sysctls: Vec<(String, String)>,
    /// Whether its containers see each other's processes (`shareProcessNamespace`).
    pub shares_processes: bool,
    /// Limits of all its containers together.
    pub resources: Resources,
}

/// Everything a runtime needs to start a container.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerSpec {
    /// Which instance.
    pub id: ContainerId,
    /// The pod's namespace and name.
    pub pod: Key,
    /// The image as the pod names it.
    pub image: String,
    /// What the runtime said the image's id is.
    pub image_id: String,
    /// Replaces the image's entrypoint unless empty.
    pub command: Vec<String>,
    /// Replaces the image's arguments unless empty.
    pub args: Vec<String>,
    /// Replaces the image's working directory unless empty.
    pub working_dir: String,
    /// Added to the image's environment.
    pub env: Vec<(String, String)>,
    /// `/etc/hosts`.
    pub hosts: HostsFile,
    /// What is mounted where.
    pub mounts: Vec<Mount>,
    /// Limits.
    pub resources: Resources,
    /// User, capabilities and file system access.
    pub security: Security,
    /// Whether the node's network and IPC namespaces are used.
    pub host: HostNamespaces,
    /// Whose processes it sees.
    pub processes: Processes,
    /// Where it may say why it ends.
    pub termination_message: TerminationMessage,
    /// Whether it runs on a terminal.
    pub tty: bool,
    /// Whether its standard input is kept open for a client to attach.
    pub stdin: bool,
}

/// The file of hosts of a pod's containers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostsFile {
    /// Its first lines.
    pub first: String,
    /// Whether the node's file comes next.
    pub with_nodes: bool,
    /// Its last lines.
    pub last: String,
}

/// Which of the node's namespaces a pod uses instead of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostNamespaces {
    /// `spec.hostNetwork`.
    pub network: bool,
    /// `spec.hostIPC`.
    pub ipc: bool,
}

/// Where a container says why it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminationMessage {
    /// A file in the container (`terminationMessagePath`); none if empty.
    pub path: String,
    /// Whether the end of the log counts where the file is empty and the container has failed
    /// (`FallbackToLogsOnError`).
    pub from_log: bool,
}

/// Whose processes a container sees: `NamespaceMode` of CRI.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Processes {
    /// Its own.
    #[default]
    Container,
    /// Those of all containers of the pod (`spec.shareProcessNamespace`).
    Pod,
    /// The node's (`spec.hostPID`).
    Node,
    /// Those of another container of the pod (`targetContainerName`), which must run.
    Target(ContainerId),
}

/// A mount of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub source: MountSource,
    /// Below the source.
    pub sub_path: String,
    /// Where in the container.
    pub path: String,
    /// Whether the container may not write.
    pub read_only: bool,
}

/// Where a mount's files come from. Volumes of a pod live as long as it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountSource {
    /// An empty directory of the pod, in memory if `memory`.
    EmptyDir {
        /// The volume's name.
        volume: String,
        /// Whether `medium` is `Memory`.
        memory: bool,
    },
    /// A path of the node.
    HostPath {
        /// The path.
        path: String,
        /// Whether a directory is made when there is none (`DirectoryOrCreate`).
        create_directory: bool,
    },
    /// A folder of the node that outlives its pods.
    Local {
        /// The path.
        path: String,
        /// Whether it is made, for everybody to write to, when there is none.
        create_directory: bool,
    },
    /// Files whose content is known: a ConfigMap, a Secret, the downward API, a token.
    Files {
        /// The volume's name.
        volume: String,
        /// By path below the volume.
        files: BTreeMap<String, File>,
    },
}

/// One file of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What it holds.
    pub content: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
    /// The user it belongs to, if not the kubelet's.
    pub owner: Option<u32>,
    /// The group it belongs to, if not the kubelet's.
    pub group: Option<u32>,
}

/// Limits of a container, in the kernel's terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Relative weight: 1024 for one core.
    pub cpu_shares: u64,
    /// Microseconds of CPU in each period of 100 ms; unlimited when absent.
    pub cpu_quota_microseconds: Option<i64>,
    /// Bytes; unlimited when absent.
    pub memory_limit_bytes: Option<i64>,
    /// How readily the kernel kills it when memory runs out.
    pub oom_score_adj: i32,
}

/// One change of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResizeStep {
    /// Of which container; of the pod as a whole if of none.
    pub container: Option<ContainerId>,
    /// What changes.
    pub change: ResizeChange,
}

/// Which limit changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeChange {
    /// Memory.
    Memory {
        /// Bytes; unlimited when absent.
        limit_bytes: Option<i64>,
        /// Whether it is refused where more is in use already.
        shrinks: bool,
    },
    /// CPU.
    Cpu {
        /// Relative weight: 1024 for one core.
        shares: u64,
        /// Microseconds of CPU in each period; unlimited when absent.
        quota_microseconds: Option<i64>,
    },
}

/// The length of a CPU period.
pub const CPU_PERIOD_MICROSECONDS: i64 = 100_000;

/// What a container may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// Replaces the image's user.
    pub run_as_user: Option<i64>,
    /// Replaces the image's group.
    pub run_as_group: Option<i64>,
    /// Whether a container that would run as root is refused.
    pub run_as_non_root: bool,
    /// Further groups.
    pub supplemental_groups: Vec<i64>,
    /// Whether it has all of the node's rights.
    pub privileged: bool,
    /// Whether it may not write to its root file system.
    pub read_only_root_filesystem: bool,
    /// Whether it may gain rights that its parent did not have.
    pub allow_privilege_escalation: bool,
    /// Capabilities beyond the default ones, without `CAP_`.
    pub add_capabilities: Vec<String>,
    /// Capabilities it does not get, without `CAP_`; `ALL` for all.
    pub drop_capabilities: Vec<String>,
    /// Whether system calls are not filtered (`seccompProfile.type: Unconfined`).
    pub seccomp_unconfined: bool,
}

/// Which of a container's probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeType {
    /// Failing restarts the container.
    Liveness,
    /// Failing takes the pod out of Services.
    Readiness,
    /// Until it succeeds the others wait.
    Startup,
}

impl fmt::Display for ProbeType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// What a probe does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeAction {
    /// Runs a command in the container; exit code 0 is a success.
    Exec {
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// Sends a GET; an answer from 200 to 399 is a success.
    HttpGet {
        /// Name or address.
        host: String,
        /// The port.
        port: u16,
        /// Path and query.
        path: String,
        /// Further headers.
        headers: Vec<(String, String)>,
        /// Whether TLS is spoken; certificates are not checked.
        https: bool,
    },
    /// Opens a connection.
    TcpSocket {
        /// Name or address.
        host: String,
        /// The port.
        port: u16,
    },
    /// Asks `grpc.health.v1.Health` whether a service is served.
    Grpc {
        /// The pod's address.
        host: String,
        /// The port.
        port: u16,
        /// Which service; the server as a whole if empty.
        service: String,
    },
}

/// What a kubelet orders.
#[derive(Clone, Debug, PartialEq)]
pub enum RuntimeCommand {
    /// Answered by `SandboxReady` or `SandboxFailed`.
    CreateSandbox(SandboxSpec),
    /// Frees the pod's namespaces and address once its containers have ended. What the containers
    /// left behind stays readable. Answered by `SandboxRemoved`.
    RemoveSandbox {
        /// The pod's uid.
        pod_uid: String,
    },
    /// Forgets a pod with its containers, logs and volumes. Not answered.
    RemovePod {
        /// The pod's uid.
        pod_uid: String,
    },
    /// Asks whether an image is there. Answered by `ImageStatus`.
    ImageStatus {
        /// On behalf of which container.
        id: ContainerId,
        /// The image as the pod names it.
        image: String,
    },
    /// Answered by `ImagePulled` or `ImagePullFailed`.
    PullImage {
        /// On behalf of which container.
        id: ContainerId,
        /// The image as the pod names it.
        image: String,
    },
    /// Answered by `ContainerStarted` or `ContainerFailed`, later by `ContainerExited`.
    StartContainer(Box<ContainerSpec>),
    /// Shows other files in a volume of a pod, all at once. Answered by `VolumeFailed` if it fails.
    UpdateVolume {
        /// The pod's uid.
        pod_uid: String,
        /// The volume's name.
        volume: String,
        /// By path below the volume.
        files: BTreeMap<String, File>,
    },
    /// Changes limits of containers that run, in order, or none where one of them cannot change. Answered by
    /// `Resized`.
    Resize {
        /// The pod's uid.
        pod_uid: String,
        /// What changes.
        steps: Vec<ResizeStep>,
    },
    /// Keeps what a pod was promised for the next start of the kubelet. Not answered.
    KeepResources {
        /// The pod's uid.
        pod_uid: String,
        /// What it was promised and what it has.
        resources: PodResources,
    },
    /// Asks a container to end, and kills it when it has not after the grace period. A second order
    /// can only shorten the grace period. The answer is `ContainerExited`.
    StopContainer {
        /// Which one.
        id: ContainerId,
        /// From now; 0 kills at once.
        grace_period_seconds: i64,
    },
    /// Forgets an ended container with its log. Not answered.
    RemoveContainer(ContainerId),
    /// Answered by `HookEnded`, be it because the container has ended.
    RunHook {
        /// Of which container.
        id: ContainerId,
        /// Which hook.
        hook: Hook,
        /// What to do.
        action: HookAction,
    },
    /// Answered by `Probed`.
    Probe {
        /// Of which container.
        id: ContainerId,
        /// Which probe.
        probe: ProbeType,
        /// What to do.
        action: ProbeAction,
        /// After this it has failed.
        timeout_seconds: i64,
    },
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The exit code, 128 + n after signal n.
    pub exit_code: i32,
    /// Whether the kernel killed one of its processes for want of memory.
    pub oom_killed: bool,
    /// When.
    pub finished_at: Timestamp,
    /// What the container has said of it.
    #[serde(default)]
    pub message: String,
}

/// What a runtime reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuntimeEvent {
    /// The pod has its namespaces and address.
    SandboxReady {
        /// The pod's uid.
        pod_uid: String,
        /// The pod's address; empty on the node's network.
        ip: String,
    },
    /// The pod could not get its namespaces or address.
    SandboxFailed {
        /// The pod's uid.
        pod_uid: String,
        /// Why.
        message: String,
    },
    /// The pod has no namespaces and no address any more.
    SandboxRemoved {
        /// The pod's uid.
        pod_uid: String,
    },
    /// Whether the image is there.
    ImageStatus {
        /// On behalf of which container it was asked.
        id: ContainerId,
        /// Its id, if it is there.
        image_id: Option<String>,
    },
    /// The image is there now.
    ImagePulled {
        /// On behalf of which container.
        id: ContainerId,
        /// Its id.
        image_id: String,
        /// How large it is.
        size_bytes: u64,
        /// How long it took.
        milliseconds: u64,
    },
    /// The image could not be pulled.
    ImagePullFailed {
        /// On behalf of which container.
        id: ContainerId,
        /// Why.
        message: String,
    },
    /// The container runs.
    ContainerStarted {
        /// Which one.
        id: ContainerId,
        /// When.
        started_at: Timestamp,
    },
    /// The container could not be created or started.
    ContainerFailed {
        /// Which one.
        id: ContainerId,
        /// Why.
        message: String,
    },
    /// The container ended.
    ContainerExited {
        /// Which one.
        id: ContainerId,
        /// How.
        exit: Exit,
    },
    /// Limits have changed, or not.
    Resized {
        /// The pod's uid.
        pod_uid: String,
        /// Why not.
        failure: Option<String>,
    },
    /// A volume shows what it did before.
    VolumeFailed {
        /// The pod's uid.
        pod_uid: String,
        /// The volume's name.
        volume: String,
        /// Why.
        message: String,
    },
    /// A hook has done what it was to do, or not.
    HookEnded {
        /// Of which container.
        id: ContainerId,
        /// Which hook.
        hook: Hook,
        /// Why not.
        failure: Option<HookFailure>,
    },
    /// A probe's result.
    Probed {
        /// Of which container.
        id: ContainerId,
        /// Which probe.
        probe: ProbeType,
        /// Whether it succeeded.
        success: bool,
        /// What it said.
        output: String,
    },
}

/// Whether a container runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerState {
    /// It runs.
    Running {
        /// Since when.
        started_at: Timestamp,
    },
    /// It ended.
    Exited {
        /// When it had started.
        started_at: Timestamp,
        /// How it ended.
        exit: Exit,
        /// Why it could not even start; empty when it did.
        start_error: String,
    },
}

/// What a runtime knows about a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerStatus {
    /// Which one.
    pub id: ContainerId,
    /// The image as the pod names it.
    pub image: String,
    /// The image's id.
    pub image_id: String,
    /// Whether it runs.
    pub state: ContainerState,
}

/// What a runtime knows about a pod, when a kubelet starts beside pods that run already.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuntimeStatus {
    /// The pod's uid.
    pub pod_uid: String,
    /// The pod's namespace and name.
    pub pod: Key,
    /// The sandbox's address, if there is a sandbox.
    pub sandbox_ip: Option<String>,
    /// Its containers, dead ones too, in the order they were started.
    pub containers: Vec<ContainerStatus>,
    /// What it was promised and had, if that was kept.
    pub resources: Option<PodResources>,
}
