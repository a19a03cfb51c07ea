//! The taints that follow from a node's conditions and from `spec.unschedulable`.

use std::collections::BTreeSet;

use api::{Key, Request, Timestamp, resources};
use k8s_openapi::api::core::v1::{Node, Taint};
use serde_json::json;

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

const NO_SCHEDULE: &str = "NoSchedule";
const NO_EXECUTE: &str = "NoExecute";

/// Per condition and status, the taint. Source: nodeConditionToTaintKeyStatusMap.
const BY_CONDITION: [(&str, &str, &str); 6] = [
    ("Ready", "False", NOT_READY),
    ("Ready", "Unknown", UNREACHABLE),
    ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
    ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
    ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
];

/// Whether the node is not ready and has no taint of ours that says so to its pods.
pub(super) fn lacks_no_execute(node: &Node) -> bool {
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    let is_lost = super::ready(node).is_some_and(|ready| ready.status != "True");
    is_lost && !taints.into_iter().any(is_our_no_execute)
}

/// The request that brings the taints up to date, if they are not; those that evict pods are wanted only if
/// it `evicts`. Others' taints stay; the write is refused when the node has changed since, because it
/// replaces the whole list.
pub(super) fn update(node: &Node, evicts: bool, now: Timestamp) -> Option<Request> {
    let old = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    let mut wanted = wanted(node, &old);
    wanted.retain(|(_, effect)| evicts || effect != NO_EXECUTE);
    let key = |taint: &Taint| (taint.key.clone(), taint.effect.clone());
    let is_ours = |taint: &Taint| {
        let is_known = BY_CONDITION.iter().any(|(_, _, key)| *key == taint.key);
        match taint.effect.as_str() {
            NO_SCHEDULE => is_known || taint.key == UNSCHEDULABLE,
            _ => is_our_no_execute(taint),
        }
    };
    let stays = |taint: &&Taint| !is_ours(taint) || wanted.contains(&key(taint));
    let mut new: Vec<Taint> = old.iter().filter(stays).cloned().collect();
    let present: BTreeSet<_> = new.iter().map(key).collect();
    new.extend(wanted.difference(&present).map(|(key, effect)| taint(key, effect, now)));
    if new == old {
        return None;
    }
    let version = &node.metadata.resource_version;
    let patch = json!({"metadata": {"resourceVersion": version}, "spec": {"taints": new}});
    Some(Request::merge_patch(&resources::NODES, Key::of(&node.metadata), patch))
}

fn is_our_no_execute(taint: &Taint) -> bool {
    taint.effect == NO_EXECUTE && [NOT_READY, UNREACHABLE].contains(&taint.key.as_str())
}

/// The key and effect of each taint that the node should have of ours.
fn wanted(node: &Node, old: &[Taint]) -> BTreeSet<(String, String)> {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut wanted = BTreeSet::new();
    let mut reports_ready = false;
    for condition in conditions {
        reports_ready |= condition.type_ == "Ready";
        let by_condition = BY_CONDITION
            .iter()
            .find(|(type_, status, _)| *type_ == condition.type_ && *status == condition.status);
        let Some((type_, _, key)) = by_condition else {
            continue;
        };
        wanted.insert(((*key).to_owned(), NO_SCHEDULE.to_owned()));
        if *type_ == "Ready" {
            wanted.insert(((*key).to_owned(), NO_EXECUTE.to_owned()));
        }
    }
    if node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true) {
        wanted.insert((UNSCHEDULABLE.to_owned(), NO_SCHEDULE.to_owned()));
    }
    if !reports_ready {
        // A node that has not said whether it is ready keeps what it was registered with.
        let kept =
            old.iter().filter(|taint| [NOT_READY, UNREACHABLE].contains(&taint.key.as_str()));
        wanted.extend(kept.map(|taint| (taint.key.clone(), taint.effect.clone())));
    }
    wanted
}

/// Source: `SwapNodeControllerTaint` in pkg/controller/util/node (v1.36), which says since when.
fn taint(key: &str, effect: &str, now: Timestamp) -> Taint {
    let time_added = Some(api::time::time(now));
    Taint { key: key.to_owned(), effect: effect.to_owned(), time_added, value: None }
}
