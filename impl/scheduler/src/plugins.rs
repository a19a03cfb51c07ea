//! The plugins, each in a file of its own, and how they are made.
//!
//! Source: framework/plugins (v1.36).

pub mod balanced_allocation;
pub mod default_preemption;
pub mod dynamic_resources;
pub mod image_locality;
pub mod inter_pod_affinity;
pub mod node_affinity;
pub mod node_name;
pub mod node_ports;
pub mod node_unschedulable;
pub mod node_volume_limits;
pub mod pod_topology_spread;
mod resource_allocation;
pub mod resources_fit;
mod shape;
pub mod taint_toleration;
pub mod volume_binding;
pub mod volume_restrictions;
pub mod volume_zone;

use std::sync::Arc;

use crate::config::KubeSchedulerProfile;
use crate::framework::{Filter, PreFilter, PreScore, Score};

/// All plugins, told what a profile tells them.
pub(crate) struct Made {
    pub(crate) pre_filters: Vec<Arc<dyn PreFilter>>,
    pub(crate) filters: Vec<Arc<dyn Filter>>,
    pub(crate) pre_scores: Vec<Arc<dyn PreScore>>,
    pub(crate) scores: Vec<Arc<dyn Score>>,
}

impl Made {
    /// Those of a profile. `ignored_resources` are those that only extenders look at, if there are any.
    pub(crate) fn of(profile: &KubeSchedulerProfile, ignored_resources: &[String]) -> Self {
        let node_affinity = Arc::new(node_affinity::NodeAffinity(profile.args()));
        let fit = resources_fit::NodeResourcesFit::new(&profile.args(), ignored_resources);
        let fit = Arc::new(fit);
        let spread = Arc::new(pod_topology_spread::PodTopologySpread(profile.args()));
        let affinity = Arc::new(inter_pod_affinity::InterPodAffinity(profile.args()));
        let taints = Arc::new(taint_toleration::TaintToleration);
        let restrictions = Arc::new(volume_restrictions::VolumeRestrictions);
        let binding = Arc::new(volume_binding::VolumeBinding);
        let zone = Arc::new(volume_zone::VolumeZone);
        let devices = Arc::new(dynamic_resources::DynamicResources::new(&profile.args()));
        let balanced = balanced_allocation::NodeResourcesBalancedAllocation::new(&profile.args());
        Self {
            pre_filters: vec![
                node_affinity.clone(),
                restrictions.clone(),
                binding.clone(),
                zone.clone(),
                spread.clone(),
                affinity.clone(),
                devices.clone(),
            ],
            filters: vec![
                Arc::new(node_unschedulable::NodeUnschedulable),
                Arc::new(node_name::NodeName),
                taints.clone(),
                node_affinity.clone(),
                Arc::new(node_ports::NodePorts),
                fit.clone(),
                restrictions,
                Arc::new(node_volume_limits::NodeVolumeLimits),
                binding,
                zone,
                spread.clone(),
                affinity.clone(),
                devices.clone(),
            ],
            pre_scores: vec![spread.clone(), affinity.clone()],
            scores: vec![
                taints,
                node_affinity,
                fit,
                spread,
                affinity,
                devices,
                Arc::new(balanced),
                Arc::new(image_locality::ImageLocality),
            ],
        }
    }
}
