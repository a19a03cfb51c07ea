//! The taint eviction controller: deletes pods from nodes with NoExecute taints that they do not
//! tolerate, or not for any longer.
//!
//! Source: pkg/controller/tainteviction/taint_eviction.go (v1.36). The time that a pod tolerates counts
//! from when this controller first saw the taint.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{AnyObject, Key, Request, Timestamp, Verb, node_fit, resources};
use client::event::{Note, reference};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{Pod, Taint};
use serde_json::json;

use crate::notes::Notes;
use crate::ownership::uid;
use crate::{Controller, Plan, after_seconds, pods};

const NO_EXECUTE: &str = "NoExecute";

/// Deletes pods that do not tolerate their node's taints.
#[derive(Clone, Debug)]
pub struct TaintEvictionController {
    /// Since when a pod (by its uid) has only tolerated taints for a time.
    since: BTreeMap<Key, (String, Timestamp)>,
    /// The uids of pods whose deletion it has asked for, until it sees that they are being deleted.
    leaving: BTreeMap<Key, String>,
    notes: Notes,
}

impl Default for TaintEvictionController {
    fn default() -> Self {
        let notes = Notes::new("taint-eviction-controller");
        Self { since: BTreeMap::new(), leaving: BTreeMap::new(), notes }
    }
}

/// How long a pod tolerates its node's taints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tolerates {
    Forever,
    Seconds(i64),
}

impl Controller for TaintEvictionController {
    fn name(&self) -> &'static str {
        "taint-eviction-controller"
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        if change.resource() == &resources::PODS {
            return vec![change.key()];
        }
        let (old, new) = (taints(change.old.as_ref()), taints(change.new.as_ref()));
        if old == new {
            return vec![];
        }
        let node = change.key();
        view.pods_on(&node.name).map(|pod| Key::of(&pod.metadata)).collect()
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(pod) = view.pods.get(key).filter(|pod| !pods::is_terminating(pod)) else {
            self.since.remove(key);
            self.leaving.remove(key);
            return Plan::default();
        };
        if self.leaving.get(key).is_some_and(|leaving| leaving == uid(&pod.metadata)) {
            return Plan::default();
        }
        let node = view.nodes.get(&Key::cluster(pods::node_name(pod)));
        let taints = taints(node.cloned().map(AnyObject::from).as_ref());
        let plan = match tolerates(pod, &taints) {
            Tolerates::Forever => self.stay(pod, now),
            Tolerates::Seconds(seconds) => self.stay_for(pod, seconds, now),
        };
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if request.verb == Verb::Delete && outcome.is_err() {
            self.leaving.remove(key);
        }
    }
}

impl TaintEvictionController {
    fn stay(&mut self, pod: &Arc<Pod>, now: Timestamp) -> Plan {
        if self.since.remove(&Key::of(&pod.metadata)).is_none() {
            return Plan::default();
        }
        let event = self.tell(pod, "Cancelling deletion of Pod", now);
        Plan { requests: event.into_iter().collect(), look_again: None }
    }

    fn stay_for(&mut self, pod: &Arc<Pod>, seconds: i64, now: Timestamp) -> Plan {
        let key = Key::of(&pod.metadata);
        let uid = uid(&pod.metadata);
        let known = self.since.get(&key).filter(|(known, _)| known == uid).map(|(_, since)| *since);
        let since = known.unwrap_or(now);
        let deadline = after_seconds(since, seconds);
        if now < deadline {
            self.since.insert(key, (uid.to_owned(), since));
            return Plan { requests: vec![], look_again: Some(deadline) };
        }
        self.since.remove(&key);
        self.leaving.insert(key, uid.to_owned());
        let event = self.tell(pod, "Marking for deletion Pod", now);
        let goes = [mark(pod, now), pods::delete(pod, json!({}))];
        Plan { requests: event.into_iter().chain(goes).collect(), look_again: None }
    }

    fn tell(&mut self, pod: &Arc<Pod>, what: &str, now: Timestamp) -> Option<Request> {
        let about = reference(&AnyObject::from(Arc::clone(pod)), "");
        let message = format!("{what} {}", Key::of(&pod.metadata));
        self.notes.record(about, Note::normal("TaintManagerEviction", message), now)
    }
}

fn mark(pod: &Pod, now: Timestamp) -> Request {
    let condition = json!({
        "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint",
        "lastTransitionTime": api::time::text(now), "observedGeneration": pod.metadata.generation,
    });
    pods::patch_status(pod, json!({"conditions": [condition]}))
}

/// The NoExecute taints of a node; none of anything else.
fn taints(node: Option<&AnyObject>) -> Vec<Taint> {
    let Some(AnyObject::Node(node)) = node else {
        return vec![];
    };
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    taints.filter(|taint| taint.effect == NO_EXECUTE).cloned().collect()
}

/// Source: processPodOnNode and getMinTolerationTime. The first toleration that matches a taint counts.
fn tolerates(pod: &Pod, taints: &[Taint]) -> Tolerates {
    let spec = pod.spec.as_ref();
    let tolerations = spec.and_then(|spec| spec.tolerations.as_deref()).unwrap_or_default();
    let mut shortest = Tolerates::Forever;
    for taint in taints {
        let Some(toleration) = tolerations.iter().find(|found| node_fit::tolerates(found, taint))
        else {
            return Tolerates::Seconds(0);
        };
        shortest = match (shortest, toleration.toleration_seconds) {
            (shortest, None) => shortest,
            (Tolerates::Forever, Some(seconds)) => Tolerates::Seconds(seconds.max(0)),
            (Tolerates::Seconds(least), Some(seconds)) => {
                Tolerates::Seconds(least.min(seconds.max(0)))
            }
        };
    }
    shortest
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::testing::{World, at, names, requests};

    const PODS: &api::ApiResource = &resources::PODS;

    #[test]
    fn a_pod_that_does_not_tolerate_a_taint_goes_at_once() {
        let mut world = world(json!([]));
        let due = world.put(&resources::NODES, node(true));

        let plan = world.reconcile(&key(), at(10));

        assert_eq!(due, [key()]);
        assert_eq!(names(&plan, Verb::Delete, PODS), ["web"]);
        assert_eq!(names(&plan, Verb::StrategicMergePatch, PODS), ["web"]);
        let marked = requests(&plan, Verb::StrategicMergePatch, PODS)[0].body.clone().unwrap();
        assert_eq!(marked["status"]["conditions"][0]["observedGeneration"], 2);
    }

    #[test]
    fn a_deletion_is_asked_for_once_unless_it_is_refused() {
        let mut world = world(json!([]));
        world.put(&resources::NODES, node(true));
        let first = world.reconcile(&key(), at(10));

        let meanwhile = world.reconcile(&key(), at(10));
        let deletion = first.requests.iter().find(|one| one.verb == Verb::Delete).unwrap();
        world.refuse(&key(), deletion, api::Reason::ServiceUnavailable);
        let afterwards = world.reconcile(&key(), at(11));

        assert_eq!(meanwhile, Plan::default());
        assert_eq!(names(&afterwards, Verb::Delete, PODS), ["web"]);
    }

    #[test]
    fn a_pod_that_tolerates_a_taint_for_a_time_goes_after_it() {
        let mut world = world(tolerations(300));
        world.put(&resources::NODES, node(true));

        let first = world.reconcile(&key(), at(10));
        let early = world.reconcile(&key(), at(309));
        let late = world.reconcile(&key(), at(310));

        assert_eq!(first.look_again, Some(at(310)));
        assert!(early.requests.is_empty());
        assert_eq!(names(&late, Verb::Delete, PODS), ["web"]);
    }

    #[test]
    fn a_taint_that_goes_away_cancels_the_deletion() {
        let mut world = world(tolerations(300));
        world.put(&resources::NODES, node(true));
        world.reconcile(&key(), at(10));
        world.put(&resources::NODES, node(false));

        let plan = world.reconcile(&key(), at(400));

        let event = plan.requests[0].body.clone().unwrap();
        assert_eq!(event["message"], "Cancelling deletion of Pod default/web");
        assert_eq!(plan.requests.len(), 1);
    }

    #[test]
    fn a_pod_that_tolerates_everything_stays() {
        let mut world = world(json!([{"operator": "Exists"}]));
        world.put(&resources::NODES, node(true));

        assert_eq!(world.reconcile(&key(), at(10)), Plan::default());
    }

    fn key() -> Key {
        Key::new("default", "web")
    }

    fn world(tolerations: Value) -> World<TaintEvictionController> {
        let mut world = World::new(TaintEvictionController::default());
        let spec = json!({"nodeName": "node-1", "containers": [], "tolerations": tolerations});
        let metadata = json!({"name": "web", "namespace": "default", "generation": 2});
        world.put(PODS, json!({"metadata": metadata, "spec": spec}));
        world
    }

    fn tolerations(seconds: i64) -> Value {
        json!([{
            "key": "node.kubernetes.io/unreachable", "operator": "Exists",
            "effect": "NoExecute", "tolerationSeconds": seconds,
        }])
    }

    fn node(tainted: bool) -> Value {
        let taint = json!({"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"});
        let taints = if tainted { json!([taint]) } else { json!([]) };
        json!({"metadata": {"name": "node-1"}, "spec": {"taints": taints}})
    }
}
