//! Nodes of two zones that fall silent and return; the Nodes with kubelets do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::object::{at, text};
use api::{ApiResource, Key, Request, Timestamp, Verb, resources};
use client::View;
use k8s_openapi::api::core::v1::Node;
use serde_json::{Value, json};
use store::Store;

use super::upkeep::ranges::{is_spare, spare};
use super::{create, key, name};
use crate::sim::checks::is_ready;
use crate::sim::objects::{Objects, objects};
use crate::sim::random::Random;

const NODES: &ApiResource = &resources::NODES;
const ZONE: &str = "topology.kubernetes.io/zone";
const EXCLUDED: &str = "node.kubernetes.io/exclude-disruption";

/// The taints of Nodes that are lost.
const LOST: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/// How long it takes in a zone until the next Node is tainted. Upstream's `--node-eviction-rate`.
const PERIOD: Duration = Duration::from_secs(10);

/// The zone of each Node.
const ZONES: [&str; 3] = ["east", "east", "west"];

pub(super) fn ask(store: &Store, random: &mut Random) -> Vec<Request> {
    let missing = missing(store);
    if !missing.is_empty() {
        return missing;
    }
    vec![report(store, random.below(ZONES.len()), random.one_in(2))]
}

/// What there must be before anything can be lost.
fn missing(store: &Store) -> Vec<Request> {
    let nodes = objects(store, NODES);
    let counts = |node: &&Value| !is_spare(node) && !is_excluded(node);
    let exclude = json!({"metadata": {"labels": {EXCLUDED: "true"}}});
    let others = nodes.iter().filter(counts);
    let mut missing: Vec<Request> =
        others.map(|node| Request::merge_patch(NODES, key(node), exclude.clone())).collect();
    let lacks = |number: &usize| find(&nodes, *number).is_none();
    missing.extend((0..ZONES.len()).filter(lacks).map(|number| create(NODES, "", in_zone(number))));
    missing
}

/// A Node that is ready, as its kubelet has said.
pub(crate) fn in_zone(number: usize) -> Value {
    let mut node = spare(number);
    node["metadata"]["labels"] = json!({ZONE: ZONES[number]});
    node["status"] = json!({"conditions": [condition("True", Timestamp::UNIX_EPOCH)]});
    node
}

/// The kubelet of a Node says whether it is ready.
pub(crate) fn report(store: &Store, number: usize, is_ready: bool) -> Request {
    let nodes = objects(store, NODES);
    let said =
        find(&nodes, number).and_then(ready).map_or("", |one| text(one, &["lastHeartbeatTime"]));
    let said: Timestamp = match said {
        "" => Timestamp::UNIX_EPOCH,
        time => time.parse().expect("a heartbeat is a time"),
    };
    let now = said + Duration::from_secs(1);
    let status = if is_ready { "True" } else { "False" };
    let patch = json!({"status": {"conditions": [condition(status, now)]}});
    let node = Key::cluster(&format!("spare-{number}"));
    Request::merge_patch(NODES, node, patch).to_subresource("status")
}

/// The kubelets of the Nodes that are ready say so again.
pub(crate) fn heartbeats(store: &Store) -> Vec<Request> {
    let nodes = objects(store, NODES);
    let is_alive = |number: &usize| find(&nodes, *number).is_some_and(is_ready);
    (0..ZONES.len()).filter(is_alive).map(|number| report(store, number, true)).collect()
}

fn condition(status: &str, said: Timestamp) -> Value {
    json!({"type": "Ready", "status": status, "lastHeartbeatTime": api::time::text(said)})
}

fn find(nodes: &Objects, number: usize) -> Option<&Value> {
    nodes.iter().find(|node| name(node) == format!("spare-{number}"))
}

fn ready(node: &Value) -> Option<&Value> {
    let mut conditions = at(node, &["status", "conditions"])?.as_array()?.iter();
    conditions.find(|condition| condition["type"] == "Ready")
}

fn is_excluded(node: &Value) -> bool {
    at(node, &["metadata", "labels", EXCLUDED]).is_some()
}

fn is_tainted(node: &Value) -> bool {
    let taints = at(node, &["spec", "taints"]).and_then(Value::as_array);
    taints.into_iter().flatten().any(evicts)
}

pub(crate) fn evicts(taint: &Value) -> bool {
    taint["effect"] == "NoExecute" && is_lost(taint)
}

/// Whether a taint is one of Nodes that are lost.
pub(crate) fn is_lost(taint: &Value) -> bool {
    LOST.iter().any(|key| taint["key"] == *key)
}

/// When the controller may have given a Node its turn: at a plan for another Node of the zone, or at its own.
#[derive(Clone, Copy, Debug)]
struct Turn {
    first: Timestamp,
    last: Timestamp,
}

/// Whose turn it was to be tainted, and when, in each zone; of one life of the controller.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    /// The Nodes whose turn has come and which the controller has not seen tainted, or ready, since.
    open: BTreeSet<Key>,
    /// The lost Nodes that their last plan has left untainted: their zone, and when another of it was planned for first
    /// since.
    waiting: BTreeMap<Key, (String, Option<Timestamp>)>,
    last: BTreeMap<String, Turn>,
}

impl Turns {
    /// NODE-4 and NODE-5, on a plan for a Node.
    pub(super) fn decided(
        &mut self,
        (node, view): (&Key, &View),
        now: Timestamp,
        requests: &[Request],
    ) -> Option<String> {
        let waited = self.waiting.remove(node).and_then(|(_, first)| first);
        let found = view.nodes.get(node).map(|found| value(found));
        let Some(found) = found.filter(|node| !is_ready(node) && !is_tainted(node)) else {
            self.open.remove(node);
            return None;
        };
        let zone = text(&found, &["metadata", "labels", ZONE]);
        let others = self.waiting.values_mut().filter(|(of, _)| of == zone);
        others.for_each(|(_, first)| *first = first.or(Some(now)));
        let mut patches = requests
            .iter()
            .filter(|request| request.verb == Verb::MergePatch && request.resource == NODES);
        if !patches.any(|patch| patch.body.as_ref().is_some_and(is_tainted)) {
            self.waiting.insert(node.clone(), (zone.to_owned(), None));
            return None;
        }
        let turn = Turn { first: waited.unwrap_or(now), last: now };
        evicted_in_disruption(node, view).or_else(|| self.too_soon(node, zone, turn))
    }

    /// NODE-5: whichever of the two came first.
    fn too_soon(&mut self, node: &Key, zone: &str, turn: Turn) -> Option<String> {
        if !self.open.insert(node.clone()) {
            return None;
        }
        let before = self.last.insert(zone.to_owned(), turn)?;
        let fits = |one: Turn, other: Turn| one.first + PERIOD <= other.last;
        let milliseconds = turn.last.duration_since(before.last).as_millis();
        (!fits(before, turn) && !fits(turn, before)).then(|| {
            let node = &node.name;
            format!("NODE-5: {node} in zone {zone:?} is tainted {milliseconds} ms after another")
        })
    }
}

/// NODE-4.
fn evicted_in_disruption(node: &Key, view: &View) -> Option<String> {
    let nodes: Vec<Value> = view.nodes.iter().map(|node| value(node)).collect();
    let counted: Vec<&Value> = nodes.iter().filter(|node| !is_excluded(node)).collect();
    (!counted.is_empty() && !counted.iter().any(|node| is_ready(node)))
        .then(|| format!("NODE-4: {} is tainted, and no Node is ready", node.name))
}

fn value(node: &Node) -> Value {
    serde_json::to_value(node).expect("a Node is JSON")
}

/// NODE-6.
pub(crate) fn whole_zone_is_tainted(store: &Store) -> bool {
    let nodes = objects(store, NODES);
    let is_east = |node: &&Value| text(node, &["metadata", "labels", ZONE]) == ZONES[0];
    nodes.iter().filter(is_east).count() == 2
        && nodes.iter().filter(is_east).all(is_tainted)
        && nodes.iter().any(is_ready)
}

/// NODE-7.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let mut nodes = objects(store, NODES);
    let is_disrupted = !nodes.iter().any(|node| !is_excluded(node) && is_ready(node));
    nodes.retain(is_spare);
    let wants_taint = |node: &Value| !is_ready(node) && !is_disrupted;
    let node = nodes.iter().find(|node| is_tainted(node) != wants_taint(node))?;
    let tainted = if is_tainted(node) { "is" } else { "is not" };
    Some(format!("NODE-7: {} {tainted} tainted", name(node)))
}
