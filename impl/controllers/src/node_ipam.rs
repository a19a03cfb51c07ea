//! The node IPAM controller: gives each node a range of the cluster's addresses for its pods.
//!
//! Source: pkg/controller/nodeipam/ipam/range_allocator.go (v1.36). Left out: a second range of the other
//! family. A node that is full is told of once, not at each try.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api::{AnyObject, Key, Request, Timestamp, Verb, resources};
use client::event::{Note, reference};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::Node;
use serde_json::json;

use crate::cidr::Cidr;
use crate::notes::Notes;
use crate::ownership::uid;
use crate::retry::Retry;
use crate::{Controller, Plan};

/// How often a range is offered to a node before it is given to another.
const OFFERS_MAX: u32 = 3;

/// Where pods have their addresses from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodNetwork {
    /// The range of all pods, `10.244.0.0/16`.
    pub cluster_cidr: String,
    /// How many bits the pods of one node have in common.
    pub node_cidr_mask_size: u32,
    /// The range of Services, of which no pod gets an address.
    pub service_cluster_ip_range: String,
}

/// A range that a node has been offered.
#[derive(Clone, Copy, Debug)]
struct Offer {
    cidr: Cidr,
    refusals: u32,
}

/// Gives nodes their ranges.
#[derive(Clone, Debug)]
pub struct NodeIpamController {
    cluster: Option<Cidr>,
    services: Option<Cidr>,
    length: u32,
    /// The number of the range that is tried first: a range that is given back is not given at once.
    next: u32,
    offers: BTreeMap<Key, Offer>,
    retry: Retry,
    notes: Notes,
}

impl NodeIpamController {
    /// A controller that has given nothing yet.
    pub fn new(network: &PodNetwork) -> Self {
        Self {
            cluster: Cidr::parse(&network.cluster_cidr),
            services: Cidr::parse(&network.service_cluster_ip_range),
            length: network.node_cidr_mask_size,
            next: 0,
            offers: BTreeMap::new(),
            retry: Retry::new(Duration::from_millis(5)),
            notes: Notes::new("cidrAllocator"),
        }
    }

    fn forget(&mut self, key: &Key) {
        self.offers.remove(key);
        self.retry.forget(key);
    }

    /// The ranges that somebody has, or is offered.
    fn taken(&self, view: &View) -> BTreeSet<Cidr> {
        let held = view.nodes.iter().flat_map(|node| pod_cidrs(node));
        let held = held.filter_map(|cidr| Cidr::parse(cidr));
        let offered = self.offers.values().map(|offer| offer.cidr);
        held.chain(offered).chain(self.services).collect()
    }

    /// The next range that nobody has.
    fn allocate(&mut self, view: &View) -> Option<Cidr> {
        let cluster = self.cluster?;
        let count = cluster.count(self.length)?;
        let taken = self.taken(view);
        let is_other = |cidr: &&Cidr| cidr.length() != self.length;
        let other: Vec<&Cidr> = taken.iter().filter(is_other).collect();
        let is_free = |index: &u32| {
            let cidr = cluster.nth(self.length, *index);
            !taken.contains(&cidr) && !other.iter().any(|other| other.overlaps(cidr))
        };
        let index = (self.next..count).chain(0..self.next.min(count)).find(is_free)?;
        self.next = (index + 1) % count;
        Some(cluster.nth(self.length, index))
    }

    /// Says something about a node, in the words that nodes have for it.
    fn tell(&mut self, node: &Node, status: &str, now: Timestamp) -> Option<Request> {
        let name = node.metadata.name.as_deref().unwrap_or_default();
        let note = Note::normal(status, format!("Node {name} status is now: {status}"));
        let about = reference(&AnyObject::from(Arc::new(node.clone())), "");
        self.notes.record(about, note, now)
    }

    /// Offers a node a range, the same as before if there was one.
    fn offer(&mut self, view: &View, (key, node): (&Key, &Node), now: Timestamp) -> Plan {
        let mut plan = Plan::default();
        if self.offers.get(key).is_some_and(|offer| offer.refusals >= OFFERS_MAX) {
            plan.requests.extend(self.tell(node, "CIDRAssignmentFailed", now));
            self.offers.remove(key);
        }
        let offered = self.offers.get(key).map(|offer| offer.cidr);
        let Some(cidr) = offered.or_else(|| self.allocate(view)) else {
            if !self.retry.has_failed(key) {
                plan.requests.extend(self.tell(node, "CIDRNotAvailable", now));
            }
            plan.look_again_at(self.retry.after_failure(key, now));
            return plan;
        };
        self.retry.forget(key);
        self.offers.entry(key.clone()).or_insert(Offer { cidr, refusals: 0 });
        let text = cidr.to_string();
        // Another node of the name must not get what is free again when this one is gone.
        let patch = json!({"metadata": {"uid": uid(&node.metadata)},
            "spec": {"podCIDR": text, "podCIDRs": [text]}});
        let request = Request::strategic_merge_patch(&resources::NODES, key.clone(), patch);
        plan.requests.push(request);
        plan
    }
}

impl Controller for NodeIpamController {
    fn name(&self) -> &'static str {
        "node-ipam-controller"
    }

    fn workers(&self) -> usize {
        30
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        if change.resource() != &resources::NODES {
            return vec![];
        }
        if change.new.is_some() {
            return vec![change.key()];
        }
        self.forget(&change.key());
        let waiting = view.nodes.iter().filter(|node| pod_cidrs(node).is_empty());
        waiting.map(|node| Key::of(&node.metadata)).collect()
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(node) = view.nodes.get(key).filter(|node| pod_cidrs(node).is_empty()) else {
            self.forget(key);
            return Plan::default();
        };
        if node.metadata.deletion_timestamp.is_some() {
            return Plan::default();
        }
        self.offer(view, (key, node), now).observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let is_offer = request.verb == Verb::StrategicMergePatch;
        if let Some(offer) = self.offers.get_mut(key).filter(|_| is_offer && outcome.is_err()) {
            offer.refusals += 1;
        }
    }
}

/// The ranges that a node has.
fn pod_cidrs(node: &Node) -> &[String] {
    let spec = node.spec.as_ref();
    spec.and_then(|spec| spec.pod_cidrs.as_deref()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use api::Reason;
    use serde_json::Value;

    use super::*;
    use crate::testing::{World, at, events, requests};

    const NODES: &api::ApiResource = &resources::NODES;

    fn world(cluster_cidr: &str) -> World<NodeIpamController> {
        World::new(NodeIpamController::new(&PodNetwork {
            cluster_cidr: cluster_cidr.to_owned(),
            node_cidr_mask_size: 24,
            service_cluster_ip_range: "10.1.0.0/24".to_owned(),
        }))
    }

    fn node(name: &str, cidrs: &[&str]) -> Value {
        json!({"metadata": {"name": name}, "spec": {"podCIDRs": cidrs}})
    }

    /// The range that a plan gives.
    fn given(plan: &Plan) -> Option<String> {
        let request = requests(plan, Verb::StrategicMergePatch, NODES).into_iter().next()?;
        let body = request.body.clone().unwrap();
        let spec = body["spec"].clone();
        assert_eq!(spec["podCIDRs"], json!([spec["podCIDR"]]));
        assert_eq!(body["metadata"]["uid"], format!("uid-{}", request.key.name));
        spec["podCIDR"].as_str().map(str::to_owned)
    }

    #[test]
    fn nodes_get_ranges_that_nobody_has() {
        let mut world = world("10.1.0.0/16");
        world.put(NODES, node("has", &["10.1.1.0/24"]));
        world.put(NODES, node("wide", &["10.1.4.0/23"]));
        let mut give = |name: &str| {
            let due = world.put(NODES, node(name, &[]));
            given(&world.reconcile(&due[0], at(10)))
        };

        let ranges = ["a", "b", "c", "d"].map(|name| give(name).unwrap());

        assert_eq!(ranges, ["10.1.2.0/24", "10.1.3.0/24", "10.1.6.0/24", "10.1.7.0/24"]);
    }

    #[test]
    fn a_node_that_has_a_range_keeps_it() {
        let mut world = world("10.1.0.0/16");
        let due = world.put(NODES, node("a", &["172.16.0.0/24"]));

        assert_eq!(world.reconcile(&due[0], at(10)), Plan::default());
    }

    #[test]
    fn a_range_that_is_given_back_is_given_again_last() {
        let mut world = world("10.1.0.0/22");
        world.put(NODES, node("a", &["10.1.1.0/24"]));
        let b = world.put(NODES, node("b", &[]));
        let first = given(&world.reconcile(&b[0], at(10)));
        world.put(NODES, node("b", &["10.1.2.0/24"]));
        world.remove(NODES, &Key::cluster("a"));
        let mut give = |name: &str| {
            let due = world.put(NODES, node(name, &[]));
            given(&world.reconcile(&due[0], at(10)))
        };

        assert_eq!(first.as_deref(), Some("10.1.2.0/24"));
        assert_eq!(give("c").as_deref(), Some("10.1.3.0/24"));
        assert_eq!(give("d").as_deref(), Some("10.1.1.0/24"));
    }

    #[test]
    fn a_node_without_a_range_is_told_once_and_gets_one_when_there_is() {
        let mut world = world("10.1.0.0/23");
        world.put(NODES, node("a", &["10.1.1.0/24"]));
        let due = world.put(NODES, node("b", &[]));

        let full = world.reconcile(&due[0], at(10));
        let again = world.reconcile(&due[0], at(11));
        let waiting = world.remove(NODES, &Key::cluster("a"));
        let free = world.reconcile(&due[0], at(12));

        assert_eq!(events(&full), ["CIDRNotAvailable: Node b status is now: CIDRNotAvailable"]);
        assert!(full.look_again > Some(at(10)) && again.look_again > Some(at(11)));
        assert!(again.requests.is_empty());
        assert_eq!(waiting, due);
        assert_eq!(given(&free).as_deref(), Some("10.1.1.0/24"));
    }

    #[test]
    fn a_node_that_cannot_be_given_its_range_is_told_and_gets_another() {
        let mut world = world("10.1.0.0/16");
        let due = world.put(NODES, node("a", &[]));
        let mut ranges = vec![];
        for _ in 0..3 {
            let plan = world.reconcile(&due[0], at(10));
            ranges.extend(given(&plan));
            world.refuse(&due[0], &plan.requests[0], Reason::InternalError);
        }

        let plan = world.reconcile(&due[0], at(11));

        assert_eq!(ranges, ["10.1.1.0/24"; 3]);
        assert_eq!(
            events(&plan),
            ["CIDRAssignmentFailed: Node a status is now: CIDRAssignmentFailed"]
        );
        assert_eq!(given(&plan).as_deref(), Some("10.1.2.0/24"));
    }

    #[test]
    fn a_node_that_goes_gets_nothing() {
        let mut world = world("10.1.0.0/16");
        let mut going = node("a", &[]);
        going["metadata"]["deletionTimestamp"] = json!(crate::testing::time_text(5));
        let due = world.put(NODES, going);

        assert_eq!(world.reconcile(&due[0], at(10)), Plan::default());
    }
}
