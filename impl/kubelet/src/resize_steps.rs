//! In which order the limits of a pod and of its containers change.
//!
//! Source: `computePodResizeAction` and `doPodResizeAction` of `pkg/kubelet/kuberuntime/kuberuntime_manager.go`
//! (v1.36). A container never may more than its pod: a pod's limit grows before those of its containers and shrinks
//! after them; among containers, those that give come before those that take.

use k8s_openapi::api::core::v1::{Container, Pod, ResourceRequirements};

use crate::runtime::{ContainerId, ResizeChange, ResizeStep, Resources};
use crate::spec;

/// Thousandths of a core and bytes; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Amounts {
    cpu_request: i64,
    cpu_limit: i64,
    memory_request: i64,
    memory_limit: i64,
}

/// A running container that has something else than it is promised.
#[derive(Clone, Debug)]
pub(crate) struct Resized {
    pub(crate) id: ContainerId,
    from: Amounts,
    to: Amounts,
    /// What it is to have, in the kernel's terms.
    resources: Resources,
    /// Whether it has to start anew for another amount of CPU, of memory.
    restarts_for: [bool; 2],
}

impl Resized {
    /// None where nothing changes.
    pub(crate) fn new(
        id: ContainerId,
        pod: &Pod,
        container: &Container,
        (actuated, allocated): (&ResourceRequirements, &ResourceRequirements),
    ) -> Option<Self> {
        let (from, to) = (amounts(actuated), amounts(allocated));
        let policies = || container.resize_policy.iter().flatten();
        let restarts_for = ["cpu", "memory"].map(|name| {
            policies()
                .any(|one| one.resource_name == name && one.restart_policy == "RestartContainer")
        });
        // How readily the kernel kills it is not changed while it runs.
        let resources = spec::resources(pod, container, 0);
        (from != to).then_some(Self { id, from, to, resources, restarts_for })
    }

    fn changes_cpu(&self) -> bool {
        (self.from.cpu_request, self.from.cpu_limit) != (self.to.cpu_request, self.to.cpu_limit)
    }

    fn changes_memory(&self) -> bool {
        let of = |amounts: Amounts| (amounts.memory_request, amounts.memory_limit);
        of(self.from) != of(self.to)
    }

    /// Whether it has to be started anew, by its `resizePolicy`.
    pub(crate) fn needs_restart(&self) -> bool {
        self.restarts_for[0] && self.changes_cpu() || self.restarts_for[1] && self.changes_memory()
    }
}

fn amounts(resources: &ResourceRequirements) -> Amounts {
    let milli = |list| spec::amount(list, "cpu").map_or(0, api::quantity::Quantity::milli);
    let bytes = |list| spec::amount(list, "memory").map_or(0, api::quantity::Quantity::value);
    let (requests, limits) = (resources.requests.as_ref(), resources.limits.as_ref());
    Amounts {
        cpu_request: milli(requests),
        cpu_limit: milli(limits),
        memory_request: bytes(requests),
        memory_limit: bytes(limits),
    }
}

/// What is to be written, in order: memory, then CPU.
pub(crate) fn steps((from, to): (Resources, Resources), resized: &[Resized]) -> Vec<ResizeStep> {
    let memory = |resources: &Resources, shrinks| ResizeChange::Memory {
        limit_bytes: resources.memory_limit_bytes,
        shrinks,
    };
    let cpu = |resources: &Resources| ResizeChange::Cpu {
        shares: resources.cpu_shares,
        quota_microseconds: resources.cpu_quota_microseconds,
    };
    let shrinks = most(to.memory_limit_bytes) < most(from.memory_limit_bytes);
    let pod = (from.memory_limit_bytes != to.memory_limit_bytes).then(|| memory(&to, shrinks));
    let mut of_memory = vec![];
    let mut of_cpu = vec![];
    for one in resized {
        let (old, new) = (limit(one.from.memory_limit), limit(one.to.memory_limit));
        if old != new {
            let shrinks = new < old;
            of_memory.push((!shrinks, one.id.clone(), memory(&one.resources, shrinks)));
        }
        if one.changes_cpu() {
            let grows = limit(one.to.cpu_limit) > limit(one.from.cpu_limit);
            of_cpu.push((grows, one.id.clone(), cpu(&one.resources)));
        }
    }
    let mut steps = ordered(pod, shrinks, of_memory);
    let has_cpu = |of: &Resources| (of.cpu_shares, of.cpu_quota_microseconds);
    let pod = (has_cpu(&from) != has_cpu(&to)).then(|| cpu(&to));
    let shrinks = most(to.cpu_quota_microseconds) < most(from.cpu_quota_microseconds);
    steps.extend(ordered(pod, shrinks, of_cpu));
    steps
}

/// The pod before its containers, or after them where it shrinks; those that grow last.
fn ordered(
    pod: Option<ResizeChange>,
    pod_shrinks: bool,
    mut containers: Vec<(bool, ContainerId, ResizeChange)>,
) -> Vec<ResizeStep> {
    containers.sort_by_key(|(grows, _, _)| *grows);
    let step = |(_, id, change)| ResizeStep { container: Some(id), change };
    let mut steps: Vec<ResizeStep> = containers.into_iter().map(step).collect();
    if let Some(change) = pod {
        let place = if pod_shrinks { steps.len() } else { 0 };
        steps.insert(place, ResizeStep { container: None, change });
    }
    steps
}

/// No limit is the highest.
fn most(limit: Option<i64>) -> i64 {
    limit.unwrap_or(i64::MAX)
}

fn limit(amount: i64) -> i64 {
    if amount == 0 { i64::MAX } else { amount }
}
