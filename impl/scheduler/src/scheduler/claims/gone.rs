//! Claims of pods that are not bound: they lose the pod, what they have, or themselves.
//!
//! Source: `Unreserve` and `PostFilter` in framework/plugins/dynamicresources/dynamicresources.go and `deleteClaim` in
//! extendeddynamicresources.go (v1.36). A claim that was changed before its deletion is not read again: the next attempt
//! finds it.

use std::sync::Arc;

use api::{Key, Request, Verb, resources};
use client::Outcome;
use k8s_openapi::api::resource::v1::ResourceClaim;
use serde_json::json;

use super::decode;
use super::writing::FINALIZER;
use crate::devices::{Devices, allocation_of, is_extended_claim};
use crate::node_info::PodInfo;
use crate::plugins::dynamic_resources::{asked, claims_of, is_reserved_for, uid_before, wanted};

/// Hears what came of a request for a pod that waits no more: a claim has what it was to have, or does not get it. What to
/// ask then, and whether somebody else may have it. A claim that was made for the pod is of no use to others.
pub(in crate::scheduler) fn answered_too_late(
    devices: &mut Devices,
    (request, outcome): (&Request, &Outcome),
) -> (Vec<Request>, bool) {
    let answer = outcome.as_ref().ok().and_then(decode);
    let Some(uid) = uid_of_asked(devices, request) else { return (vec![], false) };
    let begun = devices.in_flight(&request.key).cloned();
    if devices.is_in_flight(&uid)
        && let made = answer.clone().or(begun)
        && (request.verb == Verb::Create || made.as_deref().is_some_and(is_extended_claim))
    {
        devices.end(&uid);
        return (made.iter().flat_map(|claim| delete(claim)).collect(), true);
    }
    if request.subresource == "status"
        && let Some(claim) = answer
    {
        devices.assume(claim);
    }
    let is_written =
        devices.claim(&request.key).is_some_and(|claim| allocation_of(claim).is_some());
    (vec![], devices.end(&uid) && !is_written)
}

/// The uid of the claim for which something was asked, if it is known.
fn uid_of_asked(devices: &Devices, request: &Request) -> Option<String> {
    if request.resource != &resources::RESOURCE_CLAIMS {
        return None;
    }
    if request.verb == Verb::Create {
        let owner = &request.body.as_ref()?["metadata"]["ownerReferences"][0]["uid"];
        return owner.as_str().map(uid_before);
    }
    let claim = devices.in_flight(&request.key).or_else(|| devices.claim(&request.key))?;
    claim.metadata.uid.clone()
}

/// The requests that take a pod from the reservations of its claims, and that delete the one for its extended resources,
/// which is not seen yet if it was just made.
pub(in crate::scheduler) fn unreserve(
    pod: &PodInfo,
    devices: &Devices,
    made: Option<&Arc<ResourceClaim>>,
) -> Vec<Request> {
    let mut requests = leave(pod, devices);
    let has_extended = wanted(pod).next().is_some();
    let extended = made.or_else(|| devices.extended_claim(pod).filter(|_| has_extended));
    requests.extend(extended.into_iter().flat_map(|claim| delete(claim)));
    requests
}

fn leave(pod: &PodInfo, devices: &Devices) -> Vec<Request> {
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
pub(in crate::scheduler) fn deallocate(claim: &ResourceClaim) -> Request {
    let mut claim = claim.clone();
    let status = claim.status.get_or_insert_default();
    (status.reserved_for, status.allocation, status.devices) = (None, None, None);
    Request::update_status(&claim)
}

/// The requests that delete a claim, which nothing may keep.
pub(in crate::scheduler) fn delete(claim: &ResourceClaim) -> [Request; 2] {
    let mut claim = claim.clone();
    if let Some(finalizers) = &mut claim.metadata.finalizers {
        finalizers.retain(|finalizer| finalizer != FINALIZER);
    }
    let uid = claim.metadata.uid.as_deref().unwrap_or_default();
    let delete =
        Request::delete(&resources::RESOURCE_CLAIMS, Key::of(&claim.metadata), uid, json!({}));
    [Request::update(&claim), delete]
}
