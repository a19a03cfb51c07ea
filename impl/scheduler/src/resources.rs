//! Amounts of resources: what pods request and what nodes can give.

use std::collections::BTreeMap;

use api::quantity::Quantity;
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as QuantityText;

/// What a container counts as when it requests no cpu, for scores only. Source: pkg/scheduler/util (v1.36).
pub const DEFAULT_MILLI_CPU: i64 = 100;
/// What a container counts as when it requests no memory, for scores only.
pub const DEFAULT_MEMORY: i64 = 200 * 1024 * 1024;

/// Amounts by resource, as they stand in a manifest.
type List = BTreeMap<String, QuantityText>;

/// An amount of each resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Thousandths of a cpu.
    pub milli_cpu: i64,
    /// Bytes.
    pub memory: i64,
    /// Bytes.
    pub ephemeral_storage: i64,
    /// How many pods.
    pub pods: i64,
    /// Extended resources and huge pages, by name.
    pub scalar: BTreeMap<String, i64>,
}

impl Resources {
    /// The amounts in a list. What is no quantity counts as nothing; the API server lets none through.
    pub fn of(list: &List) -> Self {
        let mut resources = Self::default();
        for (name, quantity) in list {
            let quantity = Quantity::parse(&quantity.0).unwrap_or(Quantity::ZERO);
            match name.as_str() {
                "cpu" => resources.milli_cpu = quantity.milli(),
                "memory" => resources.memory = quantity.value(),
                "ephemeral-storage" => resources.ephemeral_storage = quantity.value(),
                "pods" => resources.pods = quantity.value(),
                name => {
                    resources.scalar.insert(name.to_owned(), quantity.value());
                }
            }
        }
        resources
    }

    /// Adds to every amount.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, i64::saturating_add);
    }

    /// Takes from every amount.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, i64::saturating_sub);
    }

    /// The larger of each amount.
    pub fn max(&mut self, other: &Self) {
        self.combine(other, i64::max);
    }

    fn combine(&mut self, other: &Self, by: fn(i64, i64) -> i64) {
        self.milli_cpu = by(self.milli_cpu, other.milli_cpu);
        self.memory = by(self.memory, other.memory);
        self.ephemeral_storage = by(self.ephemeral_storage, other.ephemeral_storage);
        self.pods = by(self.pods, other.pods);
        for (name, amount) in &other.scalar {
            let own = self.scalar.entry(name.clone()).or_insert(0);
            *own = by(*own, *amount);
        }
    }
}

/// What a pod requests, and what it counts as in scores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodRequests {
    /// What it requests.
    pub requested: Resources,
    /// The same with something for each container that requests no cpu or memory.
    pub non_zero: Resources,
}

impl PodRequests {
    /// The requests of a pod: its containers', or its largest init container's, and its overhead. While a container
    /// is resized, the most of what it is to have, has, and is promised.
    pub fn of(pod: &Pod) -> Self {
        Self { requested: pod_requests(pod, false), non_zero: pod_requests(pod, true) }
    }
}

/// Source: `PodRequests` in k8s.io/component-helpers/resource (v1.36), with `UseStatusResources`.
fn pod_requests(pod: &Pod, non_zero: bool) -> Resources {
    let Some(spec) = &pod.spec else { return Resources::default() };
    let mut total = Resources::default();
    for container in &spec.containers {
        total.add(&current_requests(pod, container, non_zero));
    }
    let (sidecars, init_peak) = init_requests(pod, spec, non_zero);
    total.add(&sidecars);
    total.max(&init_peak);
    if let Some(pod_level) = spec.resources.as_ref().and_then(|found| found.requests.as_ref()) {
        override_with(&mut total, pod_level);
    }
    if let Some(overhead) = &spec.overhead {
        total.add(&Resources::of(overhead));
    }
    total
}

/// What the init containers that keep running request together, and the most that init containers need
/// at one time. One that is not the last to start runs beside those that keep running from before.
fn init_requests(pod: &Pod, spec: &PodSpec, non_zero: bool) -> (Resources, Resources) {
    let (mut sidecars, mut peak) = (Resources::default(), Resources::default());
    for container in spec.init_containers.iter().flatten() {
        let is_sidecar = container.restart_policy.as_deref() == Some("Always");
        let mut needed = match is_sidecar {
            true => current_requests(pod, container, non_zero),
            false => container_requests(container, non_zero),
        };
        needed.add(&sidecars);
        if is_sidecar {
            sidecars = needed.clone();
        }
        peak.max(&needed);
    }
    (sidecars, peak)
}

/// What a container asks for, or has still, or is promised already. What its node cannot give does not count.
fn current_requests(pod: &Pod, container: &Container, non_zero: bool) -> Resources {
    let wanted = container_requests(container, non_zero);
    let Some(status) = pod.status.as_ref() else { return wanted };
    let lists = [&status.container_statuses, &status.init_container_statuses];
    let mut statuses = lists.into_iter().flatten().flatten();
    let Some(found) = statuses.find(|found| found.name == container.name) else { return wanted };
    let Some(had) = &found.resources else { return wanted };
    let mut conditions = status.conditions.iter().flatten();
    let is_infeasible = conditions
        .any(|one| one.type_ == "PodResizePending" && one.reason.as_deref() == Some("Infeasible"));
    let mut most = if is_infeasible { Resources::default() } else { wanted };
    for list in [&had.requests, &found.allocated_resources].into_iter().flatten() {
        most.max(&Resources::of(list));
    }
    most
}

fn container_requests(container: &Container, non_zero: bool) -> Resources {
    let requests = container.resources.as_ref().and_then(|found| found.requests.as_ref());
    let mut resources = requests.map(Resources::of).unwrap_or_default();
    let requests_any = |name: &str| requests.is_some_and(|requests| requests.contains_key(name));
    if non_zero && !requests_any("cpu") {
        resources.milli_cpu = DEFAULT_MILLI_CPU;
    }
    if non_zero && !requests_any("memory") {
        resources.memory = DEFAULT_MEMORY;
    }
    resources
}

/// Requests of the pod as a whole stand in for those of its containers.
fn override_with(total: &mut Resources, pod_level: &List) {
    let given = Resources::of(pod_level);
    if pod_level.contains_key("cpu") {
        total.milli_cpu = given.milli_cpu;
    }
    if pod_level.contains_key("memory") {
        total.memory = given.memory;
    }
    total.scalar.extend(given.scalar);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(spec: serde_json::Value) -> Pod {
        serde_json::from_value(json!({"spec": spec})).unwrap()
    }

    #[test]
    fn a_container_that_is_resized_counts_as_the_most_that_it_has_or_is_to_have() {
        let milli_cpu = |wanted: &str, reason: &str| {
            let pod = json!({
                "spec": {"containers": [
                    {"name": "c", "resources": {"requests": {"cpu": wanted}}}, {"name": "other"}]},
                "status": {
                    "conditions": [{"type": "PodResizePending", "reason": reason}],
                    "containerStatuses": [{"name": "c", "image": "i", "imageID": "", "ready": true,
                        "restartCount": 0, "allocatedResources": {"cpu": "300m"},
                        "resources": {"requests": {"cpu": "400m"}}}],
                },
            });
            PodRequests::of(&serde_json::from_value(pod).unwrap()).requested.milli_cpu
        };

        assert_eq!(milli_cpu("1", "Deferred"), 1000);
        assert_eq!(milli_cpu("1", "Infeasible"), 400);
        assert_eq!(milli_cpu("100m", "Deferred"), 400);
    }

    #[test]
    fn the_largest_init_container_counts_when_it_needs_more_than_the_containers() {
        let spec = json!({
            "initContainers": [{"name": "i", "resources": {"requests": {"cpu": "2", "memory": "1Mi"}}}],
            "containers": [
                {"name": "a", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}},
                {"name": "b", "resources": {"requests": {"cpu": "500m"}}},
            ],
            "overhead": {"cpu": "100m"},
        });

        let requests = PodRequests::of(&pod(spec));

        assert_eq!(requests.requested.milli_cpu, 2100);
        assert_eq!(requests.requested.memory, 1 << 30);
        assert_eq!(requests.non_zero.memory, (1 << 30) + DEFAULT_MEMORY);
    }

    #[test]
    fn init_containers_that_keep_running_count_beside_the_containers() {
        let spec = json!({
            "initContainers": [
                {"name": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}},
            ],
            "containers": [{"name": "a", "resources": {"requests": {"cpu": "1"}}}],
        });

        let requests = PodRequests::of(&pod(spec));

        assert_eq!(requests.requested.milli_cpu, 2000);
    }
}
