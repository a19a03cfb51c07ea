//! DaemonSets on Nodes whose labels come and go.

use std::collections::{BTreeMap, BTreeSet};

use api::object::text;
use api::{Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::upkeep::ranges::is_spare;
use super::{Moment, any, create, delete, key, name, pod_spec, pods_of, roll_out};
use crate::sim::checks::{is_deleted, runs};
use crate::sim::objects::objects;
use crate::sim::random::Random;

/// The label of the Nodes that the DaemonSets of one name select.
const LABEL: &str = "agent";

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    let resource = &resources::DAEMON_SETS;
    match random.below(16) {
        0 | 1 => Some(create(resource, "default", agent(random))),
        2..=4 => {
            let node = any(store, &resources::NODES, random)?;
            let label = if random.one_in(2) { Value::Null } else { json!("yes") };
            let patch = json!({"metadata": {"labels": {LABEL: label}}});
            Some(Request::merge_patch(&resources::NODES, key(&node), patch))
        }
        5 => roll_out(resource, store, random),
        6 if random.one_in(2) => {
            Some(delete(resource, &any(store, resource, random)?, "Background"))
        }
        7 | 8 => {
            Some(delete(&resources::PODS, &any(store, &resources::PODS, random)?, "Background"))
        }
        _ => None,
    }
}

/// One that runs everywhere, or one that runs where the label is.
fn agent(random: &mut Random) -> Value {
    let mut spec = pod_spec();
    let name = if random.one_in(2) {
        spec["nodeSelector"] = json!({LABEL: "yes"});
        "chosen"
    } else {
        "everywhere"
    };
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec}}})
}

/// DAEMONSET-1.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.is_certain || !moment.writes(&resources::PODS) || moment.event.action != "create" {
        return None;
    }
    objects(moment.after, &resources::DAEMON_SETS).iter().find_map(|set| {
        let mut on: BTreeMap<String, usize> = BTreeMap::new();
        for pod in pods_of(moment.after, set).iter().filter(|pod| !is_deleted(pod)) {
            *on.entry(node_of(pod).to_owned()).or_default() += 1;
        }
        let (node, pods) = on.into_iter().find(|(_, pods)| *pods > 1)?;
        Some(format!("DAEMONSET-1: {} has {pods} pods on {node}", name(set)))
    })
}

/// The Node that a Pod runs on, or that its affinity names.
fn node_of(pod: &Value) -> &str {
    let bound = text(pod, &["spec", "nodeName"]);
    if !bound.is_empty() {
        return bound;
    }
    let required = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        ["nodeSelectorTerms"][0];
    required["matchFields"][0]["values"][0].as_str().unwrap_or_default()
}

/// DAEMONSET-5 and DAEMONSET-6.
pub(super) fn unsettled(store: &Store, dead: &BTreeSet<&str>) -> Option<String> {
    let nodes = objects(store, &resources::NODES);
    let alive: Vec<&Value> =
        nodes.iter().filter(|node| !dead.contains(name(node)) && !is_spare(node)).collect();
    objects(store, &resources::DAEMON_SETS).iter().find_map(|set| {
        let pods = pods_of(store, set);
        alive.iter().find_map(|node| {
            let here: Vec<_> = pods.iter().filter(|pod| node_of(pod) == name(node)).collect();
            let selected = set["spec"]["template"]["spec"]["nodeSelector"][LABEL].is_null()
                || node["metadata"]["labels"][LABEL] == "yes";
            let (set, node, number) = (name(set), name(node), here.len());
            // A small machine may have no room for its pod, which then waits for ever.
            let full = here.iter().any(|pod| !runs(pod)) && node == "node-1";
            match (selected, number) {
                (true, 1) if full || runs(here[0]) => None,
                (true, _) => Some(format!(
                    "DAEMONSET-5: {set} has {number} pods on {node}, not one that runs"
                )),
                (false, 0) => None,
                (false, _) => Some(format!("DAEMONSET-6: {set} has {number} pods on {node}")),
            }
        })
    })
}
