//! StatefulSets that are scaled, rolled out and deleted, and whose Pods are.

use std::collections::BTreeSet;
use std::ops::Range;

use api::object::{at, controller_of, text};
use api::{Key, Request, Verb, resources};
use client::View;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};
use store::Store;

use super::{Moment, Size, any, create, delete, key, name, owners, pod_spec, pods_of, roll_out};
use crate::sim::checks::{count, is_deleted, runs};
use crate::sim::machine::Machine;
use crate::sim::objects::objects;
use crate::sim::random::Random;

/// How the names of the StatefulSets begin.
const PREFIX: &str = "db-";

pub(super) fn ask(store: &Store, random: &mut Random, size: Size) -> Option<Request> {
    let resource = &resources::STATEFUL_SETS;
    match random.below(16) {
        0 | 1 => Some(create(resource, "default", database(random, size))),
        2..=5 => {
            let set = any(store, resource, random)?;
            // All of them or few: in between, little would have to go.
            let replicas = if random.one_in(2) { size.of(3) } else { random.below(size.of(2)) };
            let patch = json!({"spec": {"replicas": replicas}});
            Some(Request::merge_patch(resource, key(&set), patch).to_subresource("scale"))
        }
        6 => roll_out(resource, store, random),
        7 if random.one_in(3) => {
            Some(delete(resource, &any(store, resource, random)?, "Background"))
        }
        8 => Some(delete(&resources::PODS, &any(store, &resources::PODS, random)?, "Background")),
        // One pod comes after the other: they need time.
        _ => None,
    }
}

fn database(random: &mut Random, size: Size) -> Value {
    let name = format!("{PREFIX}{}", random.below(size.of(2)));
    let policy = if random.one_in(6) { "Parallel" } else { "OrderedReady" };
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": size.of(3), "serviceName": name,
            "podManagementPolicy": policy, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec()}}})
}

/// STATEFULSET-4: nobody but its kubelet knows that a Pod has ended.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    let key = &moment.event.key;
    let is_one = key.rsplit('/').next().is_some_and(|name| name.starts_with(PREFIX));
    let goes = moment.writes(&resources::PODS)
        && moment.is_by_controllers()
        && moment.event.action == "delete";
    let runs = moment.machines.iter().find(|machine| machine.runs(moment.uid))?;
    (is_one && goes).then(|| format!("STATEFULSET-4: {key} is gone, and runs on {}", runs.name))
}

/// STATEFULSET-2 and STATEFULSET-3, on what the controller sees and asks for.
pub(super) fn decided(view: &View, requests: &[Request]) -> Option<String> {
    let about_pods = requests.iter().filter(|request| request.resource == &resources::PODS);
    about_pods.into_iter().find_map(|request| match request.verb {
        Verb::Create => created_too_early(view, request.body.as_ref()?),
        Verb::Delete => deleted_too_early(view, view.pods.get(&request.key)?),
        Verb::Get
        | Verb::List
        | Verb::Update
        | Verb::MergePatch
        | Verb::StrategicMergePatch
        | Verb::Apply => None,
    })
}

/// STATEFULSET-1, on what the machines run.
pub(super) fn runs_twice(machines: &[Machine], pod: &Key) -> Option<String> {
    if !pod.name.starts_with(PREFIX) {
        return None;
    }
    let running = machines.iter().flat_map(Machine::running);
    let uids = running.filter(|(found, _)| found == pod).map(|(_, container)| container.pod_uid);
    of_two_pods(pod, uids)
}

fn of_two_pods(pod: &Key, uids: impl Iterator<Item = String>) -> Option<String> {
    let uids: BTreeSet<String> = uids.collect();
    (uids.len() > 1).then(|| format!("STATEFULSET-1: {} pods run as {}", uids.len(), pod.name))
}

fn created_too_early(view: &View, pod: &Value) -> Option<String> {
    let owner = owners(pod).next().map(|owner| text(owner, &["uid"]))?;
    let set = set_of(view, owner).filter(|set| is_ordered(set))?;
    let ordinal = ordinal(name(pod), set.metadata.name.as_deref()?)?;
    let is_ready = |ordinal: &i64| {
        let mut pods =
            pods_seen(view, owner).filter(|pod| ordinal_seen(pod, set) == Some(*ordinal));
        pods.any(is_ready)
    };
    let missing = (ordinals(set).start..ordinal).find(|ordinal| !is_ready(ordinal))?;
    let set = set.metadata.name.as_deref().unwrap_or_default();
    Some(format!("STATEFULSET-2: {} is created, and {set}-{missing} is not ready", name(pod)))
}

fn deleted_too_early(view: &View, pod: &Pod) -> Option<String> {
    let owner = controller_of(&pod.metadata)?.uid.as_str();
    let set = set_of(view, owner).filter(|set| is_ordered(set))?;
    let ordinal = ordinal_seen(pod, set)?;
    let wanted = ordinals(set);
    if wanted.contains(&ordinal) {
        return None;
    }
    let others = pods_seen(view, owner).filter_map(|pod| ordinal_seen(pod, set));
    let higher = others.into_iter().find(|other| *other > ordinal && !wanted.contains(other))?;
    let set = set.metadata.name.as_deref().unwrap_or_default();
    Some(format!("STATEFULSET-3: {set}-{ordinal} is deleted before {set}-{higher} is gone"))
}

/// The ordinals that a StatefulSet asks for.
fn ordinals(set: &StatefulSet) -> Range<i64> {
    let spec = set.spec.as_ref();
    let start = spec.and_then(|spec| spec.ordinals.as_ref()?.start).map_or(0, i64::from);
    start..start + spec.and_then(|spec| spec.replicas).map_or(1, i64::from)
}

fn set_of<'a>(view: &'a View, uid: &str) -> Option<&'a StatefulSet> {
    let mut sets = view.stateful_sets.iter().map(AsRef::as_ref);
    sets.find(|set: &&StatefulSet| set.metadata.uid.as_deref() == Some(uid))
}

fn is_ordered(set: &StatefulSet) -> bool {
    let policy = set.spec.as_ref().and_then(|spec| spec.pod_management_policy.as_deref());
    policy != Some("Parallel")
}

/// The Pods that a controller sees of a StatefulSet.
fn pods_seen<'a>(view: &'a View, owner: &'a str) -> impl Iterator<Item = &'a Pod> {
    let pods = view.pods.iter().map(AsRef::as_ref);
    pods.filter(move |pod: &&Pod| {
        controller_of(&pod.metadata).is_some_and(|controller| controller.uid == owner)
    })
}

fn ordinal_seen(pod: &Pod, set: &StatefulSet) -> Option<i64> {
    let name = |metadata: &ObjectMeta| metadata.name.clone().unwrap_or_default();
    ordinal(&name(&pod.metadata), &name(&set.metadata))
}

fn is_ready(pod: &Pod) -> bool {
    let pod = serde_json::to_value(pod).unwrap_or_default();
    runs(&pod) && !is_deleted(&pod)
}

fn ordinal(pod: &str, set: &str) -> Option<i64> {
    pod.strip_prefix(set)?.strip_prefix('-')?.parse().ok()
}

fn ordinal_of(pod: &Value, set: &Value) -> Option<i64> {
    ordinal(name(pod), name(set))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pods_of_one_name_do_not_run() {
        let pod = Key::new("default", "db-a-0");
        let of = |uids: &[&str]| of_two_pods(&pod, uids.iter().map(|uid| (*uid).to_owned()));

        assert_eq!(of(&["1", "1"]), None);
        assert_eq!(of(&["1", "2"]).as_deref(), Some("STATEFULSET-1: 2 pods run as db-a-0"));
    }
}
