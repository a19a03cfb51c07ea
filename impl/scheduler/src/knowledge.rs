//! What is known of each node for pods of one kind, so that the next pod of that kind costs what has changed since, and
//! not a look at all nodes.
//!
//! Kinds are upstream's signatures of pods (KEP-5598). Only what a plugin says of a node by itself is remembered; what
//! depends on pods elsewhere is asked each time.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{NodeAffinity, Toleration};

use api::node_fit::node_affinity;

use crate::changes::Mark;
use crate::cluster::Cluster;
use crate::cycle::Cycle;
use crate::framework::Filter;
use crate::host_ports::HostPort;
use crate::node_info::{Labels, PodInfo};
use crate::plugins::dynamic_resources::is_backed;
use crate::refusals::Refusals;
use crate::resources::PodRequests;
use crate::scoring::Scoring;

/// So many kinds are remembered, those that were asked for last.
const KINDS: usize = 16;

/// All that plugins read of a pod that say of a node what they say by themselves.
#[derive(Clone, Debug, PartialEq)]
struct Kind {
    scheduler_name: String,
    priority: i32,
    requests: PodRequests,
    host_ports: Vec<HostPort>,
    node_name: Option<String>,
    node_selector: Option<Labels>,
    node_affinity: Option<NodeAffinity>,
    tolerations: Option<Vec<Toleration>>,
}

impl Kind {
    fn of(pod: &PodInfo) -> Self {
        let spec = pod.spec();
        Self {
            scheduler_name: pod.scheduler_name().to_owned(),
            priority: pod.priority(),
            requests: pod.requests.clone(),
            host_ports: pod.host_ports.clone(),
            node_name: spec.and_then(|spec| spec.node_name.clone()),
            node_selector: spec.and_then(|spec| spec.node_selector.clone()),
            node_affinity: spec.and_then(node_affinity).cloned(),
            tolerations: spec.and_then(|spec| spec.tolerations.clone()),
        }
    }

    /// Whether a pod is of this kind, without a copy of what it asks for.
    fn has(&self, pod: &PodInfo) -> bool {
        let spec = pod.spec();
        self.priority == pod.priority()
            && self.requests == pod.requests
            && self.scheduler_name == pod.scheduler_name()
            && self.host_ports == pod.host_ports
            && self.node_name.as_ref() == spec.and_then(|spec| spec.node_name.as_ref())
            && self.node_selector.as_ref() == spec.and_then(|spec| spec.node_selector.as_ref())
            && self.node_affinity.as_ref() == spec.and_then(node_affinity)
            && self.tolerations.as_ref() == spec.and_then(|spec| spec.tolerations.as_ref())
    }
}

/// How far the cluster was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Read {
    nodes: Mark,
    nominations: Mark,
    budgets: u64,
}

impl Read {
    fn of(cluster: &Cluster) -> Self {
        Self {
            nodes: cluster.snapshot.changes().mark(),
            nominations: cluster.nominations.changes().mark(),
            budgets: cluster.budgets_changed(),
        }
    }
}

/// What is known of each node for pods of a kind.
#[derive(Clone, Debug)]
pub struct Known {
    kind: Kind,
    /// `None` before a second pod of the kind has come.
    read: Option<Read>,
    /// Nodes that are feasible to all plugins that look at nothing else, by name, each with its scores from those.
    pub feasible: BTreeMap<String, Vec<i64>>,
    /// The others.
    pub refusals: Refusals,
}

impl Known {
    fn new(pod: &PodInfo) -> Self {
        Self {
            kind: Kind::of(pod),
            read: None,
            feasible: BTreeMap::new(),
            refusals: Refusals::default(),
        }
    }

    /// Reads what has changed.
    fn update(&mut self, cycle: &Cycle<'_>) {
        let Cluster { snapshot, nominations, .. } = cycle.cluster;
        let now = Read::of(cycle.cluster);
        if let Some(before) = self.read.replace(now)
            && let Some(changed) = snapshot.changes().since(before.nodes)
            && let Some(nominated) = nominations.changes().since(before.nominations)
        {
            if before.budgets != now.budgets {
                self.refusals.forget_trials();
            }
            changed.chain(nominated).for_each(|name| self.look_at(name, cycle));
        } else {
            self.feasible.clear();
            self.refusals = Refusals::default();
            snapshot.nodes().for_each(|node| self.look_at(node.name(), cycle));
        }
    }

    fn look_at(&mut self, name: &str, cycle: &Cycle<'_>) {
        let node = cycle.cluster.snapshot.node(name);
        let rejection = node.and_then(|node| cycle.local_rejection(node));
        match (node, rejection) {
            (Some(_), Some(rejection)) => {
                self.feasible.remove(name);
                self.refusals.insert(name, rejection);
            }
            (Some(node), None) => {
                self.refusals.remove(name);
                let scores = Scoring::new(cycle, &[]).local(node);
                match self.feasible.get_mut(name) {
                    Some(known) => *known = scores,
                    None => drop(self.feasible.insert(name.to_owned(), scores)),
                }
            }
            (None, _) => {
                self.feasible.remove(name);
                self.refusals.remove(name);
            }
        }
    }
}

/// What is known for pods of the kinds that came last.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    /// The latest last.
    kinds: Vec<Known>,
}

impl Knowledge {
    /// What is known for pods like this one, up to now. Nothing, when it is the first of its kind, when it has
    /// something to say of the nodes where it may go, or when that depends on who else is nominated where, or on devices
    /// for its extended resources; and nothing where a plugin fails every pod.
    pub fn of(&mut self, cycle: &Cycle<'_>) -> Option<&mut Known> {
        let nominations = &cycle.cluster.nominations;
        if cycle.names_some()
            || nominations.have_terms()
            || nominations.node_of(&cycle.pod.key()).is_some()
            || is_backed(cycle.pod, &cycle.cluster.devices)
            || cycle.profile.unprepared.is_any()
            || !cycle.profile.filters.is_sorted_by_key(|plugin| !plugin.is_local())
        {
            return None;
        }
        let Some(place) = self.kinds.iter().rposition(|known| known.kind.has(cycle.pod)) else {
            if self.kinds.len() == KINDS {
                self.kinds.remove(0);
            }
            self.kinds.push(Known::new(cycle.pod));
            return None;
        };
        self.kinds[place..].rotate_left(1);
        let known = self.kinds.last_mut()?;
        known.update(cycle);
        Some(known)
    }

    /// Forgets everything, which changes no decision.
    #[cfg(test)]
    pub(crate) fn forget(&mut self) {
        self.kinds.clear();
    }
}

/// The plugins that have a say about the pod of a cycle, and do not look at nodes by themselves.
pub fn not_local<'a>(cycle: &Cycle<'a>) -> Vec<&'a dyn Filter> {
    cycle.filters().filter(|plugin| !plugin.is_local() && !plugin.skips(cycle)).collect()
}
