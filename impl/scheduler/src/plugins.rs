//! The plugins, in the order in which they filter.
//!
//! Source: the default plugins of apis/config/v1/default_plugins.go (v1.36), with their weights.

pub mod balanced_allocation;
pub mod node_affinity;
pub mod node_name;
pub mod node_unschedulable;
pub mod resources_fit;
pub mod taint_toleration;
pub mod volume_binding;
pub mod volume_restrictions;

use crate::framework::{Filter, Score};

/// The filters; the first that is against a node speaks for all. [`volume_restrictions`] and
/// [`volume_binding`] come after them: they read more than a pod and a node.
pub static FILTERS: [&dyn Filter; 5] = [
    &node_unschedulable::NodeUnschedulable,
    &node_name::NodeName,
    &taint_toleration::TaintToleration,
    &node_affinity::NodeAffinity,
    &resources_fit::NodeResourcesFit,
];

/// The scores; their weighted sum counts.
pub static SCORES: [&dyn Score; 4] = [
    &taint_toleration::TaintToleration,
    &node_affinity::NodeAffinity,
    &resources_fit::NodeResourcesFit,
    &balanced_allocation::NodeResourcesBalancedAllocation,
];
