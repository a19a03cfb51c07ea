//! Which pods go first when there are too many: those whose loss is felt least.
//!
//! Source: `ActivePodsWithRanks` in pkg/controller/controller_utils.go (v1.36). Ages are compared by their
//! logarithm, so that pods of about the same age are told apart by uid, not by age. Upstream's comparison is
//! no order: pods of exactly the same age it compares further, those of about the same by uid at once, so
//! that three of them can each go before the next. Here all of about the same age are compared further.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use api::Timestamp;
use api::object::controller_of;
use client::View;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

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
    ranked.sort_by_cached_key(|pod| {
        (rank(pod, crowds), rank_of_age(pod, now), uid(&pod.metadata).to_owned())
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
fn rank_of_age(pod: &Pod, now: Timestamp) -> (Option<i64>, Reverse<i32>, Option<i64>) {
    let age = |since: Option<Timestamp>| since.map(|since| logarithm_of_age(since, now));
    (age(pods::ready_since(pod)), Reverse(restarts_max(pod)), age(created_at(pod)))
}

/// The binary logarithm of an age in nanoseconds, -1 for none.
fn logarithm_of_age(since: Timestamp, now: Timestamp) -> i64 {
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
    let related = related(view, owner);
    let pods = related.into_iter().flat_map(|owner| view.pods_of(owner));
    let mut crowds = BTreeMap::new();
    for pod in pods.filter(|pod| pods::is_active(pod)) {
        *crowds.entry(pods::node_name(pod).to_owned()).or_insert(0) += 1;
    }
    crowds
}

/// The owner, and the others that its controller manages.
fn related<'a, K: Replicated>(view: &'a View, owner: &'a K) -> Vec<&'a ObjectMeta> {
    let Some(controller) = controller_of(owner.metadata()) else {
        return vec![owner.metadata()];
    };
    let namespace = owner.metadata().namespace.as_deref().unwrap_or_default();
    let all = K::cache(view).in_namespace(namespace).map(|sibling| sibling.metadata());
    all.filter(|sibling| controller_of(sibling).is_some_and(|owner| owner.uid == controller.uid))
        .collect()
}

#[cfg(test)]
mod tests {
    use api::resources;
    use serde_json::json;

    use super::*;
    use crate::testing::{at, object_of, time_text};

    #[test]
    fn the_order_is_the_same_whatever_order_the_pods_came_in() {
        // By age alone the first goes before the second and that before the third; by restarts, the third
        // goes before the first.
        let pods = [pod("1", 100, 0), pod("2", 101, 0), pod("3", 100, 1)];

        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let ranked = least_missed(&order.map(|index| Arc::clone(&pods[index])), at(10_000));

            let uids: Vec<_> = ranked.iter().map(|pod| uid(&pod.metadata)).collect();
            assert_eq!(uids, ["3", "1", "2"], "{order:?}");
        }
    }

    #[test]
    fn the_younger_of_very_different_ages_goes_first() {
        let pods = [pod("1", 100, 3), pod("2", 9_000, 0)];

        let ranked = least_missed(&pods, at(10_000));

        assert_eq!(uid(&ranked[0].metadata), "2");
    }

    fn pod(uid: &str, ready_since: i64, restarts: i32) -> Arc<Pod> {
        let condition = json!({"type": "Ready", "status": "True",
            "lastTransitionTime": time_text(ready_since)});
        let pod = json!({
            "metadata": {"name": uid, "namespace": "n", "uid": uid, "creationTimestamp": time_text(1)},
            "spec": {"nodeName": "a", "containers": []},
            "status": {"phase": "Running", "conditions": [condition],
                "containerStatuses": [{"name": "c", "restartCount": restarts, "ready": true,
                    "image": "", "imageID": ""}]}});
        let api::AnyObject::Pod(pod) = object_of(&resources::PODS, pod) else {
            panic!("it is one")
        };
        pod
    }
}
