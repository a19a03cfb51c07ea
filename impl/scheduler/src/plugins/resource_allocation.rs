//! How much of some resources a node gives, and how much of them is taken with a pod and without.
//!
//! Source: framework/plugins/noderesources/resource_allocation.go (v1.36). Left out: how many devices there are for a
//! resource that a class stands for (`calculateDRAResourceTotals`); where a node does not give it itself, it does not
//! count.

use crate::config::ResourceSpec;
use crate::node_info::{NodeInfo, PodInfo};
use crate::resources::Resources;

/// Resources that are looked at, and how much each counts.
#[derive(Clone, Debug)]
pub(crate) struct Weighed(Vec<(Resource, i64)>);

#[derive(Clone, Debug)]
enum Resource {
    Cpu,
    Memory,
    EphemeralStorage,
    Scalar(String),
}

/// How much there is of one resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allocation {
    /// What the node's pods take.
    pub(crate) allocated: i64,
    /// What the new pod would take.
    pub(crate) wanted: i64,
    /// What the node gives; not 0.
    pub(crate) allocatable: i64,
    /// How much it counts.
    pub(crate) weight: i64,
}

impl Allocation {
    /// What is taken with the new pod.
    pub(crate) fn requested(&self) -> i64 {
        self.allocated.saturating_add(self.wanted)
    }
}

impl Weighed {
    /// Those of a configuration.
    pub(crate) fn new(resources: &[ResourceSpec]) -> Self {
        let read = |resource: &ResourceSpec| {
            let kind = match resource.name.as_str() {
                "cpu" => Resource::Cpu,
                "memory" => Resource::Memory,
                "ephemeral-storage" => Resource::EphemeralStorage,
                name => Resource::Scalar(name.to_owned()),
            };
            (kind, resource.weight)
        };
        Self(resources.iter().map(read).collect())
    }

    /// Whether a pod requests none of them.
    pub(crate) fn none_requested(&self, pod: &PodInfo) -> bool {
        self.0.iter().all(|(resource, _)| resource.of(&pod.requests.requested) == 0)
    }

    /// Those that a node gives, as they are requested. Of extended resources only those that the pod wants.
    pub(crate) fn requested<'a>(
        &'a self,
        pod: &'a PodInfo,
        node: &'a NodeInfo,
    ) -> impl Iterator<Item = Allocation> + Clone {
        self.allocations((&node.requested, &pod.requests.requested), pod, node)
    }

    /// The same, with something of cpu and memory for each container that requests none.
    pub(crate) fn non_zero<'a>(
        &'a self,
        pod: &'a PodInfo,
        node: &'a NodeInfo,
    ) -> impl Iterator<Item = Allocation> + Clone {
        self.allocations((&node.non_zero_requested, &pod.requests.non_zero), pod, node)
    }

    fn allocations<'a>(
        &'a self,
        (used, wanted): (&'a Resources, &'a Resources),
        pod: &'a PodInfo,
        node: &'a NodeInfo,
    ) -> impl Iterator<Item = Allocation> + Clone {
        self.0.iter().filter_map(move |(resource, weight)| {
            let is_core = matches!(resource, Resource::Cpu | Resource::Memory);
            let (used, wanted) = match is_core {
                true => (used, wanted),
                false => (&node.requested, &pod.requests.requested),
            };
            let (allocated, wanted) = (resource.of(used), resource.of(wanted));
            let allocatable = resource.of(&node.allocatable);
            let is_extended = matches!(resource, Resource::Scalar(_));
            let counts = allocatable != 0 && !(is_extended && wanted == 0);
            counts.then_some(Allocation { allocated, wanted, allocatable, weight: *weight })
        })
    }
}

impl Resource {
    fn of(&self, resources: &Resources) -> i64 {
        match self {
            Self::Cpu => resources.milli_cpu,
            Self::Memory => resources.memory,
            Self::EphemeralStorage => resources.ephemeral_storage,
            Self::Scalar(name) => resources.scalar.get(name).copied().unwrap_or(0),
        }
    }
}
