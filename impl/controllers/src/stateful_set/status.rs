//! What a StatefulSet says about its pods.
//!
//! Source: `computeReplicaStatus`, `completeRollingUpdate` and `inconsistentStatus` in
//! pkg/controller/statefulset (v1.36).

use std::sync::Arc;

use api::Timestamp;
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetStatus};
use k8s_openapi::api::core::v1::Pod;

use super::identity;
use super::revisions::Revisions;
use crate::{after_seconds, pods};

/// From when on a pod is available; `None` when it is not ready.
pub(super) fn available_at(spec: &StatefulSetSpec, pod: &Pod) -> Option<Timestamp> {
    match spec.min_ready_seconds.unwrap_or(0) {
        0 => pods::is_ready(pod).then_some(Timestamp::MIN),
        seconds => pods::ready_since(pod).map(|since| after_seconds(since, seconds.into())),
    }
}

/// Whether a pod is available.
pub(super) fn is_available(spec: &StatefulSetSpec, pod: &Pod, now: Timestamp) -> bool {
    available_at(spec, pod).is_some_and(|when| when <= now)
}

/// Whether a pod runs and is ready.
pub(super) fn is_running_and_ready(pod: &Pod) -> bool {
    pods::phase(pod) == "Running" && pods::is_ready(pod)
}

/// The status that is counted from these pods. It has no conditions, as upstream's has none.
pub(super) fn count(
    stateful_set: &StatefulSet,
    spec: &StatefulSetSpec,
    (revisions, pods): (&Revisions, &[Arc<Pod>]),
    now: Timestamp,
) -> StatefulSetStatus {
    let of_revision = |pod: &Pod, revision: &str| {
        is_created(pod) && !pods::is_terminating(pod) && identity::revision(pod) == revision
    };
    let (current, update) = (&revisions.current.name, &revisions.update.name);
    StatefulSetStatus {
        observed_generation: stateful_set.metadata.generation,
        current_revision: Some(current.clone()),
        update_revision: Some(update.clone()),
        collision_count: Some(revisions.collision_count),
        replicas: number(pods, is_created),
        ready_replicas: Some(number(pods, is_running_and_ready)),
        available_replicas: Some(number(pods, |pod| {
            is_running_and_ready(pod) && is_available(spec, pod, now)
        })),
        current_replicas: Some(number(pods, |pod| of_revision(pod, current))),
        updated_replicas: Some(number(pods, |pod| of_revision(pod, update))),
        conditions: None,
    }
}

/// Says that a rolling update is over, if it is.
pub(super) fn complete_rolling_update(spec: &StatefulSetSpec, status: &mut StatefulSetStatus) {
    let replicas = Some(spec.replicas.unwrap_or(1));
    let is_complete = strategy(spec) == "RollingUpdate"
        && status.updated_replicas == replicas
        && status.ready_replicas == replicas
        && Some(status.replicas) == replicas;
    if is_complete {
        status.current_replicas = status.updated_replicas;
        status.current_revision.clone_from(&status.update_revision);
    }
}

/// The same status as it is written, if it tells anything new.
pub(super) fn changed(old: &StatefulSet, new: StatefulSetStatus) -> Option<StatefulSetStatus> {
    let old = old.status.clone().unwrap_or_default();
    let numbers = |status: &StatefulSetStatus| {
        let parts = [
            status.ready_replicas,
            status.available_replicas,
            status.current_replicas,
            status.updated_replicas,
        ];
        (status.replicas, parts.map(|part| part.unwrap_or(0)))
    };
    let names = |status: &StatefulSetStatus| {
        [&status.current_revision, &status.update_revision].map(|name| name.clone())
    };
    let is_newer = new.observed_generation > old.observed_generation;
    (is_newer || numbers(&new) != numbers(&old) || names(&new) != names(&old)).then(|| {
        StatefulSetStatus {
            ready_replicas: new.ready_replicas.filter(|number| *number != 0),
            current_replicas: new.current_replicas.filter(|number| *number != 0),
            updated_replicas: new.updated_replicas.filter(|number| *number != 0),
            ..new
        }
    })
}

/// The type of the update strategy.
pub(super) fn strategy(spec: &StatefulSetSpec) -> &str {
    let strategy = spec.update_strategy.as_ref();
    strategy.and_then(|strategy| strategy.type_.as_deref()).unwrap_or("RollingUpdate")
}

/// Whether the API server has given the pod its first phase.
fn is_created(pod: &Pod) -> bool {
    !pods::phase(pod).is_empty()
}

fn number(pods: &[Arc<Pod>], holds: impl Fn(&Pod) -> bool) -> i32 {
    i32::try_from(pods.iter().filter(|pod| holds(pod)).count()).unwrap_or(i32::MAX)
}
