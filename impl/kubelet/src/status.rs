//! A pod's status from what its containers do.
//!
//! Source: `generateAPIPodStatus` and `convertToAPIContainerStatuses` of `pkg/kubelet/kubelet_pods.go`
//! (v1.36).

use std::collections::BTreeMap;

use api::Timestamp;
use k8s_openapi::api::core::v1::{
    Container, ContainerState as ApiState, ContainerStateRunning, ContainerStateTerminated,
    ContainerStateWaiting, ContainerStatus as ApiStatus, HostIP, Pod, PodIP, PodStatus,
    VolumeMountStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::actions::should_be_restarted;
use crate::conditions::{self, Facts};
use crate::eviction::Evicted;
use crate::phase::phase;
use crate::probes::Probes;
use crate::resize::Resizing;
use crate::runtime::{ContainerId, ContainerState, ContainerStatus};
use crate::spec;
use crate::state::{PodState, Sandbox};

/// Why a container is not running yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    /// When to try again.
    pub(crate) until: Timestamp,
}

/// The reason and the message of a pod that was active for too long.
pub(crate) const EXCEEDED: (&str, &str) =
    ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline");

/// Why a pod has come to its end although its containers have not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    reason: &'static str,
    message: String,
    /// Whether it had to go for the sake of the node.
    is_evicted: bool,
    /// How long its containers may take at most.
    pub(crate) grace_period_seconds: Option<i64>,
}

impl Failed {
    /// It was active for too long.
    pub(crate) fn exceeded() -> Self {
        let (reason, message) = (EXCEEDED.0, EXCEEDED.1.to_owned());
        Self { reason, message, is_evicted: false, grace_period_seconds: None }
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.is_evicted
    }

    /// The node has run out of something.
    pub(crate) fn evicted(evicted: &Evicted) -> Self {
        let message = evicted.message.clone();
        let grace_period_seconds = Some(evicted.grace_period_seconds);
        Self { reason: "Evicted", message, is_evicted: true, grace_period_seconds }
    }
}

/// What a container is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Init,
    Main,
    Ephemeral,
}

/// The statuses of all containers, whatever they are for.
pub(crate) fn all_statuses(status: &PodStatus) -> impl Iterator<Item = &ApiStatus> {
    let init = status.init_container_statuses.iter().flatten();
    let main = status.container_statuses.iter().flatten();
    init.chain(main).chain(status.ephemeral_container_statuses.iter().flatten())
}

/// What a status follows from.
pub(crate) struct Sources<'a> {
    pub(crate) pod: &'a Pod,
    /// What was last generated, at first what the API server had.
    pub(crate) old: &'a PodStatus,
    pub(crate) state: &'a PodState,
    pub(crate) probes: &'a Probes,
    pub(crate) waiting: &'a BTreeMap<String, Waiting>,
    /// Containers that run and do not count as running: their hook after the start has not ended.
    pub(crate) hooked: Vec<ContainerId>,
    pub(crate) resizing: &'a Resizing,
    pub(crate) node_ip: &'a str,
    /// None of its containers will start again.
    pub(crate) terminal: bool,
    /// Nothing of it runs any more and nothing will.
    pub(crate) finished: bool,
    /// Why it has come to its end although its containers have not.
    pub(crate) failed: Option<&'a Failed>,
    pub(crate) now: Timestamp,
}

/// The whole status.
pub(crate) fn pod_status(sources: &Sources<'_>) -> PodStatus {
    let Sources { pod, old, .. } = sources;
    let init = container_statuses(sources, spec::init_containers(pod), Role::Init);
    let mut main = container_statuses(sources, spec::containers(pod), Role::Main);
    main.sort_by(|a, b| a.name.cmp(&b.name));
    let added = spec::ephemeral_containers(pod);
    let mut added = container_statuses(sources, &added, Role::Ephemeral);
    added.sort_by(|a, b| a.name.cmp(&b.name));
    if sources.finished && init.iter().all(|status| status.ready) {
        main.iter_mut().chain(&mut added).for_each(end_unknown);
    }
    let all: Vec<ApiStatus> = init.iter().chain(&main).cloned().collect();
    let phase = settled_phase(sources, &all);
    let same_phase = old.phase.as_deref() == Some(phase);
    let has_sandbox = matches!(sources.state.sandbox, Sandbox::Ready(_));
    let conditions = conditions::conditions(&Facts {
        pod,
        statuses: &all,
        phase,
        has_sandbox,
        disruption: sources
            .failed
            .filter(|failed| failed.is_evicted)
            .map(|one| one.message.as_str()),
        resize: if sources.terminal { vec![] } else { sources.resizing.conditions() },
        old: old.conditions.as_deref().unwrap_or_default(),
        now: sources.now,
    });
    let pod_ip = pod_ip(sources);
    let failed = sources.failed.filter(|_| sources.terminal);
    PodStatus {
        phase: Some(phase.to_owned()),
        reason: old
            .reason
            .clone()
            .filter(|_| same_phase)
            .or(failed.map(|failed| failed.reason.to_owned())),
        message: old
            .message
            .clone()
            .filter(|_| same_phase)
            .or(failed.map(|failed| failed.message.clone())),
        conditions: Some(conditions),
        container_statuses: (!main.is_empty()).then_some(main),
        init_container_statuses: (!init.is_empty()).then_some(init),
        ephemeral_container_statuses: (!added.is_empty()).then_some(added),
        host_ip: Some(sources.node_ip.to_owned()),
        host_ips: Some(vec![HostIP { ip: sources.node_ip.to_owned() }]),
        pod_ips: pod_ip.as_ref().map(|ip| vec![PodIP { ip: ip.clone() }]),
        pod_ip,
        start_time: Some(old.start_time.clone().unwrap_or_else(|| api::time::time(sources.now))),
        qos_class: Some(spec::qos_class(pod).to_owned()),
        observed_generation: pod.metadata.generation,
        ..PodStatus::default()
    }
}

/// The status of a pod that the node has no room for.
pub(crate) fn rejected(pod: &Pod, reason: &str, message: &str, now: Timestamp) -> PodStatus {
    PodStatus {
        phase: Some("Failed".to_owned()),
        reason: Some(reason.to_owned()),
        message: Some(format!("Pod was rejected: {message}")),
        start_time: Some(api::time::time(now)),
        qos_class: Some(spec::qos_class(pod).to_owned()),
        observed_generation: pod.metadata.generation,
        conditions: pod.status.as_ref().and_then(|status| status.conditions.clone()),
        ..PodStatus::default()
    }
}

/// The phase; one that was terminal stays, and a pod that has ended has a terminal one.
fn settled_phase(sources: &Sources<'_>, statuses: &[ApiStatus]) -> &'static str {
    let phases = [sources.old.phase.as_deref(), stored_phase(sources.pod)];
    for before in phases.into_iter().flatten() {
        match before {
            "Failed" => return "Failed",
            "Succeeded" => return "Succeeded",
            _ => {}
        }
    }
    if sources.failed.is_some() && sources.terminal {
        return "Failed";
    }
    match phase(sources.pod, statuses, sources.terminal) {
        // A container that has ended for other resources starts again.
        "Succeeded" | "Failed" if sources.resizing.is_restarting() && !sources.terminal => {
            "Running"
        }
        "Pending" | "Running" if sources.finished => "Failed",
        // A node that has lost its containers starts them again; the pod has begun all the same.
        "Pending" if phases.contains(&Some("Running")) => "Running",
        phase => phase,
    }
}

pub(crate) fn stored_phase(pod: &Pod) -> Option<&str> {
    pod.status.as_ref().and_then(|status| status.phase.as_deref())
}

/// Whether a phase is one that a pod never leaves.
pub(crate) fn is_terminal(phase: Option<&str>) -> bool {
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Addresses stay in the status of a pod whose sandbox has gone.
fn pod_ip(sources: &Sources<'_>) -> Option<String> {
    if spec::is_host_network(sources.pod) {
        return Some(sources.node_ip.to_owned());
    }
    match &sources.state.sandbox {
        Sandbox::Ready(ip) => Some(ip.clone()),
        Sandbox::None | Sandbox::Creating | Sandbox::Removing | Sandbox::Removed => {
            sources.old.pod_ip.clone()
        }
    }
}

/// Whether it says that a container runs.
pub(crate) fn says_running(status: &PodStatus) -> bool {
    let states = all_statuses(status).filter_map(|status| status.state.as_ref());
    states.into_iter().any(|state| state.running.is_some())
}

/// Once a pod has ended, a container that nobody saw end has failed.
fn end_unknown(status: &mut ApiStatus) {
    if status.state.as_ref().is_some_and(|state| state.terminated.is_some()) {
        return;
    }
    let terminated = ContainerStateTerminated {
        exit_code: 137,
        reason: Some("ContainerStatusUnknown".to_owned()),
        message: Some("The container could not be located when the pod was terminated".to_owned()),
        ..ContainerStateTerminated::default()
    };
    status.state = Some(ApiState { terminated: Some(terminated), ..ApiState::default() });
}

fn container_statuses(
    sources: &Sources<'_>,
    containers: &[Container],
    role: Role,
) -> Vec<ApiStatus> {
    let of = |container: &Container| {
        let old = all_statuses(sources.old).find(|status| status.name == container.name);
        container_status(sources, container, old, role)
    };
    containers.iter().map(of).collect()
}

fn container_status(
    sources: &Sources<'_>,
    container: &Container,
    old: Option<&ApiStatus>,
    role: Role,
) -> ApiStatus {
    let records = sources.state.containers.iter().filter(|record| record.id.name == container.name);
    let is_hooked = |record: &&ContainerStatus| sources.hooked.contains(&record.id);
    let hooked = records.clone().any(|record| is_hooked(&record));
    let mut records = records.rev().filter(|record| !is_hooked(record));
    let mut status = match (records.next(), old) {
        (Some(record), old) => recorded(container, record, old),
        (None, Some(old)) if old.state.as_ref().is_some_and(|state| state.terminated.is_some()) => {
            old.clone()
        }
        (None, old) => unrecorded(sources.pod, container, old),
    };
    if let Some(record) = records.next() {
        status.last_state = Some(api_state(record));
    }
    apply_waiting(sources, container, &mut status, role);
    if role == Role::Ephemeral {
        // It is never ready, and nobody asks whether it has started.
        return status;
    }
    give_resources(sources, container, &mut status);
    let is_running = !hooked && sources.state.is_running(&container.name);
    let running = sources.state.find(&container.name).filter(|_| is_running);
    let plain_init = role == Role::Init && !spec::is_sidecar(container);
    let exited_well = status.state.as_ref().and_then(|state| state.terminated.as_ref());
    let exited_well = exited_well.is_some_and(|terminated| terminated.exit_code == 0);
    status.started =
        Some(!plain_init && running.is_some_and(|one| sources.probes.health(&one.id).started));
    status.ready = match plain_init {
        true => exited_well,
        false => running.is_some_and(|one| sources.probes.is_ready(&one.id)),
    };
    status
}

/// What a container has counts once it runs.
fn give_resources(sources: &Sources<'_>, container: &Container, status: &mut ApiStatus) {
    let actuated = sources.resizing.actuated(&container.name);
    if sources.state.is_running(&container.name) && actuated.is_some() {
        status.resources = actuated.cloned();
    }
}

fn blank(container: &Container) -> ApiStatus {
    let mounts = container.volume_mounts.iter().flatten().map(|mount| VolumeMountStatus {
        name: mount.name.clone(),
        mount_path: mount.mount_path.clone(),
        read_only: mount.read_only.filter(|read_only| *read_only),
        recursive_read_only: (mount.read_only == Some(true)).then(|| "Disabled".to_owned()),
        ..VolumeMountStatus::default()
    });
    let mounts: Vec<VolumeMountStatus> = mounts.collect();
    ApiStatus {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        last_state: Some(ApiState::default()),
        resources: container.resources.clone(),
        allocated_resources: container
            .resources
            .as_ref()
            .and_then(|resources| resources.requests.clone()),
        volume_mounts: (!mounts.is_empty()).then_some(mounts),
        ..ApiStatus::default()
    }
}

fn unrecorded(pod: &Pod, container: &Container, old: Option<&ApiStatus>) -> ApiStatus {
    let initializing = !spec::init_containers(pod).is_empty();
    let reason = if initializing { "PodInitializing" } else { "ContainerCreating" };
    let mut status = ApiStatus { state: Some(waiting_state(reason, "")), ..blank(container) };
    let Some(old) = old else { return status };
    status.restart_count = old.restart_count;
    status.last_state.clone_from(&old.last_state);
    let ran = old.state.as_ref().is_some_and(|state| state.running.is_some());
    let known = status.last_state.as_ref().is_some_and(|last| last.terminated.is_some());
    if ran && !known {
        let terminated = ContainerStateTerminated {
            exit_code: 137,
            reason: Some("ContainerStatusUnknown".to_owned()),
            message: Some(
                "The container could not be located when the pod was deleted.  The container used to be Running"
                    .to_owned(),
            ),
            ..ContainerStateTerminated::default()
        };
        status.last_state = Some(ApiState { terminated: Some(terminated), ..ApiState::default() });
        status.restart_count += i32::from(!spec::is_deleted(pod));
    }
    status
}

fn recorded(container: &Container, record: &ContainerStatus, old: Option<&ApiStatus>) -> ApiStatus {
    let last_state = old.filter(|_| record.id.attempt > 0).and_then(|old| old.last_state.clone());
    ApiStatus {
        restart_count: i32::try_from(record.id.attempt).unwrap_or(i32::MAX),
        image_id: record.image_id.clone(),
        container_id: Some(container_id(record)),
        state: Some(api_state(record)),
        last_state: Some(last_state.unwrap_or_default()),
        ..blank(container)
    }
}

fn container_id(record: &ContainerStatus) -> String {
    format!("kanon://{}", record.id)
}

fn waiting_state(reason: &str, message: &str) -> ApiState {
    let message = (!message.is_empty()).then(|| message.to_owned());
    let waiting = ContainerStateWaiting { reason: Some(reason.to_owned()), message };
    ApiState { waiting: Some(waiting), ..ApiState::default() }
}

fn api_state(record: &ContainerStatus) -> ApiState {
    match &record.state {
        ContainerState::Running { started_at } => ApiState {
            running: Some(ContainerStateRunning { started_at: Some(time(*started_at)) }),
            ..ApiState::default()
        },
        ContainerState::Exited { started_at, exit, start_error } => {
            let reason = match (start_error.is_empty(), exit.oom_killed, exit.exit_code) {
                (false, _, _) => "StartError",
                (true, true, _) => "OOMKilled",
                (true, false, 0) => "Completed",
                (true, false, _) => "Error",
            };
            let terminated = ContainerStateTerminated {
                exit_code: exit.exit_code,
                reason: Some(reason.to_owned()),
                message: [start_error, &exit.message]
                    .into_iter()
                    .find(|text| !text.is_empty())
                    .cloned(),
                started_at: Some(time(*started_at)),
                finished_at: Some(time(exit.finished_at)),
                container_id: Some(container_id(record)),
                ..ContainerStateTerminated::default()
            };
            ApiState { terminated: Some(terminated), ..ApiState::default() }
        }
    }
}

fn time(when: Timestamp) -> Time {
    api::time::time(when)
}

/// A container that is to be started but cannot be is *Waiting*, and how it ended becomes its last state.
fn apply_waiting(sources: &Sources<'_>, container: &Container, status: &mut ApiStatus, role: Role) {
    let completed = role == Role::Init
        && sources.state.last_exit(&container.name).is_some_and(|exit| exit.exit_code == 0);
    let starts = !completed
        && !sources.terminal
        && should_be_restarted(sources.pod, container, sources.state);
    let Some(waiting) = sources.waiting.get(&container.name).filter(|_| starts) else { return };
    let state = status.state.take().unwrap_or_default();
    if state.terminated.is_some() {
        status.last_state = Some(state);
    }
    status.state = Some(waiting_state(waiting.reason, &waiting.message));
}
