//! The claims of a pod that has a node: what they get is written, and they are reserved for the pod.
//!
//! Source: `PreBind`, `bindClaim` and `isPodReadyForBinding` in framework/plugins/dynamicresources/dynamicresources.go
//! (v1.36). One claim is written after the other, that for extended resources last. The pod is bound once that one is seen;
//! upstream waits two minutes for that, here it is as long as devices may take to become ready.

mod gone;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources};
use client::Outcome;
use k8s_openapi::api::resource::v1::{ResourceClaim, ResourceClaimConsumerReference};

use super::reservation::Progress;
use crate::devices::Devices;
use crate::node_info::PodInfo;
use crate::plugins::dynamic_resources::{
    NAME, Readiness, Reserved, claims_of, has_conditions, is_in_memory, is_reserved_for,
    is_timed_out, readiness, reserved_for,
};

pub(super) use gone::{answered_too_late, deallocate, delete, unreserve};
use writing::Writing;
pub(super) use writing::tells_of_claim;

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
            claims.push(Writing::new(claim, allocation));
        }
        if let Some((extended, allocation)) = reserved.extended {
            devices.begin(&extended.claim, &allocation);
            claims.push(Writing::extended(extended, allocation));
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

    /// Claims that do not have yet what they were to have do not get it, and others are seen by now.
    pub(super) fn end(&self, devices: &mut Devices) {
        for writing in &self.claims {
            devices.end(writing.uid());
        }
    }

    /// The same, but for the one that was asked for: until that is answered, nobody else may have what it is to get.
    pub(super) fn end_all_but_asked(&self, devices: &mut Devices) {
        for (place, writing) in self.claims.iter().enumerate() {
            if place != self.next || writing.is_written {
                devices.end(writing.uid());
            }
        }
    }

    /// The claim that was made for the extended resources of the pod.
    pub(super) fn made(&self) -> Option<&Arc<ResourceClaim>> {
        let extended = self.claims.last().filter(|writing| writing.is_extended())?;
        (!is_in_memory(&extended.claim)).then_some(&extended.claim)
    }

    /// Whether the pod has to wait for its devices, once they are its own.
    pub(super) fn must_wait(&self, pod: &PodInfo, devices: &Devices) -> bool {
        let claims = claims_of(&pod.pod, devices).unwrap_or_default();
        claims.into_iter().chain(self.made()).any(|claim| has_conditions(claim))
    }

    /// Hears what came of a request, and asks for what comes next.
    pub(super) fn answered(
        &mut self,
        (request, outcome): (&Request, &Outcome),
        (devices, now): (&mut Devices, Timestamp),
    ) -> Vec<Request> {
        let Some(writing) = self.claims.get_mut(self.next) else { return vec![] };
        if self.failed.is_some() || !writing.has_asked(request) {
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
        if writing.is_written {
            self.next += 1;
            return self.ask((devices, now));
        }
        let Some(claim) = decode(answer) else {
            let why = writing.refused(request, &"the answer is no claim");
            return self.fail(why, devices);
        };
        let is_written = request.subresource == "status";
        if is_written && !reserved_for(&claim).contains(&self.consumer) {
            return vec![];
        }
        if let (Verb::Create, Some(allocation)) = (request.verb, &writing.allocation) {
            devices.end(writing.uid());
            devices.begin(&claim, allocation);
        }
        writing.claim = claim;
        if is_written {
            devices.assume(Arc::clone(&writing.claim));
            writing.is_written = writing.is_extended();
        }
        if is_written && !writing.is_extended() {
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
        let extended = self.made().map(|made| devices.claim(&Key::of(&made.metadata)));
        if extended.is_some_and(|seen| seen.is_none()) && now < until {
            return Progress::Waits;
        }
        for claim in claims.into_iter().chain(extended.flatten()) {
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
