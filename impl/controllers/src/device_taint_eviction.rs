//! The device taint eviction controller: deletes pods that use devices with NoExecute taints, once the allocation of
//! their claims does not tolerate these any more.
//!
//! Source: pkg/controller/devicetainteviction/device_taint_eviction.go (v1.36). Left out: DeviceTaintRules, whose
//! feature gate is off, and PodGroups, whose gate is off, too.

mod taints;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::{AnyObject, Key, Request, Timestamp, Verb, resources};
use client::event::{Note, reference};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::resource::v1::ResourceClaim;
use serde_json::json;

use crate::notes::Notes;
use crate::ownership::uid;
use crate::{Controller, Plan, pods, resource_claim};

const NAME: &str = "device-taint-eviction-controller";

/// Deletes pods whose devices are tainted.
#[derive(Clone, Debug)]
pub struct DeviceTaintEvictionController {
    /// Pods that are to go, by uid, and not yet.
    due: BTreeMap<Key, String>,
    /// The uids of pods whose deletion it has asked for, until they are gone.
    leaving: BTreeMap<Key, String>,
    notes: Notes,
}

impl Default for DeviceTaintEvictionController {
    fn default() -> Self {
        Self { due: BTreeMap::new(), leaving: BTreeMap::new(), notes: Notes::new(NAME) }
    }
}

impl Controller for DeviceTaintEvictionController {
    fn name(&self) -> &'static str {
        NAME
    }

    fn workers(&self) -> usize {
        8
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        if change.resource() == &resources::PODS {
            return vec![change.key()];
        }
        let users: BTreeSet<Key> = if let AnyObject::ResourceSlice(slice) = change.object() {
            if !taints::concern(view, change) {
                return vec![];
            }
            let claims = view.resource_claims.iter();
            let using = claims.filter(|claim| taints::has_device_of(claim, slice));
            using.flat_map(|claim| pods_of(claim)).collect()
        } else {
            let both = [&change.old, &change.new].into_iter().flatten();
            both.flat_map(consumers).collect()
        };
        users.into_iter().collect()
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(pod) = view.pods.get(key).filter(|pod| !pods::is_terminating(pod)) else {
            self.due.remove(key);
            self.leaving.remove(key);
            return Plan::default();
        };
        let own = uid(&pod.metadata);
        if self.leaving.get(key).is_some_and(|leaving| leaving == own) {
            return Plan::default();
        }
        let was_due = self.due.remove(key).is_some_and(|due| due == own);
        let plan = match eviction_time(view, pod) {
            None if was_due => self.tell(pod, "Cancelling deletion", now),
            None => Plan::default(),
            Some(when) if now < when => {
                self.due.insert(key.clone(), own.to_owned());
                Plan { requests: vec![], look_again: Some(when) }
            }
            Some(_) => self.evict(pod, now),
        };
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if request.resource == &resources::PODS && request.verb == Verb::Delete && outcome.is_err()
        {
            self.leaving.remove(key);
        }
    }
}

impl DeviceTaintEvictionController {
    fn evict(&mut self, pod: &Arc<Pod>, now: Timestamp) -> Plan {
        self.leaving.insert(Key::of(&pod.metadata), uid(&pod.metadata).to_owned());
        let mut plan = self.tell(pod, "Marking for deletion", now);
        plan.requests.extend([mark(pod, now), pods::delete(pod, json!({}))]);
        plan
    }

    fn tell(&mut self, pod: &Arc<Pod>, what: &str, now: Timestamp) -> Plan {
        let about = reference(&AnyObject::from(Arc::clone(pod)), "");
        let event = self.notes.record(about, Note::normal("DeviceTaintManagerEviction", what), now);
        Plan { requests: event.into_iter().collect(), look_again: None }
    }
}

fn mark(pod: &Pod, now: Timestamp) -> Request {
    let condition = json!({
        "type": "DisruptionTarget", "status": "True", "reason": "DeletionByDeviceTaintManager",
        "message": "Device Taint manager: deleting due to NoExecute taint",
        "lastTransitionTime": api::time::text(now),
    });
    pods::patch_status(pod, json!({"conditions": [condition]}))
}

fn consumers(object: &AnyObject) -> Vec<Key> {
    let AnyObject::ResourceClaim(claim) = object else { return vec![] };
    pods_of(claim).collect()
}

/// The pods for which a claim is reserved.
fn pods_of(claim: &ResourceClaim) -> impl Iterator<Item = Key> {
    let namespace = claim.metadata.namespace.as_deref().unwrap_or_default();
    let pods = resource_claim::reserved_for(claim).iter().filter(|one| one.resource == "pods");
    pods.map(move |pod| Key::new(namespace, &pod.name))
}

/// When a pod is to go: at the earliest time of all its claims. `None` for never.
fn eviction_time(view: &View, pod: &Pod) -> Option<Timestamp> {
    if pods::node_name(pod).is_empty() {
        return None;
    }
    let claims = resource_claim::usable(view, pod);
    claims.filter_map(|claim| taints::eviction_time(view, claim)).min()
}

#[cfg(test)]
mod tests;
