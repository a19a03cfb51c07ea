//! Zones: how many of their nodes are ready, and so how fast the others are tainted with NoExecute.
//!
//! Source: `handleDisruption` and `ComputeZoneState` in
//! pkg/controller/nodelifecycle/node_lifecycle_controller.go (v1.36). Upstream takes the taints away when the
//! last node is lost; here they are not wanted as long as no node is ready, which is the same a moment later.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use api::{Key, Timestamp};
use k8s_openapi::api::core::v1::Node;

use super::limiter::Limiter;
use crate::nodes;

/// `--node-eviction-rate`: nodes that are tainted in a second, in each zone.
const EVICTION_RATE: f64 = 0.1;
/// `--secondary-node-eviction-rate`: the same where too many nodes are lost.
const SECONDARY_EVICTION_RATE: f64 = 0.01;
/// `--unhealthy-zone-threshold`, in percent: so many lost nodes are too many.
const UNHEALTHY_PERCENT: usize = 55;
/// So few never are.
const FEW_NODES: usize = 2;
/// `--large-cluster-size-threshold`: a zone with no more nodes is left alone where too many of them are lost.
const LARGE_CLUSTER_NODES: usize = 50;

/// A node with this label is not counted.
const EXCLUDE_DISRUPTION: &str = "node.kubernetes.io/exclude-disruption";

/// The labels that say where a node is; the older one, where it is present, is believed.
const ZONE: [&str; 2] = ["failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"];
const REGION: [&str; 2] =
    ["failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"];

/// Whether a node may be tainted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may, now and until it is.
    Granted,
    /// It waits for others; ask again then.
    At(Timestamp),
    /// It may not, until more nodes are ready.
    Stopped,
}

/// Every zone that has nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Zones {
    nodes: BTreeMap<Key, Member>,
    zones: BTreeMap<String, Zone>,
    /// Whether no node of any zone is ready: then it is rather this controller that hears of nobody.
    is_disrupted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    zone: String,
    standing: Standing,
}

/// As what a node counts in its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Ready,
    NotReady,
    Excluded,
}

/// Upstream's `ZoneState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ZoneState {
    #[default]
    Normal,
    FullDisruption,
    PartialDisruption,
}

#[derive(Clone, Debug)]
struct Zone {
    ready: usize,
    not_ready: usize,
    excluded: usize,
    state: ZoneState,
    limiter: Limiter,
    /// The nodes that are to be tainted, in the order in which they were lost.
    waiting: VecDeque<Key>,
    /// The nodes that may be tainted and have not been yet.
    granted: BTreeSet<Key>,
}

impl Zones {
    /// Counts a node as its object says.
    pub(super) fn hear(&mut self, node: &Node) {
        let standing = if label(node, &[EXCLUDE_DISRUPTION]).is_some() {
            Standing::Excluded
        } else if nodes::is_ready(node) {
            Standing::Ready
        } else {
            Standing::NotReady
        };
        self.count(Key::of(&node.metadata), Member { zone: zone_key(node), standing });
    }

    /// Counts a node as lost, although its object does not say so yet.
    pub(super) fn lose(&mut self, node: &Key) {
        let member = self.nodes.get(node).filter(|member| member.standing == Standing::Ready);
        if let Some(member) = member.cloned() {
            self.count(node.clone(), Member { standing: Standing::NotReady, ..member });
        }
    }

    /// Forgets a node that is gone.
    pub(super) fn forget(&mut self, node: &Key) {
        let Some(member) = self.nodes.remove(node) else { return };
        let Some(zone) = self.zones.get_mut(&member.zone) else { return };
        *zone.number(member.standing) -= 1;
        zone.withdraw(node);
        if zone.ready + zone.not_ready + zone.excluded == 0 {
            self.zones.remove(&member.zone);
        }
    }

    /// Sets each zone's limit after its state. Says whether some node is ready again after none was.
    pub(super) fn judge(&mut self, now: Timestamp) -> bool {
        let was_disrupted = self.is_disrupted;
        let mut counted = self.zones.values().filter(|zone| zone.size() > 0).peekable();
        self.is_disrupted = counted.peek().is_some()
            && counted.all(|zone| zone.computed() == ZoneState::FullDisruption);
        for zone in self.zones.values_mut() {
            if self.is_disrupted {
                zone.stop(now);
            } else if was_disrupted || zone.state != zone.computed() {
                zone.enter(zone.computed(), now);
            }
        }
        was_disrupted && !self.is_disrupted
    }

    /// Whether no node is ready.
    pub(super) fn is_disrupted(&self) -> bool {
        self.is_disrupted
    }

    /// Puts a node into its zone's queue, if it is not there, and says whether it is its turn.
    pub(super) fn admit(&mut self, node: &Key, now: Timestamp) -> Admission {
        let member = self.nodes.get(node);
        let zone = member.and_then(|member| self.zones.get_mut(&member.zone));
        zone.map_or(Admission::Stopped, |zone| zone.admit(node, now))
    }

    /// Takes a node out of its zone's queue: it is ready, or tainted.
    pub(super) fn withdraw(&mut self, node: &Key) {
        let member = self.nodes.get(node);
        if let Some(zone) = member.and_then(|member| self.zones.get_mut(&member.zone)) {
            zone.withdraw(node);
        }
    }

    fn count(&mut self, node: Key, member: Member) {
        match self.nodes.get(&node) {
            Some(known) if *known == member => return,
            Some(known) if known.zone == member.zone => {
                let standing = known.standing;
                if let Some(zone) = self.zones.get_mut(&member.zone) {
                    *zone.number(standing) -= 1;
                }
            }
            Some(_) => self.forget(&node),
            None => {}
        }
        let zone = self.zones.entry(member.zone.clone()).or_default();
        *zone.number(member.standing) += 1;
        self.nodes.insert(node, member);
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self {
            ready: 0,
            not_ready: 0,
            excluded: 0,
            state: ZoneState::default(),
            limiter: Limiter::new(EVICTION_RATE),
            waiting: VecDeque::new(),
            granted: BTreeSet::new(),
        }
    }
}

impl Zone {
    fn number(&mut self, standing: Standing) -> &mut usize {
        match standing {
            Standing::Ready => &mut self.ready,
            Standing::NotReady => &mut self.not_ready,
            Standing::Excluded => &mut self.excluded,
        }
    }

    fn size(&self) -> usize {
        self.ready + self.not_ready
    }

    /// The state that follows from the numbers.
    fn computed(&self) -> ZoneState {
        let are_many = self.not_ready * 100 >= self.size() * UNHEALTHY_PERCENT;
        match (self.ready, self.not_ready) {
            (0, 1..) => ZoneState::FullDisruption,
            (_, lost) if lost > FEW_NODES && are_many => ZoneState::PartialDisruption,
            _ => ZoneState::Normal,
        }
    }

    fn enter(&mut self, state: ZoneState, now: Timestamp) {
        let is_large = self.size() > LARGE_CLUSTER_NODES;
        let rate = match state {
            ZoneState::Normal | ZoneState::FullDisruption => EVICTION_RATE,
            ZoneState::PartialDisruption if is_large => SECONDARY_EVICTION_RATE,
            ZoneState::PartialDisruption => 0.0,
        };
        self.state = state;
        self.limiter.swap(rate, now);
    }

    /// No node of this zone may be tainted, not even one that just might.
    fn stop(&mut self, now: Timestamp) {
        self.state = ZoneState::FullDisruption;
        self.limiter.swap(0.0, now);
        self.waiting.clear();
        self.granted.clear();
    }

    fn admit(&mut self, node: &Key, now: Timestamp) -> Admission {
        if !self.granted.contains(node) && !self.waiting.contains(node) {
            self.waiting.push_back(node.clone());
        }
        while !self.waiting.is_empty() && self.limiter.accepts(now) {
            self.granted.extend(self.waiting.pop_front());
        }
        match self.limiter.next() {
            _ if self.granted.contains(node) => Admission::Granted,
            Some(when) => Admission::At(when),
            None => Admission::Stopped,
        }
    }

    fn withdraw(&mut self, node: &Key) {
        self.waiting.retain(|waiting| waiting != node);
        self.granted.remove(node);
    }
}

/// Source: `GetZoneKey` in staging/src/k8s.io/component-helpers/node/topology/helpers.go (v1.36).
fn zone_key(node: &Node) -> String {
    let part = |labels| label(node, labels).unwrap_or_default();
    format!("{}\0{}", part(&REGION), part(&ZONE))
}

/// The first of these labels that the node has.
fn label<'a>(node: &'a Node, labels: &[&str]) -> Option<&'a str> {
    let present = node.metadata.labels.as_ref()?;
    labels.iter().find_map(|label| present.get(*label)).map(String::as_str)
}

#[cfg(test)]
mod tests;
