//! The ResourceClaim controller: makes the claims that pods take from templates, reserves claims for pods
//! that are bound already, and gives back what finished pods had.
//!
//! Source: pkg/controller/resourceclaim/controller.go and
//! staging/src/k8s.io/dynamic-resource-allocation/resourceclaim/resourceclaim.go (v1.36). Upstream is one
//! controller with two kinds of keys; here it is two. Left out: PodGroups, whose feature gate is off.

mod claims;
mod pods;
mod template;

use std::sync::Arc;

use api::Key;
use client::View;
use k8s_openapi::api::core::v1::{Pod, PodResourceClaim};
use k8s_openapi::api::resource::v1::{ResourceClaim, ResourceClaimConsumerReference};

pub use self::claims::ResourceClaimController;
pub use self::pods::PodResourceClaimController;
use crate::ownership::uid;

/// Says on a claim for which of its pod's it was made.
const POD_CLAIM_NAME: &str = "resource.kubernetes.io/pod-claim-name";

/// Where the claim of a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found<'a> {
    /// The pod names it.
    Named(&'a str),
    /// It was made for the pod.
    Made(&'a str),
    /// It has been decided that the pod needs none.
    NotNeeded,
    /// It is still to be made.
    NotYet,
    /// The pod asks in a way that nobody knows.
    Unknown,
}

impl<'a> Found<'a> {
    /// The claim that one of a pod's is.
    fn of(pod: &'a Pod, asked: &'a PodResourceClaim) -> Self {
        if let Some(name) = &asked.resource_claim_name {
            return Self::Named(name);
        }
        if asked.resource_claim_template_name.is_none() {
            return Self::Unknown;
        }
        let statuses = pod.status.iter().flat_map(|status| status.resource_claim_statuses.iter());
        let status = statuses.flatten().find(|status| status.name == asked.name);
        match status.map(|status| status.resource_claim_name.as_deref()) {
            Some(Some(name)) => Self::Made(name),
            Some(None) => Self::NotNeeded,
            None => Self::NotYet,
        }
    }

    /// Its name, if there is one.
    fn name(self) -> Option<&'a str> {
        match self {
            Self::Named(name) | Self::Made(name) => Some(name),
            Self::NotNeeded | Self::NotYet | Self::Unknown => None,
        }
    }
}

/// What a pod asks for.
fn asked(pod: &Pod) -> &[PodResourceClaim] {
    let spec = pod.spec.as_ref();
    spec.and_then(|spec| spec.resource_claims.as_deref()).unwrap_or_default()
}

/// The names of the claims that a pod has.
fn names(pod: &Pod) -> impl Iterator<Item = &str> {
    let extended =
        pod.status.as_ref().and_then(|status| status.extended_resource_claim_status.as_ref());
    let extended = extended.map(|status| status.resource_claim_name.as_str());
    asked(pod).iter().filter_map(|asked| Found::of(pod, asked).name()).chain(extended)
}

/// Whether a pod will never run, or never again.
fn is_done(pod: &Pod) -> bool {
    let is_going = pod.metadata.deletion_timestamp.is_some();
    crate::pods::is_finished(pod) || is_going && crate::pods::node_name(pod).is_empty()
}

/// Whether a claim was made for a pod.
fn is_made_for(claim: &ResourceClaim, pod: &Pod) -> bool {
    let owner = api::object::controller_of(&claim.metadata);
    owner.is_some_and(|owner| owner.uid == uid(&pod.metadata))
}

/// The claims of `spec.resourceClaims` that a pod may use: those that were made for it, if they were made, and are
/// reserved for it.
pub(crate) fn usable<'a>(view: &'a View, pod: &'a Pod) -> impl Iterator<Item = &'a ResourceClaim> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    asked(pod).iter().filter_map(move |asked| {
        let found = Found::of(pod, asked);
        let claim =
            view.resource_claims.get(&Key::new(namespace, found.name()?)).map(Arc::as_ref)?;
        let is_own = !matches!(found, Found::Made(_)) || is_made_for(claim, pod);
        let mut reserved = reserved_for(claim).iter();
        (is_own && reserved.any(|one| one.uid == uid(&pod.metadata))).then_some(claim)
    })
}

/// Who may use a claim.
pub(crate) fn reserved_for(claim: &ResourceClaim) -> &[ResourceClaimConsumerReference] {
    let status = claim.status.as_ref();
    status.and_then(|status| status.reserved_for.as_deref()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
