//! One claim of a pod that has a node, as far as it is written.

use std::sync::Arc;

use api::{Key, Request, Timestamp, Verb, resources};
use k8s_openapi::api::core::v1::ContainerExtendedResourceRequest;
use k8s_openapi::api::resource::v1::{
    AllocationResult, ResourceClaim, ResourceClaimConsumerReference,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use crate::plugins::dynamic_resources::{ExtendedClaim, is_in_memory, to_create};

/// Keeps an allocated claim.
pub(super) const FINALIZER: &str = "resource.kubernetes.io/delete-protection";

/// How often a claim is read again and written, when it was changed meanwhile. Source: `retry.DefaultRetry`.
const RETRIES_MAX: usize = 4;

/// A claim, as it was read last, and what it gets.
#[derive(Clone, Debug)]
pub(super) struct Writing {
    pub(super) claim: Arc<ResourceClaim>,
    pub(super) allocation: Option<AllocationResult>,
    pub(super) retries_left: usize,
    /// What the pod is told of a claim for its extended resources; nothing of others.
    mappings: Vec<ContainerExtendedResourceRequest>,
    /// Whether it has what it gets, and the pod is to be told.
    pub(super) is_written: bool,
}

impl Writing {
    pub(super) fn new(claim: Arc<ResourceClaim>, allocation: Option<AllocationResult>) -> Self {
        let retries_left = RETRIES_MAX;
        Self { claim, allocation, retries_left, mappings: vec![], is_written: false }
    }

    /// That of a claim for extended resources.
    pub(super) fn extended(extended: ExtendedClaim, allocation: AllocationResult) -> Self {
        let ExtendedClaim { claim, mappings } = extended;
        Self { mappings, ..Self::new(claim, Some(allocation)) }
    }

    pub(super) fn is_extended(&self) -> bool {
        !self.mappings.is_empty()
    }

    pub(super) fn key(&self) -> Key {
        Key::of(&self.claim.metadata)
    }

    pub(super) fn uid(&self) -> &str {
        self.claim.metadata.uid.as_deref().unwrap_or_default()
    }

    /// Whether a request was one for this claim.
    pub(super) fn has_asked(&self, request: &Request) -> bool {
        if request.resource == &resources::PODS {
            self.is_written
        } else if request.verb == Verb::Create {
            is_in_memory(&self.claim)
        } else {
            self.key() == request.key
        }
    }

    /// What to write next, or why that is in vain.
    pub(super) fn request(
        &self,
        consumer: &ResourceClaimConsumerReference,
        now: Timestamp,
    ) -> Result<Request, String> {
        if self.is_written {
            return Ok(self.tell(consumer));
        }
        let mut claim = (*self.claim).clone();
        if is_in_memory(&claim) {
            return Ok(Request::create(&to_create(&claim)));
        }
        let meanwhile = |what: &str| format!("claim {} got {what} in the meantime", self.key());
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

    /// The request that tells the pod which claim is for its extended resources.
    fn tell(&self, pod: &ResourceClaimConsumerReference) -> Request {
        let told = json!({
            "resourceClaimName": self.claim.metadata.name,
            "requestMappings": self.mappings,
        });
        let status = json!({"extendedResourceClaimStatus": told});
        let patch = json!({"metadata": {"uid": pod.uid}, "status": status});
        let key = Key::new(&self.key().namespace, &pod.name);
        Request::strategic_merge_patch(&resources::PODS, key, patch).to_subresource("status")
    }

    /// What is said of a refusal.
    pub(super) fn refused(&self, request: &Request, why: &impl ToString) -> String {
        let (key, why) = (self.key(), why.to_string());
        if request.resource == &resources::PODS {
            return format!("update pod {} ExtendedResourceClaimStatus: {why}", request.key);
        }
        if request.verb == Verb::Create {
            return format!("create claim for extended resources {}: {why}", request.key);
        }
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

/// Whether a request tells a pod which claim is for its extended resources.
pub(in crate::scheduler) fn tells_of_claim(request: &Request) -> bool {
    let status = request.body.as_ref().map(|body| &body["status"]);
    request.resource == &resources::PODS
        && status.is_some_and(|status| !status["extendedResourceClaimStatus"].is_null())
}
