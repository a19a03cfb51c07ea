//! Which plugins there are, and where each has a say.
//!
//! Source: framework/plugins/registry.go (v1.36) and the interfaces that each plugin implements. What is left out here
//! may be named in a configuration, and says nothing: NodeDeclaredFeatures, and the plugins of groups, which upstream
//! turns off, too.

use crate::framework::ExtensionPoint::{
    self, Bind, Filter, Permit, PlacementGenerate, PlacementScore, PostFilter, PreBind, PreEnqueue,
    PreFilter, PreScore, QueueSort, Reserve, Score,
};

/// The points at which each plugin can have a say.
const IN_TREE: [(&str, &[ExtensionPoint]); 23] = [
    ("DefaultBinder", &[Bind]),
    ("DefaultPreemption", &[PostFilter, PreEnqueue]),
    ("DynamicResources", &[PreEnqueue, PreFilter, Filter, PostFilter, Score, Reserve, PreBind]),
    ("GangScheduling", &[PreEnqueue, Permit]),
    ("ImageLocality", &[Score]),
    ("InterPodAffinity", &[PreFilter, Filter, PreScore, Score]),
    ("NodeAffinity", &[PreFilter, Filter, PreScore, Score]),
    ("NodeDeclaredFeatures", &[PreFilter, Filter]),
    ("NodeName", &[Filter]),
    ("NodePorts", &[PreFilter, Filter]),
    ("NodeResourcesBalancedAllocation", &[PreScore, Score]),
    ("NodeResourcesFit", &[PreFilter, Filter, PreScore, Score, PlacementScore]),
    ("NodeUnschedulable", &[Filter]),
    ("NodeVolumeLimits", &[PreFilter, Filter]),
    ("PodGroupPodsCount", &[PlacementScore]),
    ("PodTopologySpread", &[PreFilter, Filter, PreScore, Score]),
    ("PrioritySort", &[QueueSort]),
    ("SchedulingGates", &[PreEnqueue]),
    ("TaintToleration", &[Filter, PreScore, Score]),
    ("TopologyPlacementGenerator", &[PlacementGenerate]),
    ("VolumeBinding", &[PreFilter, Filter, Reserve, PreBind, PreScore, Score]),
    ("VolumeRestrictions", &[PreFilter, Filter]),
    ("VolumeZone", &[PreFilter, Filter]),
];

/// A plugin's name, and whether it can have a say at a point; `None` of a plugin that there is not.
pub(super) fn find(name: &str, point: ExtensionPoint) -> Option<(&'static str, bool)> {
    let (name, points) = IN_TREE.iter().find(|(known, _)| *known == name)?;
    Some((name, points.contains(&point)))
}
