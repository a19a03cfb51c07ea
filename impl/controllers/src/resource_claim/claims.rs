//! What a claim does not need any more: reservations of pods that are gone or done, then its allocation, its
//! finalizer, and itself if it was made for such a pod.

use std::collections::{BTreeMap, BTreeSet};

use api::object::{at, controller_of, text};
use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::resource::v1::{ResourceClaim, ResourceClaimConsumerReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::{asked, is_done, names, reserved_for};
use crate::ownership::uid;
use crate::protection::{is_kept, let_go};
use crate::{Controller, Plan};

/// Keeps an allocated claim.
const FINALIZER: &str = "resource.kubernetes.io/delete-protection";

/// How many pods that are gone are remembered.
const GONE_MAX: usize = 500;

/// Gives back what pods had.
#[derive(Clone, Debug, Default)]
pub struct ResourceClaimController {
    /// The uids of pods that are gone.
    gone: BTreeSet<String>,
    /// The uids of pods that the API server was asked about; empty for those that it does not have.
    live: BTreeMap<Key, String>,
    /// Claims that are allocated no longer, as they were written then.
    deallocated: BTreeMap<Key, ObjectMeta>,
}

/// Whether a reservation stays.
enum Verdict {
    Stays,
    Ends,
    /// The API server must say.
    Ask(Key),
}

impl Controller for ResourceClaimController {
    fn name(&self) -> &'static str {
        "resourceclaim-controller"
    }

    fn workers(&self) -> usize {
        50
    }

    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        if change.resource() == &resources::RESOURCE_CLAIMS {
            return if change.new.is_some() { vec![change.key()] } else { vec![] };
        }
        let AnyObject::Pod(pod) = change.object() else { return vec![] };
        let is_gone = change.new.is_none();
        if is_gone && (!asked(pod).is_empty() || names(pod).next().is_some()) {
            if self.gone.len() >= GONE_MAX {
                self.gone.clear();
            }
            self.gone.insert(uid(&pod.metadata).to_owned());
        }
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let needs_none = is_gone || is_done(pod);
        names(pod).filter(|_| needs_none).map(|name| Key::new(namespace, name)).collect()
    }

    fn reconcile(&mut self, view: &View, key: &Key, _now: Timestamp) -> Plan {
        let Some(claim) = view.resource_claims.get(key) else {
            self.deallocated.remove(key);
            return Plan::default();
        };
        if let Some(written) = self.deallocated.remove(key) {
            let request = let_go(&resources::RESOURCE_CLAIMS, &written, FINALIZER);
            return Plan { requests: vec![request], look_again: None }.observed_at(view.revision);
        }
        let mut plan = Plan::default();
        let mut remaining = vec![];
        for consumer in reserved_for(claim) {
            match self.judge(view, &key.namespace, consumer) {
                Verdict::Stays => remaining.push(consumer.clone()),
                Verdict::Ends => {}
                Verdict::Ask(pod) => plan.requests.push(Request::get(&resources::PODS, pod)),
            }
        }
        if plan.requests.is_empty() {
            self.forget_live(claim);
            plan.requests = release(view, claim, remaining);
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if request.verb == Verb::Get {
            return self.answered(request, outcome);
        }
        let (Ok(answer), "status") = (outcome, request.subresource) else { return };
        let metadata = serde_json::from_value::<ObjectMeta>(answer["metadata"].clone());
        let is_allocated = at(answer, &["status", "allocation"]).is_some();
        if let Some(metadata) = metadata.ok().filter(|all| !is_allocated && has_finalizer(all)) {
            self.deallocated.insert(key.clone(), metadata);
        }
    }
}

impl ResourceClaimController {
    fn answered(&mut self, request: &Request, outcome: &Outcome) {
        let uid = match outcome {
            Ok(pod) => text(pod, &["metadata", "uid"]),
            Err(status) if status.reason == Reason::NotFound => "",
            Err(_) => return,
        };
        self.live.insert(request.key.clone(), uid.to_owned());
    }

    /// Whether a reservation stays. One of a consumer that is no pod does. A pod of the name with another uid may be
    /// the one before it, where upstream takes it for the one after.
    fn judge(
        &self,
        view: &View,
        namespace: &str,
        consumer: &ResourceClaimConsumerReference,
    ) -> Verdict {
        let is_pod = consumer.api_group.as_deref().unwrap_or_default().is_empty()
            && consumer.resource == "pods";
        if !is_pod {
            return Verdict::Stays;
        }
        let key = Key::new(namespace, &consumer.name);
        let seen = view.pods.get(&key).filter(|pod| uid(&pod.metadata) == consumer.uid);
        let ends = if self.gone.contains(&consumer.uid) {
            true
        } else if let Some(pod) = seen {
            is_done(pod)
        } else if let Some(uid) = self.live.get(&key) {
            *uid != consumer.uid
        } else {
            return Verdict::Ask(key);
        };
        if ends { Verdict::Ends } else { Verdict::Stays }
    }

    /// Forgets what the API server said: it holds once.
    fn forget_live(&mut self, claim: &ResourceClaim) {
        let namespace = claim.metadata.namespace.as_deref().unwrap_or_default();
        for consumer in reserved_for(claim) {
            self.live.remove(&Key::new(namespace, &consumer.name));
        }
    }
}

fn has_finalizer(metadata: &ObjectMeta) -> bool {
    metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER)
}

/// Writes what remains of a claim's reservations, and what follows from it.
fn release(
    view: &View,
    claim: &ResourceClaim,
    remaining: Vec<ResourceClaimConsumerReference>,
) -> Vec<Request> {
    let is_unused = remaining.is_empty();
    let mut requests = vec![];
    if remaining.len() < reserved_for(claim).len() {
        requests.push(write(claim, remaining));
    } else if is_unused && is_kept(&claim.metadata, FINALIZER) {
        let is_allocated = claim.status.as_ref().is_some_and(|status| status.allocation.is_some());
        requests.push(if is_allocated {
            write(claim, remaining)
        } else {
            let_go(&resources::RESOURCE_CLAIMS, &claim.metadata, FINALIZER)
        });
    }
    if is_unused && claim.metadata.deletion_timestamp.is_none() && is_left_over(view, claim) {
        let (key, uid) = (Key::of(&claim.metadata), uid(&claim.metadata));
        requests.push(Request::delete(&resources::RESOURCE_CLAIMS, key, uid, json!({})));
    }
    requests
}

/// The status with these reservations; without any, nothing is allocated.
fn write(claim: &ResourceClaim, remaining: Vec<ResourceClaimConsumerReference>) -> Request {
    let mut claim = claim.clone();
    let has_finalizer = has_finalizer(&claim.metadata);
    let status = claim.status.get_or_insert_default();
    if remaining.is_empty() && has_finalizer {
        status.allocation = None;
    }
    status.reserved_for = Some(remaining);
    Request::update_status(&claim)
}

/// Whether a claim was made for a pod that does not need it. One whose pod is not known is the garbage
/// collector's.
fn is_left_over(view: &View, claim: &ResourceClaim) -> bool {
    let owner = controller_of(&claim.metadata);
    let Some(owner) = owner.filter(|owner| owner.api_version == "v1" && owner.kind == "Pod") else {
        return false;
    };
    let namespace = claim.metadata.namespace.as_deref().unwrap_or_default();
    let pod = view.pods.get(&Key::new(namespace, &owner.name));
    pod.is_some_and(|pod| uid(&pod.metadata) != owner.uid || is_done(pod))
}
