//! Whether a node takes a pod: whether it has room, and lets it set what it wants to set.
//!
//! Source: `pkg/kubelet/lifecycle/predicate.go` (v1.36), of which only resources are checked.

use k8s_openapi::api::core::v1::Pod;

use crate::config::{Capacity, Config};
use crate::{spec, sysctls};

/// Why a pod is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// `OutOfcpu`, `OutOfmemory`, `OutOfpods`, `SysctlForbidden`.
    pub(crate) reason: &'static str,
    /// What was asked and what there is.
    pub(crate) message: String,
}

/// Whether `pod` may be beside the pods that have been let in.
pub(crate) fn admit<'a>(
    config: &Config,
    admitted: impl Iterator<Item = &'a Pod>,
    pod: &Pod,
) -> Result<(), Rejection> {
    sysctls::admit(pod, &config.allowed_unsafe_sysctls)?;
    has_room(config.capacity, admitted, pod)
}

/// Whether `pod` fits beside the pods that have been let in.
pub(crate) fn has_room<'a>(
    capacity: Capacity,
    admitted: impl Iterator<Item = &'a Pod>,
    pod: &Pod,
) -> Result<(), Rejection> {
    let (mut pods, mut cpu, mut memory) = (0, 0, 0);
    for other in admitted {
        let (other_cpu, other_memory) = spec::pod_requests(other);
        (pods, cpu, memory) = (pods + 1, cpu + other_cpu, memory + other_memory);
    }
    let (wanted_cpu, wanted_memory) = spec::pod_requests(pod);
    fits("OutOfpods", "pods", [1, pods, capacity.pods])?;
    fits("OutOfcpu", "cpu", [wanted_cpu, cpu, capacity.cpu_milli])?;
    fits("OutOfmemory", "memory", [wanted_memory, memory, capacity.memory_bytes])
}

fn fits(
    reason: &'static str,
    name: &str,
    [requested, used, capacity]: [i64; 3],
) -> Result<(), Rejection> {
    if requested == 0 || requested <= capacity - used {
        return Ok(());
    }
    let message = format!(
        "Node didn't have enough resource: {name}, requested: {requested}, used: {used}, capacity: {capacity}"
    );
    Err(Rejection { reason, message })
}
