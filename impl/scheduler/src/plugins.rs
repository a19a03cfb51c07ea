//! The plugins, in the order in which they filter.
//!
//! Source: the default plugins of apis/config/v1/default_plugins.go (v1.36), with their weights.

pub mod balanced_allocation;
pub mod default_preemption;
pub mod image_locality;
pub mod inter_pod_affinity;
pub mod node_affinity;
pub mod node_name;
pub mod node_ports;
pub mod node_unschedulable;
pub mod node_volume_limits;
pub mod pod_topology_spread;
pub mod resources_fit;
pub mod taint_toleration;
pub mod volume_binding;
pub mod volume_restrictions;
pub mod volume_zone;

use crate::framework::{Filter, Score};

/// The filters; the first that is against a node speaks for all.
pub static FILTERS: [&dyn Filter; 12] = [
    &node_unschedulable::NodeUnschedulable,
    &node_name::NodeName,
    &taint_toleration::TaintToleration,
    &node_affinity::NodeAffinity,
    &node_ports::NodePorts,
    &resources_fit::NodeResourcesFit,
    &volume_restrictions::VolumeRestrictions,
    &node_volume_limits::NodeVolumeLimits,
    &volume_binding::VolumeBinding,
    &volume_zone::VolumeZone,
    &pod_topology_spread::PodTopologySpread,
    &inter_pod_affinity::InterPodAffinity,
];

/// The scores; their weighted sum counts.
pub static SCORES: [&dyn Score; 7] = [
    &taint_toleration::TaintToleration,
    &node_affinity::NodeAffinity,
    &resources_fit::NodeResourcesFit,
    &pod_topology_spread::PodTopologySpread,
    &inter_pod_affinity::InterPodAffinity,
    &balanced_allocation::NodeResourcesBalancedAllocation,
    &image_locality::ImageLocality,
];
