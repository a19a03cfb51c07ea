//! The claims of a pod that has a node: what they get is written, and they are reserved for the pod.
//!
//! Source: `PreBind`, `bindClaim` and `isPodReadyForBinding` in framework/plugins/dynamicresources/dynamicresources.go
//! (v1.36). One claim is written after the other.

use std::sync::Arc;
use std::time::Duration;

use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources};
use client::Outcome;
use k8s_openapi::api::resource::v1::{
    AllocationResult, ResourceClaim, ResourceClaimConsumerReference,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use super::reservation::Progress;
use crate::devices::{Devices, allocation_of};
use crate::node_info::PodInfo;
use crate::plugins::dynamic_resources::{
    NAME, Readiness, Reserved, asked, claims_of, has_conditions, is_reserved_for, is_timed_out,
    readiness, reserved_for,
};

/// Keeps an allocated claim.
const FINALIZER: &str = "resource.kubernetes.io/delete-protection";

/// How often a claim is read again and written, when it was changed meanwhile. Source: `retry.DefaultRetry`.
const RETRIES_MAX: usize = 4;

/// A claim, as it was read last, and what it gets.
#[derive(Clone, Debug)]
struct Writing {
    claim: Arc<ResourceClaim>,
    allocation: Option<AllocationResult>,
    retries_left: usize,
}

impl Writing {
    fn key(&self) -> Key {
        Key::of(&self.claim.metadata)
    }

    fn uid(&self) -> &str {
        self.claim.metadata.uid.as_deref().unwrap_or_default()
    }

    /// What to write next, or why that is in vain.
    fn request(
        &self,
        consumer: &ResourceClaimConsumerReference,
        now: Timestamp,
    ) -> Result<Request, String> {
        let meanwhile = |what: &str| format!("claim {} got {what} in the meantime", self.key());
        let mut claim = (*self.claim).clone();
        if claim.metadata.deletion_timestamp.is_some() {
            return Err(meanwhile("deleted"));
        }
        let status = claim.status.get_or_insert_default();
        match (&self.allocation, &status.allocation) {
            (Some(_), Some(_)) => return Err(meanwhile("allocated elsewhere")),
            (None, None) => return Err(meanwhile("deallocated elsewhere")),
            (None, Some(_)) => {}
            (Some(allocation), None) => {
                let finalizers = claim.metadata.finalizers.get_or_insert_default();
                if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
                    finalizers.push(FINALIZER.to_owned());
                    return Ok(Request::update(&claim));
                }
                status.allocation = Some(allocation.clone());
            }
        }
        if let Some(allocation) = &mut status.allocation {
            allocation.allocation_timestamp.get_or_insert(Time(now));
        }
        status.reserved_for.get_or_insert_default().push(consumer.clone());
        Ok(Request::update_status(&claim))
    }

    /// What is said of a refusal.
    fn refused(&self, request: &Request, why: &impl ToString) -> String {
        let (key, why) = (self.key(), why.to_string());
        if request.verb == Verb::Get {
            return format!("get updated claim {key} after conflict: {why}");
        }
        let what = match (request.subresource, &self.allocation) {
            ("", _) => "add finalizer",
            (_, Some(_)) => "add allocation and reservation",
            (_, None) => "add reservation",
        };
        format!("{what} to claim {key}: {why}")
    }
}

/// The claims of a pod that has a node.
#[derive(Clone, Debug)]
pub(super) struct ClaimWrites {
    consumer: ResourceClaimConsumerReference,
    claims: Vec<Writing>,
    /// The one that is being written.
    next: usize,
    timeout: Duration,
    /// When devices must have become ready; `None` before all is written.
    until: Option<Timestamp>,
    /// Why it came to nothing, if it did.
    failed: Option<String>,
}

impl ClaimWrites {
    /// Counts what the claims are going to have, and asks for the first.
    pub(super) fn begin(
        pod: &PodInfo,
        reserved: Reserved,
        (devices, now): (&mut Devices, Timestamp),
    ) -> (Self, Vec<Request>) {
        let consumer = ResourceClaimConsumerReference {
            api_group: None,
            name: pod.key().name,
            resource: "pods".to_owned(),
            uid: pod.uid().to_owned(),
        };
        let mut claims = vec![];
        for (claim, allocation) in reserved.claims {
            if let Some(allocation) = &allocation {
                devices.begin(&claim, allocation);
            } else if is_reserved_for(&claim, pod) {
                continue;
            }
            claims.push(Writing { claim, allocation, retries_left: RETRIES_MAX });
        }
        let timeout = reserved.binding_timeout;
        let mut writes = Self { consumer, claims, next: 0, timeout, until: None, failed: None };
        let requests = writes.ask((devices, now));
        (writes, requests)
    }

    /// When devices must have become ready.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Asks for what is to be written next.
    fn ask(&mut self, (devices, now): (&mut Devices, Timestamp)) -> Vec<Request> {
        let Some(writing) = self.claims.get(self.next) else {
            self.until = Some(now + self.timeout);
            return vec![];
        };
        match writing.request(&self.consumer, now) {
            Ok(request) => vec![request],
            Err(why) => self.fail(why, devices),
        }
    }

    fn fail(&mut self, why: String, devices: &mut Devices) -> Vec<Request> {
        self.failed = Some(why);
        self.end(devices);
        vec![]
    }

    /// Claims that do not have yet what they were to have do not get it.
    pub(super) fn end(&self, devices: &mut Devices) {
        for writing in self.claims.iter().skip(self.next) {
            devices.end(writing.uid());
        }
    }

    /// The same, but for the one that was asked for: until that is answered, nobody else may have what it is to get.
    pub(super) fn end_all_but_asked(&self, devices: &mut Devices) {
        for writing in self.claims.iter().skip(self.next + 1) {
            devices.end(writing.uid());
        }
    }

    /// Hears what came of a request, and asks for what comes next.
    pub(super) fn answered(
        &mut self,
        (request, outcome): (&Request, &Outcome),
        (devices, now): (&mut Devices, Timestamp),
    ) -> Vec<Request> {
        let Some(writing) = self.claims.get_mut(self.next) else { return vec![] };
        if self.failed.is_some() || writing.key() != request.key {
            return vec![];
        }
        let answer = match outcome {
            Ok(answer) => answer,
            Err(status) if status.reason == Reason::Conflict && writing.retries_left > 0 => {
                writing.retries_left -= 1;
                return vec![Request::get(&resources::RESOURCE_CLAIMS, writing.key())];
            }
            Err(status) => {
                let why = writing.refused(request, status);
                return self.fail(why, devices);
            }
        };
        let Some(claim) = decode(answer) else {
            let why = writing.refused(request, &"the answer is no claim");
            return self.fail(why, devices);
        };
        let is_written = request.subresource == "status";
        if is_written && !reserved_for(&claim).contains(&self.consumer) {
            return vec![];
        }
        writing.claim = claim;
        if is_written {
            devices.assume(Arc::clone(&writing.claim));
            devices.end(writing.uid());
            self.next += 1;
        }
        self.ask((devices, now))
    }

    /// How far the claims of a pod have come.
    pub(super) fn progress(&self, pod: &PodInfo, devices: &Devices, now: Timestamp) -> Progress {
        let failed = |why: &str| Progress::failed(NAME, why);
        if let Some(why) = &self.failed {
            return failed(why);
        }
        let Some(until) = self.until else { return Progress::Waits };
        let claims = match claims_of(&pod.pod, devices) {
            Ok(claims) => claims,
            Err(why) => return failed(&why),
        };
        for claim in claims {
            match readiness(claim) {
                Readiness::Ready => {}
                Readiness::Failed(why) => return failed(&why),
                Readiness::Waits if is_timed_out(claim, self.timeout, now) => {
                    let name = claim.metadata.name.as_deref().unwrap_or_default();
                    return failed(&format!("device binding timeout: claim={name}"));
                }
                Readiness::Waits if until <= now => {
                    return failed("device binding timeout: context deadline exceeded");
                }
                Readiness::Waits => return Progress::Waits,
            }
        }
        Progress::Bound
    }
}

fn decode(answer: &serde_json::Value) -> Option<Arc<ResourceClaim>> {
    let bytes = answer.to_string();
    let object = AnyObject::decode(&resources::RESOURCE_CLAIMS, bytes.as_bytes()).ok()?;
    if let AnyObject::ResourceClaim(claim) = object { Some(claim) } else { None }
}

/// Hears what came of a request for a pod that waits no more: a claim has what it was to have, or does not get it.
/// Whether somebody else may have it.
pub(super) fn answered_too_late(
    devices: &mut Devices,
    (request, outcome): (&Request, &Outcome),
) -> bool {
    let Some(claim) = devices.claim(&request.key) else { return false };
    let uid = claim.metadata.uid.clone().unwrap_or_default();
    let written = outcome.as_ref().ok().filter(|_| request.subresource == "status");
    if let Some(claim) = written.and_then(decode) {
        devices.assume(claim);
    }
    let is_written =
        devices.claim(&request.key).is_some_and(|claim| allocation_of(claim).is_some());
    devices.end(&uid) && !is_written
}

/// Whether a pod has to wait for its devices, once they are its own.
pub(super) fn must_wait(pod: &PodInfo, devices: &Devices) -> bool {
    let claims = claims_of(&pod.pod, devices).unwrap_or_default();
    claims.into_iter().any(|claim| has_conditions(claim))
}

/// The requests that take a pod from the reservations of its claims.
pub(super) fn unreserve(pod: &PodInfo, devices: &Devices) -> Vec<Request> {
    if asked(&pod.pod).is_empty() {
        return vec![];
    }
    let claims = claims_of(&pod.pod, devices).unwrap_or_default();
    let reserved = claims
        .into_iter()
        .filter(|claim| allocation_of(claim).is_some() && is_reserved_for(claim, pod));
    let patches = reserved.map(|claim| {
        let uid = claim.metadata.uid.as_deref().unwrap_or_default();
        let gone = json!({"$patch": "delete", "uid": pod.uid()});
        let patch = json!({"metadata": {"uid": uid}, "status": {"reservedFor": [gone]}});
        let key = Key::of(&claim.metadata);
        Request::strategic_merge_patch(&resources::RESOURCE_CLAIMS, key, patch)
            .to_subresource("status")
    });
    patches.collect()
}

/// The request that takes away what a claim has.
pub(super) fn deallocate(claim: &ResourceClaim) -> Request {
    let mut claim = claim.clone();
    let status = claim.status.get_or_insert_default();
    (status.reserved_for, status.allocation, status.devices) = (None, None, None);
    Request::update_status(&claim)
}
