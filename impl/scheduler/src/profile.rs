//! A profile: the plugins that decide about the pods of one scheduler name.
//!
//! Source: framework/runtime/framework.go and profile/profile.go (v1.36).

mod enabled;
mod registry;
mod unprepared;

use std::sync::Arc;

use crate::config::{DefaultPreemptionArgs, KubeSchedulerProfile, PluginArgs, VolumeBindingArgs};
use crate::framework::{ExtensionPoint, Filter, Plugin, PreFilter, PreScore, Score};
use crate::plugins::Made;
use crate::plugins::dynamic_resources::DynamicResources;

pub use enabled::Enabled;
pub use unprepared::Unprepared;

/// The plugins of a scheduler name, at each point in their order.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The `spec.schedulerName` of its pods.
    pub scheduler_name: String,
    /// The share of the nodes after which the search for feasible ones ends; 0 for one that fits the cluster's size.
    pub percentage_of_nodes_to_score: i32,
    /// The names of all that have a say, by points.
    pub enabled: Enabled,
    /// Those that had no say before they need what they would have noted.
    pub unprepared: Unprepared,
    /// Look at the pod and the cluster.
    pub pre_filters: Vec<Arc<dyn PreFilter>>,
    /// The first that is against a node speaks for all.
    pub filters: Vec<Arc<dyn Filter>>,
    /// Look at all feasible nodes.
    pub pre_scores: Vec<Arc<dyn PreScore>>,
    /// Rank nodes, each with how much it counts.
    pub scores: Vec<(Arc<dyn Score>, i64)>,
    /// Those that have a say anywhere and know which changes may help a pod that they were against.
    pub hints: Vec<Arc<dyn Filter>>,
    /// How preemption looks for room, if it may.
    pub preemption: Option<DefaultPreemptionArgs>,
    /// How long pods wait for their volumes.
    pub bind_timeout: std::time::Duration,
    /// What finds devices for pods.
    pub devices: DynamicResources,
}

impl Profile {
    /// A profile as it is configured, or why upstream makes no scheduler of it. `percentage` is what all profiles have
    /// that say nothing else; `ignored_resources` are those that only extenders look at.
    pub fn new(
        profile: &KubeSchedulerProfile,
        percentage: i32,
        ignored_resources: &[String],
    ) -> Result<Self, String> {
        let enabled = Enabled::of(profile)?;
        let made = Made::of(profile, ignored_resources);
        let scores = chosen(&made.scores, enabled.at(ExtensionPoint::Score));
        let scores = scores.into_iter().map(|score| {
            let weight = enabled.weight(score.name());
            (score, weight)
        });
        let hints = made.filters.iter().filter(|plugin| enabled.has_anywhere(plugin.name()));
        let preempts = enabled.has(ExtensionPoint::PostFilter, DefaultPreemptionArgs::PLUGIN);
        let timeout = profile.args::<VolumeBindingArgs>().bind_timeout_seconds;
        Ok(Self {
            scheduler_name: profile.name().to_owned(),
            percentage_of_nodes_to_score: profile
                .percentage_of_nodes_to_score
                .unwrap_or(percentage),
            pre_filters: chosen(&made.pre_filters, enabled.at(ExtensionPoint::PreFilter)),
            filters: chosen(&made.filters, enabled.at(ExtensionPoint::Filter)),
            pre_scores: chosen(&made.pre_scores, enabled.at(ExtensionPoint::PreScore)),
            scores: scores.collect(),
            hints: hints.cloned().collect(),
            preemption: preempts.then(|| profile.args()),
            bind_timeout: std::time::Duration::from_secs(u64::try_from(timeout).unwrap_or(0)),
            devices: DynamicResources::new(&profile.args()),
            unprepared: Unprepared::of(&enabled),
            enabled,
        })
    }

    /// After how many feasible nodes the search for more ends.
    ///
    /// Source: `numFeasibleNodesToFind` in schedule_one.go (v1.36).
    pub fn num_feasible_nodes_to_find(&self, nodes: usize) -> usize {
        const FEASIBLE_NODES_MIN: usize = 100;
        const PERCENTAGE_MIN: usize = 5;
        if nodes < FEASIBLE_NODES_MIN {
            return nodes;
        }
        let percentage = match usize::try_from(self.percentage_of_nodes_to_score).unwrap_or(0) {
            0 => 50_usize.saturating_sub(nodes / 125).max(PERCENTAGE_MIN),
            percentage => percentage,
        };
        (nodes * percentage / 100).max(FEASIBLE_NODES_MIN)
    }
}

/// Those of some plugins that have these names, in the order of the names.
fn chosen<P: Plugin + ?Sized>(plugins: &[Arc<P>], names: &[&str]) -> Vec<Arc<P>> {
    let find = |name: &&str| plugins.iter().find(|plugin| plugin.name() == *name).cloned();
    names.iter().filter_map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KubeSchedulerConfiguration;

    /// Source: TestNumFeasibleNodesToFind in schedule_one_test.go (v1.36).
    #[test]
    fn enough_nodes_are_looked_at() {
        let profiles = KubeSchedulerConfiguration::of_defaults().profiles;
        for (global, own, nodes, expected) in [
            (0, None, 10, 10),
            (0, Some(40), 10, 10),
            (0, None, 1000, 420),
            (0, Some(40), 1000, 400),
            (100, Some(40), 1000, 400),
            (0, None, 6000, 300),
            (0, Some(40), 6000, 2400),
            (40, Some(50), 6000, 3000),
            (1, None, 1000, 100),
        ] {
            let own =
                KubeSchedulerProfile { percentage_of_nodes_to_score: own, ..profiles[0].clone() };
            let profile = Profile::new(&own, global, &[]).unwrap();
            assert_eq!(profile.num_feasible_nodes_to_find(nodes), expected, "{global} {nodes}");
        }
    }
}
