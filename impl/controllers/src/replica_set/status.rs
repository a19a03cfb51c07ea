//! What the owner of replicas says about its pods.
//!
//! Source: pkg/controller/replicaset/replica_set_utils.go (v1.36).

use std::sync::Arc;

use api::{Request, Timestamp};
use k8s_openapi::api::apps::v1::{ReplicaSetCondition, ReplicaSetStatus};
use k8s_openapi::api::core::v1::Pod;

use super::Replicated;
use crate::ownership::labels;
use crate::{after_seconds, pods};

const REPLICA_FAILURE: &str = "ReplicaFailure";

/// What the status is counted from.
pub(super) struct Replicas<'a> {
    /// Pods that count.
    pub(super) active: &'a [Arc<Pod>],
    /// Pods that are being deleted.
    pub(super) terminating: usize,
    /// Why pods could not be created or deleted.
    pub(super) failure: Option<String>,
}

/// The request that brings the status up to date, if it is not.
pub(super) fn update<K: Replicated>(
    owner: &K,
    replicas: &Replicas<'_>,
    now: Timestamp,
) -> Option<Request> {
    let updated = owner.with_status(status(owner, replicas, now));
    (updated.status() != owner.status()).then(|| Request::update_status(&updated))
}

/// When the next ready pod has been ready for long enough.
pub(super) fn next_available<K: Replicated>(
    owner: &K,
    active: &[Arc<Pod>],
    now: Timestamp,
) -> Option<Timestamp> {
    let waiting = active.iter().filter_map(|pod| available_at(owner, pod));
    waiting.filter(|when| *when > now).min()
}

fn status<K: Replicated>(owner: &K, replicas: &Replicas<'_>, now: Timestamp) -> ReplicaSetStatus {
    let active = replicas.active;
    let available = |pod: &Pod| available_at(owner, pod).is_some_and(|when| when <= now);
    ReplicaSetStatus {
        replicas: number(active.len()),
        fully_labeled_replicas: count(active, |pod| is_fully_labeled(owner, pod)),
        ready_replicas: count(active, pods::is_ready),
        available_replicas: count(active, available),
        terminating_replicas: Some(number(replicas.terminating)),
        observed_generation: owner.metadata().generation,
        conditions: conditions(owner, replicas, now),
    }
}

/// Kubernetes leaves out numbers that are zero.
fn count(pods: &[Arc<Pod>], holds: impl Fn(&Pod) -> bool) -> Option<i32> {
    let count = number(pods.iter().filter(|pod| holds(pod)).count());
    (count != 0).then_some(count)
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn available_at<K: Replicated>(owner: &K, pod: &Pod) -> Option<Timestamp> {
    match owner.min_ready_seconds() {
        0 => pods::is_ready(pod).then_some(Timestamp::MIN),
        seconds => pods::ready_since(pod).map(|since| after_seconds(since, seconds.into())),
    }
}

fn is_fully_labeled<K: Replicated>(owner: &K, pod: &Pod) -> bool {
    let template = owner.template().and_then(|template| template.metadata.as_ref());
    template.is_none_or(|template| {
        let pod_labels = labels(&pod.metadata);
        labels(template).iter().all(|(name, value)| pod_labels.get(name) == Some(value))
    })
}

/// A failure keeps the time of its first report. Other conditions are somebody else's.
fn conditions<K: Replicated>(
    owner: &K,
    replicas: &Replicas<'_>,
    now: Timestamp,
) -> Option<Vec<ReplicaSetCondition>> {
    let (reported, mut conditions): (Vec<_>, Vec<_>) = owner
        .status()
        .conditions
        .into_iter()
        .flatten()
        .partition(|condition: &ReplicaSetCondition| condition.type_ == REPLICA_FAILURE);
    if let Some(message) = &replicas.failure {
        let condition = reported.into_iter().next();
        conditions.push(condition.unwrap_or_else(|| failure(owner, replicas, message, now)));
    }
    (!conditions.is_empty()).then_some(conditions)
}

fn failure<K: Replicated>(
    owner: &K,
    replicas: &Replicas<'_>,
    message: &str,
    now: Timestamp,
) -> ReplicaSetCondition {
    let too_few = number(replicas.active.len()) < owner.replicas();
    ReplicaSetCondition {
        type_: REPLICA_FAILURE.to_owned(),
        status: "True".to_owned(),
        reason: Some(if too_few { "FailedCreate" } else { "FailedDelete" }.to_owned()),
        message: Some(message.to_owned()),
        last_transition_time: Some(api::time::time(now)),
    }
}
