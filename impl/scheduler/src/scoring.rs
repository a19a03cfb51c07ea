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
    /// Before plugins look at the pod and all feasible nodes.
    pub fn new(cycle: &'a Cycle<'a>, nodes: &'a [&'a NodeInfo]) -> Self {
        let affinity = inter_pod_affinity::PreScoreState::default();
        Self { cycle, nodes, spread: None, affinity }
    }

    /// Looks at the pod and all feasible nodes.
    pub fn pre_score(cycle: &'a Cycle<'a>, nodes: &'a [&'a NodeInfo]) -> Self {
        let mut scoring = Self::new(cycle, nodes);
        for plugin in &cycle.profile.pre_scores {
            plugin.pre_score(&mut scoring);
        }
        scoring
    }

    /// The score of each node, as a plugin counts itself.
    pub fn raw(&self, plugin: &dyn Score) -> Vec<i64> {
        self.nodes.iter().map(|node| plugin.score(self, node)).collect()
    }

    /// What plugins say of a node that look at nothing else, in their order.
    pub fn local(&self, node: &NodeInfo) -> Vec<i64> {
        let plugins = self.cycle.profile.scores.iter().map(|(plugin, _)| plugin);
        plugins.filter(|plugin| plugin.is_local()).map(|plugin| plugin.score(self, node)).collect()
    }

    /// Per plugin, the weighted score of each node.
    pub fn run_scores(&self) -> Vec<(&'static str, Vec<i64>)> {
        self.weighted(|plugin| self.raw(plugin))
    }

    /// The same, where the [local](Self::local) scores of each node are known. The nodes are looked at only if a
    /// plugin does not skip them.
    pub fn run_scores_beside(&self, known: &[&[i64]]) -> Vec<(&'static str, Vec<i64>)> {
        let mut place = 0;
        self.weighted(|plugin| {
            if plugin.is_local() {
                place += 1;
                known.iter().map(|scores| scores[place - 1]).collect()
            } else if plugin.skips(self.cycle) {
                vec![0; known.len()]
            } else {
                self.raw(plugin)
            }
        })
    }

    fn weighted(
        &self,
        mut raw: impl FnMut(&dyn Score) -> Vec<i64>,
    ) -> Vec<(&'static str, Vec<i64>)> {
        let mut all = vec![];
        for (plugin, weight) in &self.cycle.profile.scores {
            let mut scores = raw(&**plugin);
            plugin.normalize_score(self, &mut scores);
            for score in &mut scores {
                *score *= weight;
            }
            all.push((plugin.name(), scores));
        }
        all
    }
}
