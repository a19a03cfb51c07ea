//! What plugins can be told.
//!
//! Source: staging/src/k8s.io/kube-scheduler/config/v1/types_pluginargs.go (v1.36).

use k8s_openapi::api::core::v1::{NodeAffinity, TopologySpreadConstraint};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Duration;

/// What one plugin is told; its default is what is said by no arguments, before `set_defaults`.
pub trait PluginArgs: DeserializeOwned + Serialize + Default {
    /// The plugin's name.
    const PLUGIN: &'static str;

    /// Puts in what is left out.
    fn set_defaults(&mut self) {}
}

/// How many nodes preemption looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DefaultPreemptionArgs {
    /// At least this share of the nodes where it may help.
    pub min_candidate_nodes_percentage: i32,
    /// At least so many.
    pub min_candidate_nodes_absolute: i32,
}

impl Default for DefaultPreemptionArgs {
    fn default() -> Self {
        Self { min_candidate_nodes_percentage: 10, min_candidate_nodes_absolute: 100 }
    }
}

impl PluginArgs for DefaultPreemptionArgs {
    const PLUGIN: &'static str = "DefaultPreemption";
}

/// How pods are weighed that are near others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InterPodAffinityArgs {
    /// What a pod counts that must be near the new one.
    pub hard_pod_affinity_weight: i32,
    /// Whether only the new pod's wishes count.
    pub ignore_preferred_terms_of_existing_pods: bool,
}

impl Default for InterPodAffinityArgs {
    fn default() -> Self {
        Self { hard_pod_affinity_weight: 1, ignore_preferred_terms_of_existing_pods: false }
    }
}

impl PluginArgs for InterPodAffinityArgs {
    const PLUGIN: &'static str = "InterPodAffinity";
}

/// What every pod is told of nodes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeAffinityArgs {
    /// As if it stood in each pod, beside what stands there.
    pub added_affinity: Option<NodeAffinity>,
}

impl PluginArgs for NodeAffinityArgs {
    const PLUGIN: &'static str = "NodeAffinity";
}

/// Which resources are to be used alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeResourcesBalancedAllocationArgs {
    /// These.
    pub resources: Vec<ResourceSpec>,
}

impl PluginArgs for NodeResourcesBalancedAllocationArgs {
    const PLUGIN: &'static str = "NodeResourcesBalancedAllocation";

    fn set_defaults(&mut self) {
        set_default_resources(&mut self.resources);
    }
}

/// Which resources must fit, and which nodes are best.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeResourcesFitArgs {
    /// Extended resources that need not fit.
    pub ignored_resources: Vec<String>,
    /// The same by what stands before the slash.
    pub ignored_resource_groups: Vec<String>,
    /// Which nodes are best.
    pub scoring_strategy: Option<ScoringStrategy>,
}

impl PluginArgs for NodeResourcesFitArgs {
    const PLUGIN: &'static str = "NodeResourcesFit";

    fn set_defaults(&mut self) {
        let least_allocated = || ScoringStrategy {
            r#type: "LeastAllocated".to_owned(),
            ..ScoringStrategy::default()
        };
        let strategy = self.scoring_strategy.get_or_insert_with(least_allocated);
        set_default_resources(&mut strategy.resources);
    }
}

/// Which nodes are best.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScoringStrategy {
    /// `LeastAllocated`, `MostAllocated` or `RequestedToCapacityRatio`.
    pub r#type: String,
    /// The resources that are looked at.
    pub resources: Vec<ResourceSpec>,
    /// What the last of them needs.
    pub requested_to_capacity_ratio: Option<RequestedToCapacityRatioParam>,
}

/// How good a node is by how much of it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestedToCapacityRatioParam {
    /// Points of a line of straight pieces.
    pub shape: Vec<UtilizationShapePoint>,
}

/// A point of a line of straight pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UtilizationShapePoint {
    /// How much is used, 0 to 100.
    pub utilization: i32,
    /// How good that is, 0 to 10.
    pub score: i32,
}

/// A resource, and how much it counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceSpec {
    /// Its name.
    pub name: String,
    /// 0 means 1.
    pub weight: i64,
}

/// Cpu and memory alike, unless others are named; each counts once, unless it is told.
fn set_default_resources(resources: &mut Vec<ResourceSpec>) {
    if resources.is_empty() {
        *resources =
            ["cpu", "memory"].map(|name| ResourceSpec { name: name.to_owned(), weight: 1 }).into();
    }
    for resource in resources.iter_mut().filter(|resource| resource.weight == 0) {
        resource.weight = 1;
    }
}

/// How pods are spread that say nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodTopologySpreadArgs {
    /// So, with the selectors of their Services and controllers.
    pub default_constraints: Vec<TopologySpreadConstraint>,
    /// `System`, or `List` for `default_constraints`.
    pub defaulting_type: String,
}

impl PluginArgs for PodTopologySpreadArgs {
    const PLUGIN: &'static str = "PodTopologySpread";

    fn set_defaults(&mut self) {
        if self.defaulting_type.is_empty() {
            self.defaulting_type = "System".to_owned();
        }
    }
}

/// How long pods wait for their volumes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VolumeBindingArgs {
    /// At the most.
    pub bind_timeout_seconds: i64,
    /// How nodes are scored, which is off in v1.36.
    pub shape: Option<Vec<UtilizationShapePoint>>,
}

impl Default for VolumeBindingArgs {
    fn default() -> Self {
        Self { bind_timeout_seconds: 600, shape: None }
    }
}

impl PluginArgs for VolumeBindingArgs {
    const PLUGIN: &'static str = "VolumeBinding";
}

/// How long devices may take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DynamicResourcesArgs {
    /// To be searched on one node.
    pub filter_timeout: Option<Duration>,
    /// To be bound.
    pub binding_timeout: Option<Duration>,
}

impl PluginArgs for DynamicResourcesArgs {
    const PLUGIN: &'static str = "DynamicResources";
}
