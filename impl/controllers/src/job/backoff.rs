//! How long a Job waits before it replaces a pod that failed: 10 s, then twice as long each time, 10 minutes
//! at the most.
//!
//! Source: pkg/controller/job/backoff_utils.go (v1.36).

use std::sync::Arc;

use api::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use crate::{after_seconds, pods};

const DEFAULT_SECONDS: i64 = 10;
const MAX_SECONDS: i64 = 600;

/// The failures of a Job since its last success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    failures: u32,
    last_failure: Option<Timestamp>,
}

impl Backoff {
    /// What it is after these pods have finished too.
    #[must_use]
    pub(super) fn after(self, succeeded: &[Arc<Pod>], failed: &[Arc<Pod>]) -> Self {
        let last_success = succeeded.iter().map(|pod| finished_at(pod)).max();
        let before = if last_success.is_some() { Self::default() } else { self };
        let failures = failed.iter().map(|pod| finished_at(pod));
        let later =
            failures.filter(|failure| last_success.is_none_or(|success| *failure > success));
        later.fold(before, |backoff, failure| Self {
            failures: backoff.failures.saturating_add(1),
            last_failure: backoff.last_failure.max(Some(failure)),
        })
    }

    /// When the next pod may be created, if that is not now.
    pub(super) fn ends_at(self, now: Timestamp) -> Option<Timestamp> {
        end_of(self.failures, self.last_failure?).filter(|end| *end > now)
    }
}

/// When a pod that has failed so often, last at that time, may be replaced.
pub(super) fn end_of(failures: u32, last_failure: Timestamp) -> Option<Timestamp> {
    let doublings = failures.checked_sub(1)?.min(10);
    let seconds = (DEFAULT_SECONDS << doublings).min(MAX_SECONDS);
    Some(after_seconds(last_failure, seconds))
}

/// When a pod finished: its last container, or since when it is not ready, or when it was deleted, or at
/// the worst when it was created.
pub(super) fn finished_at(pod: &Pod) -> Timestamp {
    let not_ready = pods::condition(pod, "Ready").filter(|ready| ready.status == "False");
    let not_ready = not_ready.and_then(|ready| ready.last_transition_time.as_ref());
    containers_finished_at(pod)
        .or_else(|| not_ready.map(|time| time.0))
        .or_else(|| deleted_at(pod))
        .or_else(|| pod.metadata.creation_timestamp.as_ref().map(|time| time.0))
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `None` unless all containers have finished, and all init containers that run beside them.
fn containers_finished_at(pod: &Pod) -> Option<Timestamp> {
    let status = pod.status.as_ref()?;
    let init = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    let sidecars: Vec<&str> = init
        .filter(|container| container.restart_policy.as_deref() == Some("Always"))
        .map(|container| container.name.as_str())
        .collect();
    let sidecar_statuses = status.init_container_statuses.iter().flatten();
    let sidecar_statuses =
        sidecar_statuses.filter(|status| sidecars.contains(&status.name.as_str()));
    let all = status.container_statuses.iter().flatten().chain(sidecar_statuses);
    all.map(container_finished_at).collect::<Option<Vec<_>>>()?.into_iter().max()
}

fn container_finished_at(status: &ContainerStatus) -> Option<Timestamp> {
    Some(status.state.as_ref()?.terminated.as_ref()?.finished_at.as_ref()?.0)
}

fn deleted_at(pod: &Pod) -> Option<Timestamp> {
    let deletion = pod.metadata.deletion_timestamp.as_ref()?.0;
    let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
    deletion.checked_sub(std::time::Duration::from_secs(grace.unsigned_abs())).ok()
}

#[cfg(test)]
mod tests {
    use api::resources;
    use serde_json::json;

    use super::*;
    use crate::testing::{at, object_of, time_text};

    #[test]
    fn each_failure_doubles_the_wait_until_ten_minutes() {
        let ends = |failures| end_of(failures, at(0)).map(Timestamp::as_second);

        assert_eq!([0, 1, 2, 3].map(ends), [None, Some(10), Some(20), Some(40)]);
        assert_eq!([6, 7, 100].map(ends), [Some(320), Some(600), Some(600)]);
    }

    #[test]
    fn only_failures_after_the_last_success_count() {
        let before = Backoff::default().after(&[], &[pod("a", 1), pod("b", 2)]);

        let after = before.after(&[pod("c", 5)], &[pod("d", 4), pod("e", 6)]);

        assert_eq!(before.ends_at(at(3)), Some(at(22)));
        assert_eq!(after.ends_at(at(6)), Some(at(16)));
        assert_eq!(after.ends_at(at(16)), None);
    }

    fn pod(name: &str, finished: i64) -> Arc<Pod> {
        let state = json!({"terminated": {"exitCode": 1, "finishedAt": time_text(finished)}});
        let object = object_of(
            &resources::PODS,
            json!({"metadata": {"name": name, "namespace": "n"},
                "status": {"containerStatuses": [{"name": "c", "image": "i", "imageID": "", "ready": false,
                    "restartCount": 0, "state": state}]}}),
        );
        let api::AnyObject::Pod(pod) = object else { panic!("not a pod") };
        pod
    }
}
