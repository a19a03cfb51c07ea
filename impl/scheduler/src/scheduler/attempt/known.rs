//! An attempt for a pod of a kind of which most is known: what has changed is looked at, and what depends on more than a
//! node and its pods.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

use super::{Attempt, Found, Stop, best_of, failure_of};
use crate::cycle::Cycle;
use crate::framework::{Filter, Rejection};
use crate::knowledge::{Known, not_local};
use crate::node_info::NodeInfo;
use crate::refusals::Refusals;
use crate::scheduler::Explanation;
use crate::scoring::Scoring;

/// Feasible nodes by name, each with its local scores.
type Feasible<'k> = Vec<(&'k str, &'k [i64])>;

/// What comes of a search.
struct Searched<'k> {
    feasible: Feasible<'k>,
    /// Why nodes are not feasible to plugins that look beyond them.
    refused: BTreeMap<&'k str, Rejection>,
    /// The first node at which it has not looked.
    next: Option<String>,
}

impl Attempt<'_> {
    /// Finds what a search through all nodes finds.
    pub(super) fn find_among(
        &self,
        cycle: &Cycle<'_>,
        known: &mut Known,
    ) -> (Result<Found, Stop>, Option<String>) {
        let others = not_local(cycle);
        let Known { feasible, refusals, .. } = known;
        let Searched { feasible, refused, next } = self.search(cycle, (feasible, &others));
        let found = if let Some(why) = refused.values().find_map(failure_of) {
            Err(Stop::Error(why))
        } else if !feasible.is_empty() {
            Ok(self.chosen_among(cycle, &feasible))
        } else if others.is_empty() {
            self.unschedulable(cycle, refusals).map(Found::Nothing)
        } else {
            let known = refusals.rejections().map(|(name, why)| (name, why.clone()));
            let mut all: Refusals = known.chain(refused).collect();
            self.unschedulable(cycle, &mut all).map(Found::Nothing)
        };
        (found, next)
    }

    fn search<'k>(
        &self,
        cycle: &Cycle<'_>,
        (known, others): (&'k BTreeMap<String, Vec<i64>>, &[&dyn Filter]),
    ) -> Searched<'k> {
        let enough = match self.has_choice() {
            true => self.profile.num_feasible_nodes_to_find(cycle.cluster.snapshot.nodes_len()),
            false => 1,
        };
        let mut refused = BTreeMap::new();
        let mut feasible_of = |range, enough: usize| {
            let mut feasible: Feasible<'k> = vec![];
            for (name, scores) in known.range::<str, _>(range) {
                if feasible.len() == enough {
                    break;
                }
                match rejection(cycle, (name, others)) {
                    None => feasible.push((name, scores)),
                    Some(rejection) => drop(refused.insert(name.as_str(), rejection)),
                }
            }
            feasible
        };
        let mut after = feasible_of((Included(self.start), Unbounded), enough);
        let mut feasible = feasible_of((Unbounded, Excluded(self.start)), enough - after.len());
        let last = feasible.last().or(after.last()).map(|(name, _)| *name);
        feasible.append(&mut after);
        let last = last.filter(|_| feasible.len() == enough);
        let next = last.and_then(|last| self.after(last)).map(str::to_owned);
        Searched { feasible, refused, next }
    }

    /// The node that comes after this one, or the first.
    fn after(&self, name: &str) -> Option<&str> {
        let snapshot = &self.cluster.snapshot;
        let mut from = snapshot.nodes_from(name).map(NodeInfo::name);
        from.find(|next| *next > name).or_else(|| snapshot.nodes().map(NodeInfo::name).next())
    }

    /// As [`Attempt::chosen`].
    fn chosen_among(&self, cycle: &Cycle<'_>, feasible: &Feasible<'_>) -> Found {
        let (mut best, mut scores) = (0, vec![]);
        if feasible.len() > 1 {
            let known: Vec<&[i64]> = feasible.iter().map(|(_, scores)| *scores).collect();
            let mut plugins = cycle.profile.scores.iter().map(|(plugin, _)| plugin);
            let needs_nodes = plugins.any(|plugin| !plugin.is_local() && !plugin.skips(cycle));
            scores = if needs_nodes {
                let snapshot = &cycle.cluster.snapshot;
                let nodes: Vec<&NodeInfo> =
                    feasible.iter().filter_map(|(name, _)| snapshot.node(name)).collect();
                Scoring::pre_score(cycle, &nodes).run_scores_beside(&known)
            } else {
                Scoring::new(cycle, &[]).run_scores_beside(&known)
            };
            best = best_of(feasible.len(), &scores);
        }
        let explanation = Explanation::of(feasible.len(), &scores, best);
        self.found(cycle, feasible[best].0, explanation)
    }
}

/// Why a node is not feasible that is to all plugins that look at nothing else.
fn rejection(cycle: &Cycle<'_>, (name, others): (&str, &[&dyn Filter])) -> Option<Rejection> {
    if others.is_empty() {
        return None;
    }
    let node = cycle.cluster.snapshot.node(name)?;
    cycle.rejection_of(others, node)
}
