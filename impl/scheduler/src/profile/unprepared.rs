//! Plugins that are asked about nodes without having looked at the pod before, as a configuration says: upstream's find
//! nothing noted then, and fail every pod.
//!
//! Source: `getPreFilterState`, `getPreScoreState` and `getStateData` of the plugins (v1.36). Those that are not named here
//! find out then what they need.

use std::collections::BTreeMap;

use super::Enabled;
use crate::framework::ExtensionPoint::{self, Filter, PreFilter, PreScore, Score};

/// What each says in Filter if it had no say in PreFilter.
const FILTERS: [(&str, &str); 7] = [
    ("NodePorts", "reading \"PreFilterNodePorts\" from cycleState: not found"),
    ("NodeResourcesFit", "error reading \"PreFilterNodeResourcesFit\" from cycleState: not found"),
    ("VolumeRestrictions", "cannot read \"PreFilterVolumeRestrictions\" from cycleState"),
    ("VolumeBinding", "not found"),
    ("PodTopologySpread", "reading \"PreFilterPodTopologySpread\" from cycleState: not found"),
    ("InterPodAffinity", "error reading \"PreFilterInterPodAffinity\" from cycleState: not found"),
    ("DynamicResources", "not found"),
];

/// What each says in Score if it had no say before.
const SCORES: [(&str, ExtensionPoint, &str); 4] = [
    (
        "TaintToleration",
        PreScore,
        "failed to read \"PreScoreTaintToleration\" from cycleState: not found",
    ),
    (
        "PodTopologySpread",
        PreScore,
        "error reading \"PreScorePodTopologySpread\" from cycleState: not found",
    ),
    (
        "InterPodAffinity",
        PreScore,
        "failed to read \"PreScoreInterPodAffinity\" from cycleState: not found",
    ),
    ("DynamicResources", PreFilter, "not found"),
];

/// What plugins of a profile say that had no say before.
#[derive(Clone, Debug, Default)]
pub struct Unprepared {
    filters: BTreeMap<&'static str, &'static str>,
    score: Option<String>,
}

impl Unprepared {
    pub(super) fn of(enabled: &Enabled) -> Self {
        let lacks = |plugin: &str, point, before| {
            enabled.has(point, plugin) && !enabled.has(before, plugin)
        };
        let filters = FILTERS.into_iter().filter(|(name, _)| lacks(name, Filter, PreFilter));
        let mut scores = SCORES.iter().filter(|(name, before, _)| lacks(name, Score, *before));
        let score = scores.next().map(|(name, _, why)| {
            format!("running Score plugins: plugin \"{name}\" failed with: {why}")
        });
        Self { filters: filters.collect(), score }
    }

    /// Whether no pod can be scheduled because of one of them.
    pub fn is_any(&self) -> bool {
        !self.filters.is_empty() || self.score.is_some()
    }

    /// Why a plugin says nothing of a node, if so.
    pub fn filter(&self, plugin: &str) -> Option<&'static str> {
        self.filters.get(plugin).copied()
    }

    /// Why nodes are not scored, if so.
    pub fn score(&self) -> Option<&str> {
        self.score.as_deref()
    }
}
