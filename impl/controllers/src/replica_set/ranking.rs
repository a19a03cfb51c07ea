//! Which pods go first when there are too many: those whose loss is felt least.
//!
//! Source: `ActivePodsWithRanks` in pkg/controller/controller_utils.go (v1.36). Ages are compared by their
//! logarithm, so that pods of about the same age are told apart by uid, not by age.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::Timestamp;
use api::object::controller_of;
use client::View;
use k8s_openapi::api::core::v1::Pod;

use super::Replicated;
use crate::ownership::uid;
use crate::pods;

const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// The first pods to delete of those that are active.
pub(super) fn first_to_delete<K: Replicated>(
    view: &View,
    owner: &K,
    (active, count): (&[Arc<Pod>], usize),
    now: Timestamp,
) -> Vec<Arc<Pod>> {
    let crowds = pods_per_node(view, owner);
    let mut ranked = sorted(active, &crowds, now);
    ranked.truncate(count);
    ranked
}

/// The pods in the order in which they go, wherever others of their owner run.
pub(crate) fn least_missed(active: &[Arc<Pod>], now: Timestamp) -> Vec<Arc<Pod>> {
    sorted(active, &BTreeMap::new(), now)
}

fn sorted(active: &[Arc<Pod>], crowds: &BTreeMap<String, usize>, now: Timestamp) -> Vec<Arc<Pod>> {
    let mut ranked = active.to_vec();
    ranked.sort_by(|left, right| {
        rank(left, crowds).cmp(&rank(right, crowds)).then_with(|| compare_ages(left, right, now))
    });
    ranked
}

type Rank = (bool, u8, bool, i32, Reverse<usize>);

/// Unassigned before assigned, pending before unknown before running, not ready before ready, cheap
/// before dear, crowded before lonely.
fn rank(pod: &Pod, crowds: &BTreeMap<String, usize>) -> Rank {
    let phase = match pods::phase(pod) {
        "Running" => 2,
        "Unknown" => 1,
        _ => 0,
    };
    let node = pods::node_name(pod);
    let crowd = crowds.get(node).copied().unwrap_or(0);
    (!node.is_empty(), phase, pods::is_ready(pod), deletion_cost(pod), Reverse(crowd))
}

/// Ready for a shorter time first, then restarted more often, then created later.
fn compare_ages(left: &Pod, right: &Pod, now: Timestamp) -> Ordering {
    let uids = || uid(&left.metadata).cmp(uid(&right.metadata));
    let ready = younger_first(pods::ready_since(left), pods::ready_since(right), now);
    let created = younger_first(created_at(left), created_at(right), now);
    let restarts = restarts_max(right).cmp(&restarts_max(left));
    ready.unwrap_or_else(uids).then(restarts).then_with(|| created.unwrap_or_else(uids))
}

/// `None` when the times differ by too little to tell.
fn younger_first(
    left: Option<Timestamp>,
    right: Option<Timestamp>,
    now: Timestamp,
) -> Option<Ordering> {
    match (left, right) {
        (left, right) if left == right => Some(Ordering::Equal),
        (Some(left), Some(right)) => {
            let order = age_rank(left, now).cmp(&age_rank(right, now));
            (order != Ordering::Equal).then_some(order)
        }
        (left, right) => Some(left.cmp(&right)),
    }
}

/// The binary logarithm of an age in nanoseconds, -1 for none.
fn age_rank(since: Timestamp, now: Timestamp) -> i64 {
    let age = now.as_nanosecond() - since.as_nanosecond();
    age.checked_ilog2().map_or(-1, i64::from)
}

fn created_at(pod: &Pod) -> Option<Timestamp> {
    pod.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

fn deletion_cost(pod: &Pod) -> i32 {
    let annotations = pod.metadata.annotations.as_ref();
    let cost = annotations.and_then(|annotations| annotations.get(DELETION_COST));
    cost.and_then(|cost| cost.parse().ok()).unwrap_or(0)
}

fn restarts_max(pod: &Pod) -> i32 {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    statuses.map(|status| status.restart_count).max().unwrap_or(0)
}

/// How many active pods of owners with the same controller each node runs.
fn pods_per_node<K: Replicated>(view: &View, owner: &K) -> BTreeMap<String, usize> {
    let namespace = owner.metadata().namespace.as_deref().unwrap_or_default();
    let related = related_uids(view, owner);
    let mut crowds = BTreeMap::new();
    for pod in view.pods.in_namespace(namespace).filter(|pod| pods::is_active(pod)) {
        let controller = controller_of(&pod.metadata);
        if controller.is_some_and(|controller| related.contains(controller.uid.as_str())) {
            *crowds.entry(pods::node_name(pod).to_owned()).or_insert(0) += 1;
        }
    }
    crowds
}

fn related_uids<'a, K: Replicated>(view: &'a View, owner: &'a K) -> BTreeSet<&'a str> {
    let namespace = owner.metadata().namespace.as_deref().unwrap_or_default();
    let mut related = BTreeSet::from([uid(owner.metadata())]);
    let Some(controller) = controller_of(owner.metadata()) else {
        return related;
    };
    let siblings = K::cache(view).in_namespace(namespace).filter(|sibling| {
        controller_of(sibling.metadata()).is_some_and(|owner| owner.uid == controller.uid)
    });
    related.extend(siblings.map(|sibling| uid(sibling.metadata())));
    related
}
