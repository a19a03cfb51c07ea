//! The pod garbage collector: pods of nodes that are gone or out of service, pods that will never start, and
//! finished pods beyond the number that is kept.
//!
//! Source: pkg/controller/podgc/gc_controller.go (v1.36).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::{Key, Reason, Request, Timestamp, Verb, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use crate::{Controller, Plan, after_seconds, next_tick, nodes, pods};

/// How many finished pods are kept, if nobody says otherwise.
pub const TERMINATED_PODS_MAX: usize = 12_500;

const PERIOD_SECONDS: i64 = 20;
/// How long a node must be missing from the cache before the API server is asked about it.
const QUARANTINE_SECONDS: i64 = 40;

/// Deletes pods that no kubelet will delete.
#[derive(Clone, Debug)]
pub struct PodGarbageCollector {
    terminated_pods_max: usize,
    /// Nodes that pods are bound to and that the cache does not know, since when.
    missing: BTreeMap<String, Timestamp>,
    /// Nodes that the API server has said do not exist.
    gone: BTreeSet<String>,
}

impl PodGarbageCollector {
    /// A collector that keeps this many finished pods; 0 keeps all.
    pub fn new(terminated_pods_max: usize) -> Self {
        Self { terminated_pods_max, missing: BTreeMap::new(), gone: BTreeSet::new() }
    }
}

impl Controller for PodGarbageCollector {
    fn name(&self) -> &'static str {
        "pod-garbage-collector-controller"
    }

    /// One key stands for all pods. A finished pod waits for the next period, as upstream.
    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        let is_new_pod = change.resource() == &resources::PODS && change.old.is_none();
        if is_new_pod { vec![Key::cluster(resources::PODS.plural)] } else { vec![] }
    }

    fn reconcile(&mut self, view: &View, _key: &Key, now: Timestamp) -> Plan {
        let mut plan = Plan::default();
        self.quarantine(view, &mut plan, now);
        for pod in view.pods.iter().filter(|pod| self.gone.contains(pods::node_name(pod))) {
            plan.requests.extend(fail_and_delete(pod, Some(now)));
        }
        for pod in view.pods.iter().filter(|pod| will_never_end(view, pod)) {
            plan.requests.extend(fail_and_delete(pod, None));
        }
        for pod in self.surplus(view) {
            plan.requests.extend(fail_and_delete(&pod, None));
        }
        if !view.pods.is_empty() {
            plan.look_again_at(next_tick(now, PERIOD_SECONDS));
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, request: &Request, outcome: &Outcome) {
        if request.verb != Verb::Get {
            return;
        }
        self.missing.remove(&request.key.name);
        if outcome.as_ref().is_err_and(|status| status.reason == Reason::NotFound) {
            self.gone.insert(request.key.name.clone());
        }
    }
}

impl PodGarbageCollector {
    /// Keeps count of the nodes that are missing, and asks about those that are for long enough.
    fn quarantine(&mut self, view: &View, plan: &mut Plan, now: Timestamp) {
        let bound = view.pods.iter().map(|pod| pods::node_name(pod));
        let missing: BTreeSet<&str> = bound
            .filter(|node| !node.is_empty() && view.nodes.get(&Key::cluster(node)).is_none())
            .collect();
        self.gone.retain(|node| missing.contains(node.as_str()));
        self.missing.retain(|node, _| missing.contains(node.as_str()));
        for node in missing.into_iter().filter(|node| !self.gone.contains(*node)) {
            let since = *self.missing.entry(node.to_owned()).or_insert(now);
            if after_seconds(since, QUARANTINE_SECONDS) <= now {
                plan.requests.push(Request::get(&resources::NODES, Key::cluster(node)));
                plan.look_again_at(now);
            }
        }
    }

    /// The finished pods beyond the number that is kept: evicted ones first, then the oldest.
    fn surplus(&self, view: &View) -> Vec<Arc<Pod>> {
        if self.terminated_pods_max == 0 {
            return vec![];
        }
        let finished = view.pods.iter().filter(|pod| pods::is_finished(pod));
        let mut finished: Vec<Arc<Pod>> = finished.cloned().collect();
        let surplus = finished.len().saturating_sub(self.terminated_pods_max);
        if surplus > 0 {
            finished.sort_by_cached_key(|pod| {
                let reason = pod.status.as_ref().and_then(|status| status.reason.as_deref());
                let created = pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
                (reason != Some("Evicted"), created, pod.metadata.name.clone())
            });
        }
        finished.truncate(surplus);
        finished
    }
}

/// Whether the pod is being deleted and no kubelet is there that would say that it has ended: it has no node,
/// or one that is out of service.
fn will_never_end(view: &View, pod: &Pod) -> bool {
    let node = pods::node_name(pod);
    let is_out = || {
        let node = view.nodes.get(&Key::cluster(node));
        node.is_some_and(|node| !nodes::is_ready(node) && nodes::is_out_of_service(node))
    };
    pods::is_terminating(pod) && (node.is_empty() || is_out())
}

/// A pod that has not finished is said to have failed first: no kubelet will say how it ended.
fn fail_and_delete(pod: &Pod, orphaned_at: Option<Timestamp>) -> Vec<Request> {
    let mut requests = vec![];
    if !pods::is_finished(pod) {
        let generation = pod.metadata.generation;
        let conditions = orphaned_at.map(|now| {
            json!([{
                "type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC",
                "message": "PodGC: node no longer exists",
                "lastTransitionTime": api::time::text(now), "observedGeneration": generation,
            }])
        });
        let mut status = json!({"phase": "Failed", "observedGeneration": generation});
        if let Some(conditions) = conditions {
            status["conditions"] = conditions;
        }
        requests.push(pods::patch_status(pod, status));
    }
    requests.push(pods::delete(pod, json!({"gracePeriodSeconds": 0})));
    requests
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::testing::{World, at, names, requests, time_text};

    const PODS: &api::ApiResource = &resources::PODS;
    const NODES: &api::ApiResource = &resources::NODES;

    #[test]
    fn pods_of_a_node_that_is_gone_are_deleted_after_the_quarantine_and_a_question() {
        let mut world = world(1);
        world.put(PODS, pod("web", json!({"nodeName": "node-1", "containers": []}), "Running"));

        let first = world.reconcile(&key(), at(10));
        let question = world.reconcile(&key(), at(50));
        world.refuse(&key(), &question.requests[0], Reason::NotFound);
        let plan = world.reconcile(&key(), at(50));

        assert!(first.requests.is_empty());
        assert_eq!(names(&question, Verb::Get, NODES), ["node-1"]);
        let status = requests(&plan, Verb::StrategicMergePatch, PODS)[0].body.clone().unwrap();
        assert_eq!(status["status"]["phase"], "Failed");
        assert_eq!(status["status"]["observedGeneration"], 2);
        assert_eq!(status["status"]["conditions"][0]["observedGeneration"], 2);
        let deletion = requests(&plan, Verb::Delete, PODS)[0].body.clone().unwrap();
        assert_eq!(deletion["gracePeriodSeconds"], 0);
    }

    #[test]
    fn pods_of_a_node_that_the_api_server_knows_stay() {
        let mut world = world(1);
        world.put(PODS, pod("web", json!({"nodeName": "node-1", "containers": []}), "Running"));
        world.reconcile(&key(), at(10));
        let question = world.reconcile(&key(), at(50));
        world.grant(&key(), &question.requests[0], Value::Null);

        let plan = world.reconcile(&key(), at(50));

        assert!(plan.requests.is_empty());
    }

    #[test]
    fn the_oldest_finished_pods_go_first() {
        let mut world = world(1);
        world.put(PODS, pod("b", json!({"containers": []}), "Failed"));
        world.put(PODS, pod("a", json!({"containers": []}), "Succeeded"));

        let plan = world.reconcile(&key(), at(10));

        assert_eq!(names(&plan, Verb::Delete, PODS), ["a"]);
        assert_eq!(plan.requests.len(), 1);
    }

    #[test]
    fn a_deleted_pod_that_was_never_bound_is_deleted_for_good() {
        let mut world = world(1);
        let mut pod = pod("web", json!({"containers": []}), "Pending");
        pod["metadata"]["deletionTimestamp"] = Value::from(time_text(5));
        world.put(PODS, pod);

        let plan = world.reconcile(&key(), at(10));

        assert_eq!(names(&plan, Verb::Delete, PODS), ["web"]);
    }

    #[test]
    fn a_deleted_pod_of_a_node_that_is_out_of_service_is_deleted_for_good() {
        let deleted = |ready: &str, taints: Value, is_terminating: bool| {
            let mut world = world(1);
            let conditions = json!([{"type": "Ready", "status": ready}]);
            let (metadata, spec) = (json!({"name": "node-1"}), json!({"taints": taints}));
            let status = json!({"conditions": conditions});
            world.put(NODES, json!({"metadata": metadata, "spec": spec, "status": status}));
            let mut pod = pod("web", json!({"nodeName": "node-1", "containers": []}), "Running");
            if is_terminating {
                pod["metadata"]["deletionTimestamp"] = Value::from(time_text(5));
            }
            world.put(PODS, pod);
            let plan = world.reconcile(&key(), at(10));
            let patches = requests(&plan, Verb::StrategicMergePatch, PODS);
            let status = patches.first().map(|patch| patch.body.clone().unwrap()["status"].clone());
            status.filter(|_| names(&plan, Verb::Delete, PODS) == ["web"])
        };
        let taints = || json!([{"key": nodes::OUT_OF_SERVICE, "effect": "NoExecute"}]);

        let lost = deleted("Unknown", taints(), true);

        assert_eq!(lost, Some(json!({"phase": "Failed", "observedGeneration": 2})));
        assert_eq!(deleted("True", taints(), true), None);
        assert_eq!(deleted("Unknown", json!([]), true), None);
        assert_eq!(deleted("Unknown", taints(), false), None);
    }

    fn key() -> Key {
        Key::cluster("pods")
    }

    fn world(terminated_pods_max: usize) -> World<PodGarbageCollector> {
        World::new(PodGarbageCollector::new(terminated_pods_max))
    }

    fn pod(name: &str, spec: Value, phase: &str) -> Value {
        let metadata = json!({"name": name, "namespace": "default", "generation": 2});
        json!({"metadata": metadata, "spec": spec, "status": {"phase": phase}})
    }
}
