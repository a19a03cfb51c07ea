//! Takes back that a pod is about to be disrupted when it has not been for two minutes.
//!
//! Source: `syncStalePodDisruption` in pkg/controller/disruption/disruption.go (v1.36).

use api::{AnyObject, Key, Request, Timestamp};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use crate::{Controller, Plan, after_seconds, pods};

const DISRUPTION_TARGET: &str = "DisruptionTarget";

/// After this long the condition is stale.
const STALE_SECONDS: i64 = 2 * 60;

/// Turns stale DisruptionTarget conditions off.
#[derive(Clone, Copy, Debug, Default)]
pub struct StaleDisruptionController;

impl Controller for StaleDisruptionController {
    fn name(&self) -> &'static str {
        "disruption-controller"
    }

    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        match &change.new {
            Some(AnyObject::Pod(pod)) if stale_since(pod).is_some() => vec![change.key()],
            Some(_) | None => vec![],
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let pod = view.pods.get(key);
        let Some((pod, since)) = pod.and_then(|pod| Some((pod, stale_since(pod)?))) else {
            return Plan::default();
        };
        let deadline = after_seconds(since, STALE_SECONDS);
        if now < deadline {
            return Plan { requests: vec![], look_again: Some(deadline) };
        }
        let condition = json!({"type": DISRUPTION_TARGET, "status": "False", "reason": null, "message": null,
            "lastTransitionTime": api::time::text(now), "observedGeneration": pod.metadata.generation});
        let patch = pods::patch_status(pod, json!({"conditions": [condition]}));
        Plan { requests: vec![patch], look_again: None }.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, _request: &Request, _outcome: &Outcome) {}
}

/// Since when a pod that is not being deleted says that it will be. A kubelet may take as long as it wants.
fn stale_since(pod: &Pod) -> Option<Timestamp> {
    let condition = pods::condition(pod, DISRUPTION_TARGET)?;
    let is_over = pods::is_terminating(pod) || pods::is_finished(pod);
    let by_kubelet = condition.reason.as_deref() == Some("TerminationByKubelet");
    let time = condition.last_transition_time.as_ref().map(|time| time.0);
    let since = time.unwrap_or(Timestamp::UNIX_EPOCH);
    (condition.status == "True" && !is_over && !by_kubelet).then_some(since)
}

#[cfg(test)]
mod tests {
    use api::resources;

    use super::*;
    use crate::testing::{World, at, time_text};

    fn pod(reason: &str) -> serde_json::Value {
        json!({"metadata": {"name": "a", "namespace": "n", "generation": 2}, "status": {"conditions": [
            {"type": "DisruptionTarget", "status": "True", "reason": reason,
                "lastTransitionTime": time_text(100)}]}})
    }

    #[test]
    fn a_disruption_that_does_not_come_is_taken_back_after_two_minutes() {
        let mut world = World::new(StaleDisruptionController);
        let due = world.put(&resources::PODS, pod("EvictionByEvictionAPI"));
        let key = Key::new("n", "a");

        let before = world.reconcile(&key, at(219));
        let after = world.reconcile(&key, at(220));

        assert_eq!((due, before.look_again), (vec![key], Some(at(220))));
        assert_eq!(before.requests, []);
        let condition = &after.requests[0].body.as_ref().unwrap()["status"]["conditions"][0];
        assert_eq!(
            (&condition["type"], &condition["status"]),
            (&json!("DisruptionTarget"), &json!("False"))
        );
        assert_eq!(condition["observedGeneration"], 2);
    }

    #[test]
    fn a_kubelet_may_take_longer_and_a_pod_that_is_being_deleted_needs_nothing() {
        let mut world = World::new(StaleDisruptionController);
        let mut doomed = pod("EvictionByEvictionAPI");
        doomed["metadata"]["deletionTimestamp"] = json!(time_text(101));

        let due = [pod("TerminationByKubelet"), doomed].map(|pod| world.put(&resources::PODS, pod));

        assert_eq!(due, [vec![], vec![]]);
    }
}
