//! The node lifecycle controller: notices that a node has fallen silent, says so in its conditions and
//! taints, and that its pods are not ready.
//!
//! Source: pkg/controller/nodelifecycle/node_lifecycle_controller.go (v1.36). The evictions that follow are
//! `taint_eviction`'s.

mod labels;
mod limiter;
mod taints;
mod zones;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{AnyObject, Key, Request, Timestamp, Verb, resources};
use client::event::{Note, reference};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{Node, NodeCondition, NodeStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use crate::node_lifecycle::zones::{Admission, Zones};
use crate::nodes::ready;
use crate::notes::Notes;
use crate::{Controller, Plan, after_seconds, next_tick, pods};

const LEASES_NAMESPACE: &str = "kube-node-lease";

/// How long a node that has never said anything may take to do so.
const STARTUP_GRACE_PERIOD_SECONDS: i64 = 60;

/// The conditions that a kubelet reports. NetworkUnavailable is not one of them.
const CONDITIONS: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/// When a silent node counts as lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// How long a node may be silent.
    pub monitor_grace_period_seconds: i64,
    /// How often nodes are looked at.
    pub monitor_period_seconds: i64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { monitor_grace_period_seconds: 50, monitor_period_seconds: 5 }
    }
}

/// When a node was last heard of, by this controller's clock, and by which heartbeat.
#[derive(Clone, Debug)]
struct Health {
    heartbeat: Option<Time>,
    renewed: Option<Timestamp>,
    heard_at: Timestamp,
    /// Whether it was ready until this controller wrote that it is silent.
    was_ready: bool,
    /// Whether its pods are to be marked as not ready.
    marks_pods: bool,
}

/// Watches over nodes.
#[derive(Clone, Debug)]
pub struct NodeLifecycleController {
    timeouts: Timeouts,
    health: BTreeMap<Key, Health>,
    zones: Zones,
    notes: Notes,
}

impl NodeLifecycleController {
    /// A controller that has seen no node yet.
    pub fn new(timeouts: Timeouts) -> Self {
        let (health, notes) = (BTreeMap::new(), Notes::new("node-controller"));
        Self { timeouts, health, zones: Zones::default(), notes }
    }
}

impl Controller for NodeLifecycleController {
    fn name(&self) -> &'static str {
        "node-lifecycle-controller"
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        if change.resource() != &resources::NODES {
            return vec![];
        }
        let key = change.key();
        match view.nodes.get(&key) {
            Some(node) => self.zones.hear(node),
            None => self.zones.forget(&key),
        }
        vec![key]
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(node) = view.nodes.get(key) else {
            return self.removed(key, now);
        };
        self.notes.about(key, &AnyObject::from(Arc::clone(node)));
        self.hear(view, (key, node), now);
        let mut plan = Plan { requests: self.notes.flush(key, now), look_again: None };
        plan.look_again_at(next_tick(now, self.timeouts.monitor_period_seconds));
        let silent = self.silent(node, key, now);
        match silent {
            Some(_) => self.zones.lose(key),
            None => self.zones.hear(node),
        }
        self.judge_zones(now);
        match silent {
            Some(update) => plan.requests.push(update),
            None => {
                self.taint((key, node), now, &mut plan);
                plan.requests.extend(labels::update(node));
                plan.requests.extend(self.mark_pods(view, node, now));
            }
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let is_status = request.resource == &resources::NODES && request.verb == Verb::Update;
        if !is_status || outcome.is_err() {
            return;
        }
        if let Some(health) = self.health.get_mut(key).filter(|health| health.was_ready) {
            health.was_ready = false;
            health.marks_pods = true;
            let message = format!("Node {} status is now: NodeNotReady", key.name);
            self.notes.add(key, Note::normal("NodeNotReady", message));
        }
    }
}

impl NodeLifecycleController {
    fn removed(&mut self, key: &Key, now: Timestamp) -> Plan {
        if self.health.remove(key).is_some() {
            let message = format!("Node {0} event: Removing Node {0} from Controller", key.name);
            self.notes.add(key, Note::normal("RemovingNode", message));
        }
        let requests = self.notes.flush(key, now);
        self.notes.forget(key);
        Plan { requests, look_again: None }
    }

    /// Takes note of a heartbeat that was not there the last time: in the status, or in the Lease.
    fn hear(&mut self, view: &View, (key, node): (&Key, &Node), now: Timestamp) {
        let heartbeat = ready(node).and_then(|ready| ready.last_heartbeat_time.clone());
        let renewed = renew_time(view, key);
        let Some(health) = self.health.get_mut(key) else {
            let created = node.metadata.creation_timestamp.as_ref().map_or(now, |time| time.0);
            let heard_at = if ready(node).is_some() || renewed.is_some() { now } else { created };
            let health =
                Health { heartbeat, renewed, heard_at, was_ready: false, marks_pods: false };
            self.health.insert(key.clone(), health);
            let message = format!("Node {0} event: Registered Node {0} in Controller", key.name);
            self.notes.add(key, Note::normal("RegisteredNode", message));
            return;
        };
        if health.heartbeat != heartbeat || health.renewed < renewed {
            health.heard_at = now;
        }
        health.heartbeat = heartbeat;
        health.renewed = renewed.or(health.renewed);
    }

    /// Says of a node that has been silent for too long that nothing is known of it. `None` when it
    /// has not, or when its status says so already.
    fn silent(&mut self, node: &Node, key: &Key, now: Timestamp) -> Option<Request> {
        let health = self.health.get_mut(key)?;
        let grace_period_seconds = match ready(node) {
            Some(_) => self.timeouts.monitor_grace_period_seconds,
            None => STARTUP_GRACE_PERIOD_SECONDS,
        };
        if now <= after_seconds(health.heard_at, grace_period_seconds) {
            return None;
        }
        let status = silent_status(node, now);
        if node.status.as_ref() == Some(&status) {
            return None;
        }
        health.was_ready = ready(node).is_some_and(|ready| ready.status == "True");
        Some(Request::update_status(&Node { status: Some(status), ..node.clone() }))
    }

    /// When some node is ready again after none was, each is given the time to say so itself.
    fn judge_zones(&mut self, now: Timestamp) {
        if self.zones.judge(now) {
            for health in self.health.values_mut() {
                health.heard_at = now;
            }
        }
    }

    /// Brings the taints up to date. A new one that evicts pods waits for its turn.
    fn taint(&mut self, (key, node): (&Key, &Node), now: Timestamp, plan: &mut Plan) {
        let admission = if taints::lacks_no_execute(node) {
            self.zones.admit(key, now)
        } else {
            self.zones.withdraw(key);
            if self.zones.is_disrupted() { Admission::Stopped } else { Admission::Granted }
        };
        if let Admission::At(when) = admission {
            plan.look_again_at(when);
        }
        plan.requests.extend(taints::update(node, admission == Admission::Granted, now));
    }

    /// Source: MarkPodsNotReady. Once for each time that a node becomes silent.
    fn mark_pods(&mut self, view: &View, node: &Node, now: Timestamp) -> Vec<Request> {
        let key = Key::of(&node.metadata);
        let is_lost = ready(node).is_some_and(|ready| ready.status != "True");
        let marks_pods = self.health.get_mut(&key).is_some_and(|health| health.marks_pods);
        if !is_lost || !marks_pods {
            return vec![];
        }
        if let Some(health) = self.health.get_mut(&key) {
            health.marks_pods = false;
        }
        let mut requests = vec![];
        for pod in view.pods_on(&key.name).filter(|pod| pods::is_ready(pod)) {
            let time = api::time::text(now);
            let not_ready = json!({"type": "Ready", "status": "False", "lastTransitionTime": time});
            requests.push(pods::patch_status(pod, json!({"conditions": [not_ready]})));
            let about = reference(&AnyObject::from(Arc::clone(pod)), "");
            let note = Note::warning("NodeNotReady", "Node is not ready");
            requests.extend(self.notes.record(about, note, now));
        }
        requests
    }
}

fn renew_time(view: &View, node: &Key) -> Option<Timestamp> {
    let lease = view.leases.get(&Key::new(LEASES_NAMESPACE, &node.name))?;
    lease.spec.as_ref()?.renew_time.as_ref().map(|time| time.0)
}

/// The status with every condition of the kubelet unknown.
fn silent_status(node: &Node, now: Timestamp) -> NodeStatus {
    let mut status = node.status.clone().unwrap_or_default();
    let conditions = status.conditions.get_or_insert_default();
    for type_ in CONDITIONS {
        match conditions.iter_mut().find(|condition| condition.type_ == type_) {
            Some(condition) if condition.status == "Unknown" => {}
            Some(condition) => {
                condition.status = "Unknown".to_owned();
                condition.reason = Some("NodeStatusUnknown".to_owned());
                condition.message = Some("Kubelet stopped posting node status.".to_owned());
                condition.last_transition_time = Some(api::time::time(now));
            }
            None => conditions.push(never_reported(node, type_, now)),
        }
    }
    status
}

fn never_reported(node: &Node, type_: &str, now: Timestamp) -> NodeCondition {
    NodeCondition {
        type_: type_.to_owned(),
        status: "Unknown".to_owned(),
        reason: Some("NodeStatusNeverUpdated".to_owned()),
        message: Some("Kubelet never posted node status.".to_owned()),
        last_heartbeat_time: node.metadata.creation_timestamp.clone(),
        last_transition_time: Some(api::time::time(now)),
    }
}

#[cfg(test)]
mod tests;
