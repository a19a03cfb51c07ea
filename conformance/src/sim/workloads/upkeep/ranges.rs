//! Nodes that come and go, of which only the ranges of their Pods count, and ranges of Services.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use api::object::{at, text};
use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::super::{Moment, create, delete, name, uid};
use crate::sim::checks::is_deleted;
use crate::sim::objects::{Objects, changed, objects};
use crate::sim::random::Random;

const NODES: &ApiResource = &resources::NODES;
const SERVICES: &ApiResource = &resources::SERVICES;
const CIDRS: &ApiResource = &resources::SERVICE_CIDRS;
const ADDRESSES: &ApiResource = &resources::IP_ADDRESSES;

/// The range of Services that comes and goes, and how its addresses begin.
pub(crate) const MORE: &str = "more";
const MORE_BEGINS: &str = "10.200.0.";
const FINALIZER: &str = "networking.k8s.io/service-cidr-finalizer";

/// The range that every cluster has.
pub(super) fn missing(store: &Store) -> Option<Request> {
    let is_there = objects(store, CIDRS).iter().any(|cidr| name(cidr) == "kubernetes");
    (!is_there).then(|| create(CIDRS, "", cidr("kubernetes", "10.96.0.0/12")))
}

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    match random.below(9) {
        0 | 1 => Some(create(NODES, "", spare(random.below(3)))),
        2 => {
            let mut nodes = objects(store, NODES);
            nodes.retain(is_spare);
            nodes.any(random).map(|node| delete(NODES, &node, "Background"))
        }
        3 | 4 => Some(create(CIDRS, "", more())),
        5 => Some(Request::delete(CIDRS, Key::cluster(MORE), "", json!({}))),
        6 | 7 => Some(create(SERVICES, "default", addressed(random.below(2)))),
        _ => {
            let name = format!("addressed-{}", random.below(2));
            let service = Request::delete(SERVICES, Key::new("default", &name), "", json!({}));
            random.one_in(3).then_some(service)
        }
    }
}

/// A Node on which no Pod comes.
pub(crate) fn spare(number: usize) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("spare-{number}")},
        "spec": {"taints": [{"key": "spare", "effect": "NoSchedule"}]}})
}

/// Whether a Node has no kubelet, and no Pods.
pub(crate) fn is_spare(node: &Value) -> bool {
    name(node).starts_with("spare-")
}

pub(crate) fn more() -> Value {
    cidr(MORE, &format!("{MORE_BEGINS}0/24"))
}

fn cidr(name: &str, range: &str) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR",
        "metadata": {"name": name}, "spec": {"cidrs": [range]}})
}

/// A Service with an address of the range that comes and goes.
pub(crate) fn addressed(number: usize) -> Value {
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": format!("addressed-{number}"), "namespace": "default"},
        "spec": {"clusterIP": format!("{MORE_BEGINS}{}", 10 + number), "ports": [{"port": 80}]}})
}

/// The claim that a write breaks.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    let both = |resource| [moment.before, moment.after].map(|store| objects(store, resource));
    if moment.writes(NODES) {
        let nodes = both(NODES);
        let shared = shared(&nodes[1]).filter(|_| moment.is_certain);
        return shared.or_else(|| moved(&changed(&nodes)));
    }
    if moment.writes(CIDRS) {
        let [before, after] = both(CIDRS);
        return gone_in_use((&before, &after), &objects(moment.after, ADDRESSES));
    }
    None
}

fn range(node: &Value) -> &str {
    text(node, &["spec", "podCIDR"])
}

/// NODEIPAM-1. A patch may arrive after its sender has crashed, or given up.
fn shared(nodes: &Objects) -> Option<String> {
    let mut having = BTreeMap::new();
    let with = nodes.iter().filter(|node| !range(node).is_empty());
    with.into_iter().find_map(|node| {
        let other = having.insert(range(node), name(node))?;
        Some(format!("NODEIPAM-1: {other} and {} have {}", name(node), range(node)))
    })
}

/// NODEIPAM-2.
fn moved([before, after]: &[Objects; 2]) -> Option<String> {
    let with = before.iter().filter(|node| !range(node).is_empty());
    with.into_iter().find_map(|node| {
        let now = after.iter().find(|found| uid(found) == uid(node))?;
        (range(now) != range(node))
            .then(|| format!("NODEIPAM-2: {} had {}", name(node), range(node)))
    })
}

fn is_protected(cidr: &Value) -> bool {
    let finalizers = at(cidr, &["metadata", "finalizers"]).and_then(Value::as_array);
    finalizers.into_iter().flatten().any(|finalizer| finalizer == FINALIZER)
}

/// SERVICECIDR-1, on a range that goes.
fn gone_in_use((before, after): (&Objects, &Objects), addresses: &Objects) -> Option<String> {
    let is_gone = |cidr: &&Value| !after.iter().any(|found| uid(found) == uid(cidr));
    let gone = before.iter().filter(|cidr| name(cidr) == MORE && is_protected(cidr));
    let gone = gone.into_iter().find(is_gone)?;
    let used = addresses.iter().find(|address| is_of_more(address))?;
    Some(format!("SERVICECIDR-1: {} is gone, and {} is of it", name(gone), name(used)))
}

fn is_of_more(address: &Value) -> bool {
    name(address).starts_with(MORE_BEGINS) && name(address).parse::<Ipv4Addr>().is_ok()
}

/// NODEIPAM-4, where somebody gives ranges; SERVICECIDR-3 and SERVICECIDR-4.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let nodes = objects(store, NODES);
    let without = nodes.iter().find(|node| range(node).is_empty() && !is_deleted(node));
    let node = without.map(|node| format!("NODEIPAM-4: {} has no range", name(node)));
    node.or_else(|| {
        let is_used = objects(store, ADDRESSES).iter().any(is_of_more);
        objects(store, CIDRS).iter().find_map(|cidr| match (is_deleted(cidr), is_protected(cidr)) {
            (false, false) => Some(format!("SERVICECIDR-3: {} is not protected", name(cidr))),
            (true, _) if !is_used => Some(format!("SERVICECIDR-4: {} stays", name(cidr))),
            (false, true) | (true, _) => None,
        })
    })
}
