//! What Nodes are told of the size of the cluster, which somebody forges.

use std::ops::RangeInclusive;

use api::object::text;
use api::{ApiResource, Key, Request, resources};
use client::View;
use serde_json::{Value, json};
use store::Store;

use super::super::{Moment, any, key, name, uid};
use crate::sim::checks::is_deleted;
use crate::sim::objects::{changed, objects};
use crate::sim::random::Random;

const NODES: &ApiResource = &resources::NODES;
const ANNOTATION: &str = "node.alpha.kubernetes.io/ttl";

/// Of how many Nodes a small cluster is at most.
pub(crate) const SIZE_MAX: usize = 100;

/// Of how many Nodes a cluster is at least and at most, and what its Nodes are told then. Upstream's sizes
/// (pkg/controller/ttl/ttl_controller.go, v1.36).
const SIZES: [(RangeInclusive<usize>, u32); 5] = [
    (0..=SIZE_MAX, 0),
    (90..=500, 15),
    (450..=1000, 30),
    (900..=2000, 60),
    (1800..=usize::MAX, 300),
];

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    Some(forge(key(&any(store, NODES, random)?)))
}

/// Somebody tells a Node what those of a very large cluster are told.
pub(crate) fn forge(node: Key) -> Request {
    Request::merge_patch(NODES, node, json!({"metadata": {"annotations": {ANNOTATION: "300"}}}))
}

fn told(node: &Value) -> Option<u32> {
    text(node, &["metadata", "annotations", ANNOTATION]).parse().ok()
}

/// Whether a Node of so many may be told this.
fn suits(told: Option<u32>, nodes: usize) -> bool {
    SIZES.iter().any(|(size, seconds)| Some(*seconds) == told && size.contains(&nodes))
}

/// NODETTL-1, on a plan of the controller.
pub(crate) fn decided(view: &View, requests: &[Request]) -> Option<String> {
    let body = requests.iter().find_map(|request| request.body.as_ref())?;
    let (told, nodes) = (told(body), view.nodes.len());
    (!suits(told, nodes)).then(|| format!("NODETTL-1: a Node of {nodes} is to be told {told:?}"))
}

/// NODETTL-2, of a controller that remembers.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.writes(NODES) || !moment.is_by_controllers() || !moment.is_certain {
        return None;
    }
    let all = [moment.before, moment.after].map(|store| objects(store, NODES));
    let nodes = all[0].iter().count();
    let [before, after] = changed(&all);
    after.iter().find_map(|node| {
        let was = before.iter().find(|found| uid(found) == uid(node))?;
        let is_shrunk = suits(told(was), nodes) && told(node) < told(was);
        is_shrunk.then(|| format!("NODETTL-2: {} is told {:?} again", name(node), told(node)))
    })
}

/// NODETTL-3.
pub(crate) fn is_told_of_more(store: &Store) -> bool {
    let nodes = objects(store, NODES);
    nodes.iter().count() <= SIZE_MAX && nodes.iter().any(|node| told(node) > Some(0))
}

/// NODETTL-4.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let nodes = objects(store, NODES);
    let count = nodes.iter().count();
    let node = nodes.iter().find(|node| !suits(told(node), count) && !is_deleted(node))?;
    Some(format!("NODETTL-4: {} is told {:?}", name(node), told(node)))
}
