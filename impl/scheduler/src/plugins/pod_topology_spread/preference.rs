//! Which nodes keep pods that are alike most evenly spread.
//!
//! Source: podtopologyspread/scoring.go (v1.36).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::PodTopologySpread;
use super::constraint::{Constraint, HOSTNAME, SCHEDULE_ANYWAY, constraints};
use crate::crowds::Places;
use crate::cycle::Cycle;
use crate::framework::{PreScore, SCORE_MAX, Score};
use crate::node_info::{NodeInfo, PodInfo};
use crate::scoring::Scoring;
use crate::snapshot::Snapshot;

/// How pods are spread over the domains that feasible nodes belong to, for each constraint that holds if it can.
#[derive(Clone, Debug)]
pub struct PreScoreState {
    spreads: Vec<Spread>,
    /// Feasible nodes without a label that a constraint of the pod itself names.
    ignored: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Spread {
    constraint: Constraint,
    /// How many pods each domain has, unless it is a host.
    counts: BTreeMap<String, i64>,
    /// The pods on each node, crowd by crowd, where the domains are hosts.
    on_nodes: Vec<Arc<Places>>,
    /// The more domains there are, the more a pod in one of them matters.
    weight: f64,
}

impl Spread {
    fn is_by_host(&self) -> bool {
        self.constraint.topology_key == HOSTNAME
    }

    fn domain<'a>(&self, node: &'a NodeInfo) -> &'a str {
        node.label(&self.constraint.topology_key).unwrap_or_default()
    }
}

impl PreScore for PodTopologySpread {
    fn pre_score(&self, scoring: &mut Scoring<'_>) {
        let (pod, cluster) = (scoring.cycle.pod, scoring.cycle.cluster);
        let wanted = self.constraints(pod, cluster, SCHEDULE_ANYWAY);
        let needs_all = !constraints(pod).is_empty() || !self.is_system_defaulted();
        if !wanted.is_empty() {
            scoring.spread = Some(spread(wanted, needs_all, (scoring.cycle, scoring.nodes)));
        }
    }
}

/// How pods are spread that constraints mean. Only nodes with all the labels count where that is needed.
fn spread(
    wanted: Vec<Constraint>,
    needs_all: bool,
    (cycle, nodes): (&Cycle<'_>, &[&NodeInfo]),
) -> PreScoreState {
    let spread =
        |constraint| Spread { constraint, counts: BTreeMap::new(), on_nodes: vec![], weight: 0.0 };
    let mut state = PreScoreState {
        spreads: wanted.into_iter().map(spread).collect(),
        ignored: BTreeSet::new(),
    };
    let counts = |state: &PreScoreState, node: &NodeInfo| !needs_all || state.has_all_keys(node);
    let (counted, ignored): (Vec<_>, Vec<_>) = nodes.iter().partition(|node| counts(&state, node));
    state.ignored = ignored.into_iter().map(|node: &NodeInfo| node.name().to_owned()).collect();
    state.find_domains((cycle.pod, &cycle.cluster.snapshot), &counted);
    if state.count_crowds(cycle, needs_all) {
        return state;
    }
    let all = cycle.cluster.snapshot.nodes().filter(|node| counts(&state, node));
    for node in all.collect::<Vec<_>>() {
        state.count(cycle, node);
    }
    state
}

impl PreScoreState {
    fn has_all_keys(&self, node: &NodeInfo) -> bool {
        self.spreads.iter().all(|spread| node.label(&spread.constraint.topology_key).is_some())
    }

    fn find_domains(&mut self, of_pod: (&PodInfo, &Snapshot), nodes: &[&NodeInfo]) {
        for spread in &mut self.spreads {
            let mut domains = nodes.len();
            if !spread.is_by_host() {
                let values: BTreeSet<&str> = nodes.iter().map(|node| spread.domain(node)).collect();
                spread.counts = values.into_iter().map(|value| (value.to_owned(), 0)).collect();
                domains = spread.counts.len();
            } else {
                let crowds = spread.constraint.crowds(of_pod);
                spread.on_nodes = crowds.map(|crowd| Arc::clone(&crowd.nodes)).collect();
            }
            spread.weight = (domains as f64 + 2.0).ln();
        }
    }

    /// Counts crowd by crowd, where every node counts; whether that is so. Where not all labels are needed, a node
    /// without one is in no domain, and nobody asks how many pods it has.
    fn count_crowds(&mut self, cycle: &Cycle<'_>, needs_all: bool) -> bool {
        let (pod, snapshot) = (cycle.pod, &cycle.cluster.snapshot);
        let counts_all = |spread: &Spread| match needs_all {
            true => spread.constraint.domains(pod, snapshot).is_some(),
            false => spread.is_by_host() || spread.constraint.includes_all(pod),
        };
        if !self.spreads.iter().all(counts_all) {
            return false;
        }
        for spread in self.spreads.iter_mut().filter(|spread| !spread.is_by_host()) {
            spread.constraint.count_crowds((pod, snapshot), &mut spread.counts);
        }
        true
    }

    fn count(&mut self, cycle: &Cycle<'_>, node: &NodeInfo) {
        for spread in &mut self.spreads {
            let domain = spread.domain(node);
            if let Some(count) = spread.counts.get_mut(domain)
                && spread.constraint.includes(cycle.pod, node)
            {
                *count += spread.constraint.count(cycle.pod, node);
            }
        }
    }
}

impl Score for PodTopologySpread {
    /// How many pods there are where the node is; fewer is better.
    fn score(&self, scoring: &Scoring<'_>, node: &NodeInfo) -> i64 {
        let Some(state) = &scoring.spread else { return 0 };
        if state.ignored.contains(node.name()) {
            return 0;
        }
        let mut score = 0.0;
        for spread in &state.spreads {
            let constraint = &spread.constraint;
            let Some(value) = node.label(&constraint.topology_key) else { continue };
            let count = match spread.is_by_host() {
                true => spread.on_nodes.iter().filter_map(|nodes| nodes.get(node.name())).sum(),
                false => spread.counts.get(value).copied().unwrap_or(0),
            };
            score += count as f64 * spread.weight + (constraint.max_skew - 1) as f64;
        }
        f64::round(score) as i64
    }

    fn skips(&self, cycle: &Cycle<'_>) -> bool {
        self.constraints(cycle.pod, cycle.cluster, SCHEDULE_ANYWAY).is_empty()
    }

    /// The least becomes the most, at 100 where it is none.
    fn normalize_score(&self, scoring: &Scoring<'_>, scores: &mut [i64]) {
        let Some(state) = &scoring.spread else { return };
        let is_ignored = |index: usize| state.ignored.contains(scoring.nodes[index].name());
        let counted = (0..scores.len()).filter(|index| !is_ignored(*index));
        let counted: Vec<i64> = counted.map(|index| scores[index]).collect();
        let least = counted.iter().copied().min().unwrap_or(0);
        let most = counted.iter().copied().max().unwrap_or(0);
        for (index, score) in scores.iter_mut().enumerate() {
            *score = match (is_ignored(index), most) {
                (true, _) => 0,
                (false, 0) => SCORE_MAX,
                (false, most) => SCORE_MAX * (most + least - *score) / most,
            };
        }
    }
}
