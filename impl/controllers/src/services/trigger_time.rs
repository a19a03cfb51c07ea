//! Since when endpoints are out of date: the time of the first change that they do not show yet.
//!
//! Source: staging/src/k8s.io/endpointslice/util/trigger_time_tracker.go (v1.36).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Key, Timestamp};
use k8s_openapi::api::core::v1::{Pod, Service};

use crate::pods;
use crate::services::created;

/// The annotation of endpoints that says it.
pub(crate) const ANNOTATION: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// When the pods of each Service last became ready or ceased to be, as of its last reconciliation.
#[derive(Clone, Debug, Default)]
pub(crate) struct TriggerTimes {
    by_service: BTreeMap<Key, BTreeMap<String, Timestamp>>,
}

impl TriggerTimes {
    /// The time of the first change since the last call for this Service; its creation at the first call.
    pub(crate) fn next(&mut self, service: &Service, pods: &[&Arc<Pod>]) -> Option<Timestamp> {
        let times: BTreeMap<String, Timestamp> =
            pods.iter().filter_map(|pod| Some((name(pod), changed(pod)?))).collect();
        let old = self.by_service.insert(Key::of(&service.metadata), times.clone());
        let Some(old) = old else {
            return created(&service.metadata).map(|time| time.0);
        };
        let is_new = |(pod, time): &(&String, &Timestamp)| old.get(*pod) < Some(*time);
        times.iter().filter(is_new).map(|(_, time)| *time).min()
    }

    /// Forgets a Service that is gone.
    pub(crate) fn forget(&mut self, service: &Key) {
        self.by_service.remove(service);
    }
}

/// Writes the annotation, or takes it away where no change has triggered anything.
pub(crate) fn annotate(annotations: &mut BTreeMap<String, String>, time: Option<Timestamp>) {
    match time {
        Some(time) => annotations.insert(ANNOTATION.to_owned(), api::time::text(time)),
        None => annotations.remove(ANNOTATION),
    };
}

fn name(pod: &Pod) -> String {
    pod.metadata.name.clone().unwrap_or_default()
}

fn changed(pod: &Pod) -> Option<Timestamp> {
    pods::condition(pod, "Ready")?.last_transition_time.as_ref().map(|time| time.0)
}
