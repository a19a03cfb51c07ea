//! How much of the cluster's CPU each zone has.
//!
//! Source: `SetNodes` in staging/src/k8s.io/endpointslice/topologycache/topologycache.go, and `updateNode` in
//! pkg/controller/endpointslice/endpointslice_controller.go (v1.36).

use std::collections::BTreeMap;

use api::AnyObject;
use api::quantity::Quantity;
use client::{Change, View};
use k8s_openapi::api::core::v1::Node;

use crate::endpoint_slice::ZONE;
use crate::nodes;
use crate::ownership::labels;

/// The labels of nodes that do no work of users.
const EXCLUDED: [&str; 2] =
    ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

/// Each zone's share of the CPU of all.
pub(super) type Shares = BTreeMap<String, f64>;

/// The shares of the zones: none unless there are several, and all nodes that are ready say their zone and their CPU.
pub(super) fn shares(view: &View) -> Shares {
    let mut by_zone: BTreeMap<&str, i64> = BTreeMap::new();
    for node in view.nodes.iter().filter(|node| counts(node)) {
        let (Some(zone), cpu @ 1..) = (zone(node), cpu_milli(node)) else { return Shares::new() };
        *by_zone.entry(zone).or_default() += cpu;
    }
    let total: i64 = by_zone.values().sum();
    if by_zone.len() < 2 {
        return Shares::new();
    }
    let share = |(zone, cpu): (&str, i64)| (zone.to_owned(), cpu as f64 / total as f64);
    by_zone.into_iter().map(share).collect()
}

/// Whether a change of a node may change the shares. The CPU of a node alone does not, until another change does.
pub(super) fn is_of_interest(change: &Change) -> bool {
    let (old, new) = (node(change.old.as_ref()), node(change.new.as_ref()));
    match (old, new) {
        (Some(old), Some(new)) => {
            nodes::is_ready(old) != nodes::is_ready(new) || zone(old) != zone(new)
        }
        (Some(_), None) | (None, Some(_)) => true,
        (None, None) => false,
    }
}

fn node(object: Option<&AnyObject>) -> Option<&Node> {
    match object {
        Some(AnyObject::Node(node)) => Some(node),
        Some(_) | None => None,
    }
}

fn counts(node: &Node) -> bool {
    let labels = labels(&node.metadata);
    nodes::is_ready(node) && !EXCLUDED.iter().any(|label| labels.contains_key(*label))
}

fn zone(node: &Node) -> Option<&str> {
    let zone = labels(&node.metadata).get(ZONE)?;
    Some(zone.as_str()).filter(|zone| !zone.is_empty())
}

fn cpu_milli(node: &Node) -> i64 {
    let allocatable = node.status.as_ref().and_then(|status| status.allocatable.as_ref());
    let cpu = allocatable.and_then(|allocatable| allocatable.get("cpu"));
    cpu.and_then(|cpu| Quantity::parse(&cpu.0).ok()).map_or(0, Quantity::milli)
}
