//! What a pod's spec means: quality of service, requests, policies.

use std::collections::BTreeMap;

use api::quantity::Quantity;
use k8s_openapi::api::core::v1::{Container, EphemeralContainer, Pod, PodSpec, Probe};

use crate::runtime::{CPU_PERIOD_MICROSECONDS, ProbeType, Resources};

/// The pod's spec; a pod without one has no containers.
pub(crate) fn spec(pod: &Pod) -> &PodSpec {
    static NONE: std::sync::LazyLock<PodSpec> = std::sync::LazyLock::new(PodSpec::default);
    pod.spec.as_ref().unwrap_or(&NONE)
}

pub(crate) fn init_containers(pod: &Pod) -> &[Container] {
    spec(pod).init_containers.as_deref().unwrap_or_default()
}

pub(crate) fn containers(pod: &Pod) -> &[Container] {
    &spec(pod).containers
}

/// What was added to a pod that runs, to look around in it. One is a container that has fewer fields.
///
/// Source: the API reference, `EphemeralContainer`; KEP-277.
pub(crate) fn ephemeral_containers(pod: &Pod) -> Vec<Container> {
    ephemeral(pod).iter().map(as_container).collect()
}

fn ephemeral(pod: &Pod) -> &[EphemeralContainer] {
    spec(pod).ephemeral_containers.as_deref().unwrap_or_default()
}

fn as_container(ephemeral: &EphemeralContainer) -> Container {
    let fields = serde_json::to_value(ephemeral).expect("a container is JSON");
    serde_json::from_value(fields).expect("an ephemeral container has the fields of a container")
}

pub(crate) fn is_ephemeral(pod: &Pod, name: &str) -> bool {
    ephemeral(pod).iter().any(|container| container.name == name)
}

/// The container whose processes an ephemeral container sees.
pub(crate) fn target<'a>(pod: &'a Pod, name: &str) -> Option<&'a str> {
    let container = ephemeral(pod).iter().find(|container| container.name == name)?;
    container.target_container_name.as_deref().filter(|target| !target.is_empty())
}

/// Init containers first. Ephemeral ones are not of the pod's design: they count for nothing.
pub(crate) fn all_containers(pod: &Pod) -> impl Iterator<Item = &Container> {
    init_containers(pod).iter().chain(containers(pod))
}

pub(crate) fn find<'a>(pod: &'a Pod, name: &str) -> Option<&'a Container> {
    all_containers(pod).find(|container| container.name == name)
}

/// The container of this name, be it an ephemeral one.
pub(crate) fn find_any(pod: &Pod, name: &str) -> Option<Container> {
    let added = || ephemeral(pod).iter().find(|container| container.name == name);
    find(pod, name).cloned().or_else(|| added().map(as_container))
}

/// Whether an init container keeps running beside the others.
pub(crate) fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

pub(crate) fn is_init(pod: &Pod, name: &str) -> bool {
    init_containers(pod).iter().any(|container| container.name == name)
}

pub(crate) fn is_deleted(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

pub(crate) fn is_host_network(pod: &Pod) -> bool {
    spec(pod).host_network == Some(true)
}

/// The user that all containers of a pod run as, if each says one and it is the same.
/// Source: `FsUserFrom` of `pkg/volume/util` (v1.36).
pub(crate) fn user_of_all(pod: &Pod) -> Option<i64> {
    let of_pod = spec(pod).security_context.as_ref().and_then(|context| context.run_as_user);
    let mut users = all_containers(pod).map(|container| {
        let own = container.security_context.as_ref().and_then(|context| context.run_as_user);
        own.or(of_pod)
    });
    let first = users.next().flatten()?;
    users.all(|user| user == Some(first)).then_some(first)
}

/// `Always`, `OnFailure` or `Never`.
pub(crate) fn restart_policy(pod: &Pod) -> &str {
    spec(pod).restart_policy.as_deref().unwrap_or("Always")
}

/// Whether a container that ended with this code is started again.
///
/// Source: `ContainerShouldRestart` of `pkg/api/v1/pod` (v1.36), without restart rules.
pub(crate) fn restarts_after(pod: &Pod, container: &Container, exit_code: i32) -> bool {
    match container.restart_policy.as_deref().unwrap_or_else(|| restart_policy(pod)) {
        "Always" if is_init(pod, &container.name) && !is_sidecar(container) => exit_code != 0,
        "Always" => true,
        "OnFailure" => exit_code != 0,
        _ => false,
    }
}

/// How long a container may take to end: the deletion's period, else the spec's; at least a second.
///
/// Source: `calculateEffectiveGracePeriod` of `pkg/kubelet/pod_workers.go` (v1.36).
pub(crate) fn grace_period_seconds(pod: &Pod) -> i64 {
    let own = spec(pod).termination_grace_period_seconds.unwrap_or(30);
    let wanted = match is_deleted(pod) {
        true => pod.metadata.deletion_grace_period_seconds.unwrap_or(own),
        false => own,
    };
    wanted.max(1)
}

pub(crate) fn probe(container: &Container, probe_type: ProbeType) -> Option<&Probe> {
    match probe_type {
        ProbeType::Liveness => container.liveness_probe.as_ref(),
        ProbeType::Readiness => container.readiness_probe.as_ref(),
        ProbeType::Startup => container.startup_probe.as_ref(),
    }
}

type Amounts = BTreeMap<String, k8s_openapi::apimachinery::pkg::api::resource::Quantity>;

pub(crate) fn amount(amounts: Option<&Amounts>, name: &str) -> Option<Quantity> {
    amounts.and_then(|amounts| amounts.get(name)).and_then(|text| Quantity::parse(&text.0).ok())
}

pub(crate) fn request(container: &Container, name: &str) -> Option<Quantity> {
    amount(container.resources.as_ref().and_then(|resources| resources.requests.as_ref()), name)
}

fn limit(container: &Container, name: &str) -> Option<Quantity> {
    amount(container.resources.as_ref().and_then(|resources| resources.limits.as_ref()), name)
}

/// What a pod takes of a node: thousandths of a core, bytes of memory.
pub(crate) fn pod_requests(pod: &Pod) -> (i64, i64) {
    together(pod, request)
}

/// The larger of what runs together and of each init container beside the sidecars before it, of requests or limits:
/// thousandths of a core, bytes of memory.
///
/// Source: `PodRequests` and `PodLimits` of `component-helpers/resource` (v1.36).
fn together(pod: &Pod, of: fn(&Container, &str) -> Option<Quantity>) -> (i64, i64) {
    let of = |container: &Container| {
        let milli = of(container, "cpu").map_or(0, Quantity::milli);
        let bytes = of(container, "memory").map_or(0, Quantity::value);
        (milli, bytes)
    };
    let plus = |(a, b): (i64, i64), (c, d): (i64, i64)| (a + c, b + d);
    let most = |(a, b): (i64, i64), (c, d): (i64, i64)| (a.max(c), b.max(d));
    let (mut sidecars, mut starting) = ((0, 0), (0, 0));
    for container in init_containers(pod) {
        let with = plus(sidecars, of(container));
        starting = most(starting, with);
        if is_sidecar(container) {
            sidecars = with;
        }
    }
    let running = containers(pod).iter().map(of).fold(sidecars, plus);
    let overhead = spec(pod).overhead.as_ref();
    let extra = (
        amount(overhead, "cpu").map_or(0, Quantity::milli),
        amount(overhead, "memory").map_or(0, Quantity::value),
    );
    plus(most(running, starting), extra)
}

/// `Guaranteed`, `Burstable` or `BestEffort`. Source: `GetPodQOS` of `pkg/apis/core/v1/helper/qos` (v1.36).
pub(crate) fn qos_class(pod: &Pod) -> &'static str {
    let both = ["cpu", "memory"];
    let nonzero = |amount: Option<Quantity>| amount.filter(|amount| !amount.is_zero());
    let any = all_containers(pod).any(|container| {
        both.iter().any(|name| {
            nonzero(request(container, name)).or(nonzero(limit(container, name))).is_some()
        })
    });
    let equal = all_containers(pod).all(|container| {
        both.iter().all(|name| {
            match (nonzero(request(container, name)), nonzero(limit(container, name))) {
                (Some(request), Some(limit)) => request == limit,
                (None, Some(_)) => true,
                (Some(_) | None, None) => false,
            }
        })
    });
    match (any, equal) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// A container's limits in the kernel's terms.
///
/// Source: `MilliCPUToShares`, `MilliCPUToQuota` and `GetContainerOOMScoreAdjust` (v1.36). Scores below 0 are
/// left to machines that allow them: -997 becomes 0.
pub(crate) fn resources(pod: &Pod, container: &Container, memory_capacity: i64) -> Resources {
    let cpu_request = request(container, "cpu").or(limit(container, "cpu"));
    let cpu_request = cpu_request.map_or(0, Quantity::milli);
    let cpu_limit = limit(container, "cpu").map(Quantity::milli).filter(|milli| *milli > 0);
    let memory_request = request(container, "memory").map_or(0, Quantity::value);
    let memory_limit = limit(container, "memory").map(Quantity::value).filter(|bytes| *bytes > 0);
    Resources {
        cpu_shares: shares(cpu_request),
        cpu_quota_microseconds: cpu_limit.map(quota),
        memory_limit_bytes: memory_limit,
        oom_score_adj: oom_score_adj(qos_class(pod), memory_request, memory_capacity),
    }
}

/// The limits of all containers of a pod together; none where one of them has none.
///
/// Source: `ResourceConfigForPod` of `pkg/kubelet/cm/helpers_linux.go` (v1.36).
pub(crate) fn pod_resources(pod: &Pod) -> Resources {
    let (cpu_request, _) = pod_requests(pod);
    let (cpu, memory) = together(pod, limit);
    let all_have = |name: &str| {
        all_containers(pod).all(|one| limit(one, name).is_some_and(|limit| !limit.is_zero()))
    };
    Resources {
        cpu_shares: shares(cpu_request),
        cpu_quota_microseconds: all_have("cpu").then(|| quota(cpu)),
        memory_limit_bytes: all_have("memory").then_some(memory),
        oom_score_adj: 0,
    }
}

fn shares(milli: i64) -> u64 {
    (milli.unsigned_abs() * 1024 / 1000).clamp(2, 262_144)
}

fn quota(milli: i64) -> i64 {
    (milli * CPU_PERIOD_MICROSECONDS / 1000).max(1000)
}

fn oom_score_adj(qos_class: &str, memory_request: i64, memory_capacity: i64) -> i32 {
    let share = 1000_i64.saturating_mul(memory_request) / memory_capacity.max(1);
    match qos_class {
        "Guaranteed" => 0,
        "BestEffort" => 1000,
        _ => i32::try_from((1000 - share).clamp(3, 999)).unwrap_or(999),
    }
}
