//! The claims of a pod, and what is known of them before nodes are looked at.
//!
//! Source: `foreachPodResourceClaim` and `PreFilter` in dynamicresources.go, resourceclaim/resourceclaim.go and
//! resourceclaim/pod.go (v1.36).

use std::sync::Arc;

use api::Key;
use api::node_fit::{Place, term_matches};
use api::object::controller_of;
use k8s_openapi::api::core::v1::{Pod, PodResourceClaim};
use k8s_openapi::api::resource::v1::{ResourceClaim, ResourceClaimConsumerReference};

use super::allocated::Allocated;
use super::extended;
use super::request::{Wish, requests_of};
use super::selectors::Selectors;
use crate::devices::{Devices, allocation_of};
use crate::node_info::PodInfo;

/// What is found out about the claims of a pod.
#[derive(Clone, Debug, Default)]
pub struct PreFilterState {
    /// All of them.
    pub(super) claims: Vec<Arc<ResourceClaim>>,
    /// Those that have no devices yet.
    pub(super) to_allocate: Vec<Arc<ResourceClaim>>,
    /// The claim for its extended resources, if a class stands for some.
    pub(super) extended: Option<Arc<ResourceClaim>>,
    pub(super) allocated: Allocated,
    pub(super) selectors: Selectors,
}

/// What a pod asks for.
pub(crate) fn asked(pod: &Pod) -> &[PodResourceClaim] {
    let spec = pod.spec.as_ref();
    spec.and_then(|spec| spec.resource_claims.as_deref()).unwrap_or_default()
}

/// The claims of a pod, or why one of them is not there for it.
pub(crate) fn claims_of<'a>(
    pod: &Pod,
    devices: &'a Devices,
) -> Result<Vec<&'a Arc<ResourceClaim>>, String> {
    let key = Key::of(&pod.metadata);
    let mut claims = vec![];
    for asked in asked(pod) {
        let Some((name, is_made)) = name_of(pod, asked)? else { continue };
        let of = Key::new(&key.namespace, &name);
        let claim = devices.claim(&of);
        let claim = claim.ok_or_else(|| format!("could not find ResourceClaim \"{of}\""))?;
        if claim.metadata.deletion_timestamp.is_some() {
            return Err(format!("resourceclaim \"{name}\" is being deleted"));
        }
        if is_made && !is_made_for(claim, pod) {
            return Err(format!(
                "ResourceClaim {of} was not created for Pod {key} (Pod is not owner)"
            ));
        }
        claims.push(claim);
    }
    Ok(claims)
}

/// The name of a claim, and whether it was made for the pod; none of one that the pod does not need.
fn name_of(pod: &Pod, asked: &PodResourceClaim) -> Result<Option<(String, bool)>, String> {
    let key = Key::of(&pod.metadata);
    if let Some(name) = &asked.resource_claim_name {
        return Ok(Some((name.clone(), false)));
    }
    if asked.resource_claim_template_name.is_none() {
        let name = &asked.name;
        return Err(format!(
            "pod \"{key}\", spec.resourceClaim \"{name}\": none of the supported fields are set"
        ));
    }
    let mut statuses =
        pod.status.iter().flat_map(|status| status.resource_claim_statuses.iter().flatten());
    let status = statuses.find(|status| status.name == asked.name);
    let status = status.ok_or_else(|| format!("pod \"{key}\": ResourceClaim not created yet"))?;
    Ok(status.resource_claim_name.clone().map(|name| (name, true)))
}

fn is_made_for(claim: &ResourceClaim, pod: &Pod) -> bool {
    controller_of(&claim.metadata)
        .is_some_and(|owner| Some(&owner.uid) == pod.metadata.uid.as_ref())
}

/// Who may use a claim.
pub(crate) fn reserved_for(claim: &ResourceClaim) -> &[ResourceClaimConsumerReference] {
    let status = claim.status.as_ref();
    status.and_then(|status| status.reserved_for.as_deref()).unwrap_or_default()
}

/// Whether a pod may use a claim.
pub(crate) fn is_reserved_for(claim: &ResourceClaim, pod: &PodInfo) -> bool {
    reserved_for(claim).iter().any(|consumer| consumer.uid == pod.uid())
}

impl PreFilterState {
    /// Whether the pod claims nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.claims.is_empty() && self.extended.is_none()
    }

    /// The claim that an earlier attempt has left for the extended resources of the pod.
    pub(super) fn left_over(&self) -> Option<&Arc<ResourceClaim>> {
        self.extended.as_ref().filter(|claim| !extended::is_in_memory(claim))
    }
}

/// What is found out about the claims of a pod, or why it can run nowhere.
pub(super) fn pre_filter(pod: &PodInfo, devices: &Devices) -> Result<PreFilterState, String> {
    let claims: Vec<Arc<ResourceClaim>> =
        claims_of(&pod.pod, devices)?.into_iter().cloned().collect();
    let without = claims.iter().filter(|claim| allocation_of(claim).is_none());
    let to_allocate: Vec<Arc<ResourceClaim>> = without.cloned().collect();
    let extended = extended::claim_of(pod, devices);
    let mut selectors = Selectors::default();
    for claim in &to_allocate {
        not_in_flight(claim, devices)?;
        add_selectors(claim, devices, &mut selectors)?;
    }
    if let Some(claim) = extended.as_ref().filter(|claim| allocation_of(claim).is_none()) {
        not_in_flight(claim, devices)?;
        let classes = extended::wanted(pod).filter_map(|name| devices.class_of_resource(name));
        let of_classes = classes.flat_map(|class| class.spec.selectors.iter().flatten());
        of_classes.for_each(|selector| selectors.add(selector));
    }
    let allocated = match to_allocate.is_empty() && extended.is_none() {
        true => Allocated::default(),
        false => Allocated::of(devices),
    };
    Ok(PreFilterState { claims, to_allocate, extended, allocated, selectors })
}

fn not_in_flight(claim: &ResourceClaim, devices: &Devices) -> Result<(), String> {
    let key = Key::of(&claim.metadata);
    match devices.is_in_flight(claim.metadata.uid.as_deref().unwrap_or_default()) {
        true => Err(format!("resource claim {key} is in the process of being allocated")),
        false => Ok(()),
    }
}

/// Compiles the selectors of a claim and of its classes, all of which must be there.
fn add_selectors(
    claim: &ResourceClaim,
    devices: &Devices,
    selectors: &mut Selectors,
) -> Result<(), String> {
    let key = Key::of(&claim.metadata);
    for request in requests_of(claim) {
        let wishes = Wish::all_of(request);
        if wishes.is_empty() {
            let name = &request.name;
            return Err(format!("resource claim {key}, request {name}: unknown request type"));
        }
        for wish in wishes {
            let (name, of) = (wish.full_name(), wish.class_name);
            let class = devices
                .class(of)
                .ok_or_else(|| format!("request {name}: device class {of} does not exist"))?;
            let of_class = class.spec.selectors.iter().flatten();
            of_class.chain(wish.selectors).for_each(|selector| selectors.add(selector));
        }
    }
    Ok(())
}

/// Whether a node reaches the devices of a claim.
pub(super) fn is_reached(claim: &ResourceClaim, place: Option<Place<'_>>) -> bool {
    let selector = allocation_of(claim).and_then(|allocation| allocation.node_selector.as_ref());
    let terms = selector.map(|selector| &selector.node_selector_terms);
    let matches = |place| terms.map(|terms| terms.iter().any(|term| term_matches(term, place)));
    terms.is_none() || place.and_then(matches) == Some(true)
}
