//! Which of the feasible nodes is best for a pod.
//!
//! Source: `RunPreScorePlugins` and `RunScorePlugins` in framework/runtime/framework.go (v1.36).

use crate::cycle::Cycle;
use crate::framework::Score;
use crate::node_info::NodeInfo;
use crate::plugins::{inter_pod_affinity, pod_topology_spread};

/// The feasible nodes, and what plugins found out about all of them before they score one.
#[derive(Debug)]
pub struct Scoring<'a> {
    /// The attempt to schedule the pod.
    pub cycle: &'a Cycle<'a>,
    /// The feasible nodes.
    pub nodes: &'a [&'a NodeInfo],
    /// How pods like it are spread; `None` when that does not matter.
    pub(crate) spread: Option<pod_topology_spread::PreScoreState>,
    /// Where the pods are that it would be near to.
    pub(crate) affinity: inter_pod_affinity::PreScoreState,
}

impl<'a> Scoring<'a> {
    /// Looks at the pod and all feasible nodes.
    pub fn pre_score(cycle: &'a Cycle<'a>, nodes: &'a [&'a NodeInfo]) -> Self {
        let affinity = inter_pod_affinity::PreScoreState::default();
        let mut scoring = Self { cycle, nodes, spread: None, affinity };
        for plugin in &cycle.profile.pre_scores {
            plugin.pre_score(&mut scoring);
        }
        scoring
    }

    /// The score of each node, as a plugin counts itself.
    pub fn raw(&self, plugin: &dyn Score) -> Vec<i64> {
        self.nodes.iter().map(|node| plugin.score(self, node)).collect()
    }

    /// Per plugin, the weighted score of each node.
    pub fn run_scores(&self) -> Vec<(&'static str, Vec<i64>)> {
        let mut all = vec![];
        let plugins = self.cycle.profile.scores.iter();
        for (plugin, weight) in plugins.filter(|(plugin, _)| !plugin.is_silent(self.cycle)) {
            let mut scores = self.raw(&**plugin);
            plugin.normalize_score(self, &mut scores);
            for score in &mut scores {
                *score *= weight;
            }
            all.push((plugin.name(), scores));
        }
        all
    }
}
