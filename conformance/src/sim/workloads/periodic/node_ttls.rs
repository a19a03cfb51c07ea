//! What Nodes are told of the size of the cluster, which somebody forges. All clusters here are small.

use api::object::text;
use api::{ApiResource, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::super::{Moment, any, key, name, uid};
use crate::sim::checks::is_deleted;
use crate::sim::objects::{changed, objects};
use crate::sim::random::Random;

const NODES: &ApiResource = &resources::NODES;
const ANNOTATION: &str = "node.alpha.kubernetes.io/ttl";

/// What Nodes of a small cluster are told.
const SMALL: &str = "0";

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    let node = any(store, NODES, random)?;
    let patch = json!({"metadata": {"annotations": {ANNOTATION: "300"}}});
    Some(Request::merge_patch(NODES, key(&node), patch))
}

fn told(node: &Value) -> &str {
    text(node, &["metadata", "annotations", ANNOTATION])
}

/// NODETTL-1.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.writes(NODES) || !moment.is_by_controllers() {
        return None;
    }
    let [before, after] =
        changed(&[moment.before, moment.after].map(|store| objects(store, NODES)));
    after.iter().find_map(|node| {
        let was = before.iter().find(|found| uid(found) == uid(node))?;
        let is_wrong = told(node) != told(was) && told(node) != SMALL;
        is_wrong.then(|| format!("NODETTL-1: {} is told {}", name(node), told(node)))
    })
}

/// NODETTL-4.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let nodes = objects(store, NODES);
    let node = nodes.iter().find(|node| told(node) != SMALL && !is_deleted(node))?;
    Some(format!("NODETTL-4: {} is told {:?}", name(node), told(node)))
}
