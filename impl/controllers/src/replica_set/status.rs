//! What a ReplicaSet says about its pods.
//!
//! Source: pkg/controller/replicaset/replica_set_utils.go (v1.36).

use std::sync::Arc;

use api::{Request, Timestamp};
use k8s_openapi::api::apps::v1::{
    ReplicaSet, ReplicaSetCondition, ReplicaSetSpec, ReplicaSetStatus,
};
use k8s_openapi::api::core::v1::Pod;

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
pub(super) fn update(
    replica_set: &ReplicaSet,
    spec: &ReplicaSetSpec,
    replicas: &Replicas<'_>,
    now: Timestamp,
) -> Option<Request> {
    let old = replica_set.status.clone().unwrap_or_default();
    let new = status(replica_set, spec, replicas, now);
    if old == new {
        return None;
    }
    Some(Request::update_status(&ReplicaSet { status: Some(new), ..replica_set.clone() }))
}

/// When the next ready pod has been ready for long enough.
pub(super) fn next_available(
    spec: &ReplicaSetSpec,
    active: &[Arc<Pod>],
    now: Timestamp,
) -> Option<Timestamp> {
    let waiting = active.iter().filter_map(|pod| available_at(spec, pod));
    waiting.filter(|when| *when > now).min()
}

fn status(
    replica_set: &ReplicaSet,
    spec: &ReplicaSetSpec,
    replicas: &Replicas<'_>,
    now: Timestamp,
) -> ReplicaSetStatus {
    let active = replicas.active;
    let available = |pod: &Pod| available_at(spec, pod).is_some_and(|when| when <= now);
    ReplicaSetStatus {
        replicas: number(active.len()),
        fully_labeled_replicas: count(active, |pod| is_fully_labeled(spec, pod)),
        ready_replicas: count(active, pods::is_ready),
        available_replicas: count(active, available),
        terminating_replicas: Some(number(replicas.terminating)),
        observed_generation: replica_set.metadata.generation,
        conditions: conditions(replica_set, replicas, now),
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

fn available_at(spec: &ReplicaSetSpec, pod: &Pod) -> Option<Timestamp> {
    match spec.min_ready_seconds.unwrap_or(0) {
        0 => pods::is_ready(pod).then_some(Timestamp::MIN),
        seconds => pods::ready_since(pod).map(|since| after_seconds(since, seconds.into())),
    }
}

fn is_fully_labeled(spec: &ReplicaSetSpec, pod: &Pod) -> bool {
    let template = spec.template.as_ref().and_then(|template| template.metadata.as_ref());
    template.is_none_or(|template| {
        let pod_labels = labels(&pod.metadata);
        labels(template).iter().all(|(name, value)| pod_labels.get(name) == Some(value))
    })
}

/// A failure keeps the time of its first report. Other conditions are somebody else's.
fn conditions(
    replica_set: &ReplicaSet,
    replicas: &Replicas<'_>,
    now: Timestamp,
) -> Option<Vec<ReplicaSetCondition>> {
    let old = replica_set.status.as_ref().and_then(|status| status.conditions.clone());
    let (reported, mut conditions): (Vec<_>, Vec<_>) = old
        .into_iter()
        .flatten()
        .partition(|condition: &ReplicaSetCondition| condition.type_ == REPLICA_FAILURE);
    if let Some(message) = &replicas.failure {
        let condition = reported.into_iter().next();
        conditions.push(condition.unwrap_or_else(|| failure(replica_set, replicas, message, now)));
    }
    (!conditions.is_empty()).then_some(conditions)
}

fn failure(
    replica_set: &ReplicaSet,
    replicas: &Replicas<'_>,
    message: &str,
    now: Timestamp,
) -> ReplicaSetCondition {
    let too_few = number(replicas.active.len()) < super::replicas(replica_set);
    ReplicaSetCondition {
        type_: REPLICA_FAILURE.to_owned(),
        status: "True".to_owned(),
        reason: Some(if too_few { "FailedCreate" } else { "FailedDelete" }.to_owned()),
        message: Some(message.to_owned()),
        last_transition_time: Some(api::time::time(now)),
    }
}
