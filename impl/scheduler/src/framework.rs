//! The points at which plugins have a say: which nodes are feasible, and which of those is best.
//!
//! Source: pkg/scheduler/framework (v1.36).

use std::fmt;

use crate::cluster::Cluster;
use crate::cycle::{Cycle, CycleState};
use crate::event::Event;
use crate::node_info::{NodeInfo, PodInfo};
use crate::scoring::Scoring;

/// Where plugins have a say. Source: kube-scheduler/framework/interface.go (v1.36).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExtensionPoint {
    /// What is found out before nodes are looked at.
    PreFilter,
    /// Which nodes are feasible.
    Filter,
    /// What can be done when none is.
    PostFilter,
    /// What is kept for a pod that has a node.
    Reserve,
    /// What is found out before feasible nodes are scored.
    PreScore,
    /// Which of the feasible nodes is best.
    Score,
    /// What must be there before a pod is bound.
    PreBind,
    /// Who binds a pod.
    Bind,
    /// Who hears of a pod that was bound.
    PostBind,
    /// Whether a pod that has a node may be bound.
    Permit,
    /// Whether a pod is looked at.
    PreEnqueue,
    /// In which order pods are looked at.
    QueueSort,
    /// Where a group of pods may run.
    PlacementGenerate,
    /// Which of these places is best.
    PlacementScore,
}

impl ExtensionPoint {
    /// All of them, in the order in which upstream makes plugins.
    pub const ALL: [Self; 14] = [
        Self::PreFilter,
        Self::Filter,
        Self::PostFilter,
        Self::Reserve,
        Self::PreScore,
        Self::Score,
        Self::PreBind,
        Self::Bind,
        Self::PostBind,
        Self::Permit,
        Self::PreEnqueue,
        Self::QueueSort,
        Self::PlacementGenerate,
        Self::PlacementScore,
    ];

    /// Whether it is about groups of pods.
    pub fn is_of_groups(self) -> bool {
        matches!(self, Self::PlacementGenerate | Self::PlacementScore)
    }

    /// Its field in a configuration, `preFilter`.
    pub fn field(self) -> String {
        let name = format!("{self:?}");
        name[..1].to_lowercase() + &name[1..]
    }
}

/// The best score that a plugin gives.
pub const SCORE_MAX: i64 = 100;

/// What filters say of a pod on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The pod can run there.
    Feasible,
    /// It cannot, for these reasons; it might if other pods went.
    Unschedulable(Vec<String>),
    /// It cannot, for these reasons, whatever other pods do.
    UnschedulableAndUnresolvable(Vec<String>),
    /// Something is wrong with what the pod asks for, wherever it runs: it is tried again after its backoff.
    Error(String),
}

impl Verdict {
    /// The pod cannot run there whatever other pods do.
    pub fn unresolvable(reason: &str) -> Self {
        Self::UnschedulableAndUnresolvable(vec![reason.to_owned()])
    }

    /// Why it cannot run there; nothing when it can.
    pub fn reasons(&self) -> &[String] {
        match self {
            Self::Feasible => &[],
            Self::Error(why) => std::slice::from_ref(why),
            Self::Unschedulable(reasons) | Self::UnschedulableAndUnresolvable(reasons) => reasons,
        }
    }
}

/// A verdict against a node, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The plugin's name.
    pub plugin: &'static str,
    /// Not [`Verdict::Feasible`].
    pub verdict: Verdict,
}

/// A plugin, which a profile has told its arguments.
pub trait Plugin: fmt::Debug + Send + Sync {
    /// Its name in a scheduler configuration.
    fn name(&self) -> &'static str;
}

/// Looks at a pod and the whole cluster before nodes are looked at.
pub trait PreFilter: Plugin {
    /// Notes what it finds out; or why the pod can run nowhere.
    fn pre_filter(&self, of: (&PodInfo, &Cluster), state: &mut CycleState) -> Result<(), String>;
}

/// Decides whether a node is feasible for a pod.
pub trait Filter: Plugin {
    /// Whether the pod can run on the node.
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict;

    /// Whether it looks at nothing but the node, its pods, and what pods of one [kind](crate::knowledge) have in common.
    fn is_local(&self) -> bool {
        false
    }

    /// Whether it has nothing against any node, whoever leaves it: what upstream calls skipped.
    fn skips(&self, _cycle: &Cycle<'_>) -> bool {
        false
    }

    /// Whether a change may make a pod schedulable that this plugin was against: upstream's queueing hint.
    fn may_help(&self, pod: &PodInfo, event: Event<'_>, cluster: &Cluster) -> bool;
}

/// Looks at all feasible nodes before one is scored.
pub trait PreScore: Plugin {
    /// Notes what it finds out.
    fn pre_score(&self, scoring: &mut Scoring<'_>);
}

/// Ranks feasible nodes.
pub trait Score: Plugin {
    /// How good the node is for the pod: 0 to 100, or any number when it normalizes.
    fn score(&self, scoring: &Scoring<'_>, node: &NodeInfo) -> i64;

    /// Whether the score, not yet normalized, depends on nothing but the node, its pods, and what pods of one
    /// [kind](crate::knowledge) have in common.
    fn is_local(&self) -> bool {
        false
    }

    /// Whether every node has the score 0.
    fn skips(&self, _cycle: &Cycle<'_>) -> bool {
        false
    }

    /// Brings the scores of all feasible nodes to 0 to 100.
    fn normalize_score(&self, _scoring: &Scoring<'_>, _scores: &mut [i64]) {}
}

/// Scales scores so that the best is 100; with `reverse` the smallest becomes the best.
///
/// Source: `DefaultNormalizeScore` in framework/plugins/helper (v1.36).
pub fn default_normalize_score(scores: &mut [i64], reverse: bool) {
    let max = scores.iter().copied().max().unwrap_or(0).max(0);
    for score in scores {
        let scaled = if max == 0 { 0 } else { SCORE_MAX * *score / max };
        *score = if reverse { SCORE_MAX - scaled } else { scaled };
    }
}

/// What is said of a pod that fits no node, without what preemption has to say: how many nodes each reason holds for.
///
/// Source: `FitError` in framework/types.go (v1.36). Reasons are sorted as texts, numbers and all.
pub fn fit_error<'a>(nodes: usize, reasons: impl Iterator<Item = (&'a str, usize)>) -> String {
    let mut reasons: Vec<String> =
        reasons.map(|(reason, count)| format!("{count} {reason}")).collect();
    reasons.sort();
    let mut message = format!("0/{nodes} nodes are available:");
    if !reasons.is_empty() {
        message.push_str(&format!(" {}.", reasons.join(", ")));
    }
    message
}

/// The same of a pod that was refused before any node was looked at.
pub fn pre_filter_error(nodes: usize, why: &str) -> String {
    format!("0/{nodes} nodes are available: {why}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_scaled_to_a_hundred() {
        let (mut scores, mut reversed) = ([0, 5, 10], [0, 5, 10]);
        default_normalize_score(&mut scores, false);
        default_normalize_score(&mut reversed, true);

        assert_eq!((scores, reversed), ([0, 50, 100], [100, 50, 0]));
    }
}
