//! PodTopologySpread: pods that are alike are spread evenly over zones, hosts or what else a label of nodes divides.
//!
//! Source: framework/plugins/podtopologyspread (v1.36). A pod that is being deleted counts
//! nowhere, not even when preemption is tried, where upstream takes away what it never counted.

mod constraint;
mod preference;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Node;

use crate::cluster::Cluster;
use crate::config::PodTopologySpreadArgs;
use crate::cycle::{Cycle, CycleState};
use crate::event::Event;
use crate::framework::{Filter, Plugin, PreFilter, Verdict};
use crate::node_info::{NodeInfo, PodInfo};

use constraint::{Constraint, of_kind, system_defaults, with_default_selector};
pub(crate) use constraint::{DO_NOT_SCHEDULE, ZONE};
pub use preference::PreScoreState;

const UNEVEN: &str = "node(s) didn't match pod topology spread constraints";
const NO_LABEL: &str =
    "node(s) didn't match pod topology spread constraints (missing required label)";

/// How pods are spread that a constraint means.
#[derive(Clone, Debug)]
struct Spread {
    constraint: Constraint,
    /// How many pods each eligible domain has.
    counts: BTreeMap<String, i64>,
    /// The least of them; none where there are fewer domains than there should be.
    least: i64,
}

impl Spread {
    fn find_least(&mut self) {
        let domains = i64::try_from(self.counts.len()).unwrap_or(i64::MAX);
        let least = self.counts.values().copied().min();
        self.least = least.filter(|_| domains >= self.constraint.min_domains).unwrap_or(0);
    }
}

/// How pods are spread, for each constraint that must hold.
#[derive(Clone, Debug, Default)]
pub struct PreFilterState {
    spreads: Vec<Spread>,
}

impl PreFilterState {
    /// Counts a pod more or less.
    pub fn update(&mut self, pod: &PodInfo, (other, node): (&PodInfo, &NodeInfo), change: i64) {
        if !self.has_all_keys(node) || other.is_terminating() {
            return;
        }
        for spread in &mut self.spreads {
            let constraint = &spread.constraint;
            if constraint.counts(pod, other) && constraint.includes(pod, node) {
                let value = node.label(&constraint.topology_key).unwrap_or_default().to_owned();
                *spread.counts.entry(value).or_default() += change;
                spread.find_least();
            }
        }
    }

    fn has_all_keys(&self, node: &NodeInfo) -> bool {
        self.spreads.iter().all(|spread| node.label(&spread.constraint.topology_key).is_some())
    }
}

/// How the pods are spread that constraints mean.
fn pre_filter(constraints: Vec<Constraint>, pod: &PodInfo, cluster: &Cluster) -> PreFilterState {
    let spread = |constraint| Spread { constraint, counts: BTreeMap::new(), least: 0 };
    let mut state = PreFilterState { spreads: constraints.into_iter().map(spread).collect() };
    if state.spreads.is_empty() {
        return state;
    }
    if !state.count_crowds(pod, cluster) {
        state.count_nodes(pod, cluster);
    }
    state.spreads.iter_mut().for_each(Spread::find_least);
    state
}

impl PreFilterState {
    /// Counts crowd by crowd, where every node is eligible; whether that is so.
    fn count_crowds(&mut self, pod: &PodInfo, cluster: &Cluster) -> bool {
        let constraints = self.spreads.iter().map(|spread| &spread.constraint);
        let counts = constraints.map(|constraint| {
            let domains = constraint.domains(pod, &cluster.snapshot)?;
            let mut counts = domains.keys().map(|value| (value.clone(), 0)).collect();
            constraint.count_crowds((pod, &cluster.snapshot), &mut counts);
            Some(counts)
        });
        let Some(counts) = counts.collect::<Option<Vec<_>>>() else { return false };
        for (spread, counts) in self.spreads.iter_mut().zip(counts) {
            spread.counts = counts;
        }
        true
    }

    fn count_nodes(&mut self, pod: &PodInfo, cluster: &Cluster) {
        let nodes = cluster.snapshot.nodes().filter(|node| self.has_all_keys(node));
        for node in nodes.collect::<Vec<_>>() {
            for Spread { constraint, counts, .. } in &mut self.spreads {
                if constraint.includes(pod, node) {
                    let value = node.label(&constraint.topology_key).unwrap_or_default().to_owned();
                    *counts.entry(value).or_default() += constraint.count(pod, node);
                }
            }
        }
    }
}

/// Compares how many pods there are here and elsewhere.
#[derive(Clone, Debug, Default)]
pub struct PodTopologySpread(pub PodTopologySpreadArgs);

impl PodTopologySpread {
    /// The constraints of a pod that say this of what is to be done when they do not hold; those for pods that have
    /// none, if it has none.
    fn constraints(
        &self,
        pod: &PodInfo,
        cluster: &Cluster,
        when_unsatisfiable: &str,
    ) -> Vec<Constraint> {
        let own = constraint::constraints(pod);
        if !own.is_empty() {
            return of_kind(own, pod, when_unsatisfiable);
        }
        let defaults = match self.is_system_defaulted() {
            true if when_unsatisfiable == DO_NOT_SCHEDULE => return vec![],
            true => system_defaults(),
            false => of_kind(&self.0.default_constraints, pod, when_unsatisfiable),
        };
        with_default_selector(defaults, pod, cluster)
    }

    fn is_system_defaulted(&self) -> bool {
        self.0.defaulting_type != "List"
    }
}

impl Plugin for PodTopologySpread {
    fn name(&self) -> &'static str {
        "PodTopologySpread"
    }
}

impl PreFilter for PodTopologySpread {
    fn pre_filter(
        &self,
        (pod, cluster): (&PodInfo, &Cluster),
        state: &mut CycleState,
    ) -> Result<(), String> {
        let constraints = self.constraints(pod, cluster, DO_NOT_SCHEDULE);
        state.spread = pre_filter(constraints, pod, cluster);
        Ok(())
    }
}

impl Filter for PodTopologySpread {
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict {
        for Spread { constraint, counts, least } in &cycle.state.spread.spreads {
            let Some(value) = node.label(&constraint.topology_key) else {
                return Verdict::unresolvable(NO_LABEL);
            };
            let here = counts.get(value).copied().unwrap_or(0);
            let with_pod = here + i64::from(constraint.selector.matches(cycle.pod.labels()));
            if with_pod - least > constraint.max_skew {
                return Verdict::Unschedulable(vec![UNEVEN.to_owned()]);
            }
        }
        Verdict::Feasible
    }

    fn skips(&self, cycle: &Cycle<'_>) -> bool {
        cycle.state.spread.spreads.is_empty()
    }

    fn may_help(&self, pod: &PodInfo, event: Event<'_>, cluster: &Cluster) -> bool {
        let constraints = self.constraints(pod, cluster, DO_NOT_SCHEDULE);
        match event {
            Event::Pod { old, new } => constraints.iter().any(|constraint| {
                let is_meant = |other: Option<&PodInfo>| {
                    other.is_some_and(|other| constraint.counts(pod, other))
                };
                is_meant(old) != is_meant(new)
            }),
            Event::Node { old, new } => node_may_help(&constraints, old, new),
            Event::Volumes(_) | Event::Devices(_) | Event::FreedDevices => false,
        }
    }
}

/// A node that joins or leaves a domain, or has other taints.
fn node_may_help(constraints: &[Constraint], old: Option<&Node>, new: Option<&Node>) -> bool {
    let place = |node: Option<&Node>| {
        let labels = node?.metadata.labels.as_ref();
        let value = |constraint: &Constraint| labels?.get(&constraint.topology_key).cloned();
        constraints.iter().map(value).collect::<Option<Vec<_>>>()
    };
    let taints = |node: Option<&Node>| node?.spec.as_ref().and_then(|spec| spec.taints.clone());
    let labels = |node: Option<&Node>| node.and_then(|node| node.metadata.labels.clone());
    let (before, after) = (place(old), place(new));
    before != after
        || (after.is_some() && (taints(old) != taints(new) || labels(old) != labels(new)))
}
