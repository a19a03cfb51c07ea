//! StatefulSets that are scaled, rolled out and deleted, and whose Pods are.

use std::collections::BTreeSet;

use api::object::{at, text};
use api::{Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::{Moment, any, create, delete, key, name, pod_spec, pods_of, roll_out};
use crate::sim::checks::{count, is_deleted, runs};
use crate::sim::machine::Machine;
use crate::sim::random::Random;
use crate::sim::user::objects;

/// How the names of the StatefulSets begin.
const PREFIX: &str = "db-";

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    let resource = &resources::STATEFUL_SETS;
    match random.below(8) {
        0 | 1 => Some(create(resource, "default", database(random))),
        2 | 3 => {
            let set = any(store, resource, random)?;
            let patch = json!({"spec": {"replicas": random.below(4)}});
            Some(Request::merge_patch(resource, key(&set), patch).to_subresource("scale"))
        }
        4 => roll_out(resource, store, random),
        5 => Some(delete(resource, &any(store, resource, random)?, "Background")),
        _ => Some(delete(&resources::PODS, &any(store, &resources::PODS, random)?, "Background")),
    }
}

fn database(random: &mut Random) -> Value {
    let name = format!("{PREFIX}{}", ["a", "b"][random.below(2)]);
    let policy = if random.one_in(4) { "Parallel" } else { "OrderedReady" };
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": 1 + random.below(3), "serviceName": name,
            "podManagementPolicy": policy, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec()}}})
}

pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.writes(&resources::PODS) || !moment.is_by_controllers() {
        return None;
    }
    if let Some(why) = gone_too_early(moment) {
        return Some(why);
    }
    let observed = moment.observed()?;
    let sets = objects(&observed, &resources::STATEFUL_SETS);
    sets.iter().find_map(|set| match moment.event.action.as_str() {
        "create" => created_too_early(&moment.event.key, set, &observed),
        "delete-gracefully" | "delete" => deleted_too_early(&moment.event.key, set, &observed),
        _ => None,
    })
}

/// STATEFULSET-1, on what the machines run.
pub(super) fn runs_twice(machines: &[Machine], pod: &Key) -> Option<String> {
    if !pod.name.starts_with(PREFIX) {
        return None;
    }
    let running = machines.iter().flat_map(Machine::running);
    let uids: BTreeSet<String> =
        running.filter(|(found, _)| found == pod).map(|(_, container)| container.pod_uid).collect();
    (uids.len() > 1).then(|| format!("STATEFULSET-1: {} pods run as {}", uids.len(), pod.name))
}

/// STATEFULSET-2, on what the controller had read.
fn created_too_early(created: &str, set: &Value, observed: &Store) -> Option<String> {
    let ordinal = ordinal_in(created, set)?;
    if text(set, &["spec", "podManagementPolicy"]) != "OrderedReady" {
        return None;
    }
    let pods = pods_of(observed, set);
    let is_ready = |ordinal: &i64| {
        let mut of_ordinal = pods.iter().filter(|pod| ordinal_of(pod, set) == Some(*ordinal));
        of_ordinal.any(|pod| runs(pod) && !is_deleted(pod))
    };
    let missing = (0..ordinal).find(|ordinal| !is_ready(ordinal))?;
    Some(format!("STATEFULSET-2: {created} is created, and {}-{missing} is not ready", name(set)))
}

/// STATEFULSET-4: nobody but its kubelet knows that a Pod has ended.
fn gone_too_early(moment: &Moment<'_>) -> Option<String> {
    let key = &moment.event.key;
    let is_one = key.rsplit('/').next().is_some_and(|name| name.starts_with(PREFIX));
    let runs = moment.machines.iter().find(|machine| machine.runs(moment.uid))?;
    (is_one && moment.event.action == "delete")
        .then(|| format!("STATEFULSET-4: {key} is gone, and runs on {}", runs.name))
}

/// STATEFULSET-3, on what the controller had read.
fn deleted_too_early(deleted: &str, set: &Value, observed: &Store) -> Option<String> {
    let ordinal = ordinal_in(deleted, set)?;
    let is_ordered = text(set, &["spec", "podManagementPolicy"]) == "OrderedReady";
    if !is_ordered || ordinal < count(set, &["spec", "replicas"]) {
        return None;
    }
    let pods = pods_of(observed, set);
    let higher =
        pods.iter().filter_map(|pod| ordinal_of(pod, set)).find(|other| *other > ordinal)?;
    let name = name(set);
    Some(format!("STATEFULSET-3: {deleted} is deleted before {name}-{higher} is gone"))
}

fn ordinal_in(key: &str, set: &Value) -> Option<i64> {
    key.rsplit('/').next()?.strip_prefix(name(set))?.strip_prefix('-')?.parse().ok()
}

fn ordinal_of(pod: &Value, set: &Value) -> Option<i64> {
    ordinal_in(name(pod), set)
}

/// STATEFULSET-7 and STATEFULSET-8. A Pod on a dead Node holds its identity for ever.
pub(super) fn unsettled(store: &Store, dead: &BTreeSet<&str>) -> Option<String> {
    let sets = objects(store, &resources::STATEFUL_SETS);
    sets.iter().find_map(|set| {
        let is_held = |pod: &&Value| {
            let node = text(pod, &["spec", "nodeName"]);
            dead.contains(node) && ordinal_of(pod, set).is_some()
        };
        if objects(store, &resources::PODS).iter().any(|pod| is_held(&pod)) {
            return None;
        }
        let pods = pods_of(store, set);
        let (name, wanted) = (name(set), count(set, &["spec", "replicas"]));
        let beyond = pods.iter().filter_map(|pod| ordinal_of(pod, set)).find(|one| *one >= wanted);
        if let Some(ordinal) = beyond {
            return Some(format!("STATEFULSET-8: {name}-{ordinal} stays, of {wanted} replicas"));
        }
        let ready = pods.iter().filter(|pod| runs(pod) && !is_deleted(pod)).count();
        let is_seen =
            at(set, &["status", "observedGeneration"]) == at(set, &["metadata", "generation"]);
        let is_told = count(set, &["status", "readyReplicas"]) == wanted && is_seen;
        let is_there = i64::try_from(ready) == Ok(wanted) && is_told && !is_deleted(set);
        (!is_there).then(|| format!("STATEFULSET-7: {name} has {ready} ready pods of {wanted}"))
    })
}
