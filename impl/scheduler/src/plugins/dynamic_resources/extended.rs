//! Devices for the extended resources of a pod, where a class of devices stands for them and the node gives none itself.
//!
//! Source: framework/plugins/dynamicresources/extendeddynamicresources.go (v1.36), KEP-5004. A pod whose extended resources
//! are all the node's own gets no claim; upstream makes an empty one where the pod has claims beside, and then fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::object::controller_reference;
use k8s_openapi::api::core::v1::{ContainerExtendedResourceRequest, Pod};
use k8s_openapi::api::resource::v1::ResourceClaim;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::extended_requests::requests_and_mappings;
use crate::config::is_extended_resource;
use crate::devices::{Devices, EXTENDED_CLAIM, IMPLICIT_PREFIX};
use crate::node_info::{NodeInfo, PodInfo};

/// What a claim is called before it is made. It is no name that a claim can have.
const IN_MEMORY: &str = "<extended-resources>";

/// What is said of a pod that still has a claim from an earlier attempt, and of one that wants what nobody gives.
const LEFT_OVER: &str = "cannot schedule extended resource claim";
const NOT_GIVEN: &str = "cannot fit resource";

/// A claim for the extended resources of a pod on a node.
#[derive(Clone, Debug)]
pub(crate) struct ExtendedClaim {
    pub(crate) claim: Arc<ResourceClaim>,
    /// Which of its requests are for which resources of which containers.
    pub(crate) mappings: Vec<ContainerExtendedResourceRequest>,
}

/// The extended resources that a pod requests, those among them that are named after a class.
pub(crate) fn wanted(pod: &PodInfo) -> impl Iterator<Item = &str> {
    let scalar = pod.requests.requested.scalar.iter().filter(|(_, amount)| **amount != 0);
    let names = scalar.map(|(name, _)| name.as_str());
    names.filter(|name| is_extended_resource(name) || name.starts_with(IMPLICIT_PREFIX))
}

/// Whether a class of devices stands for something that a pod requests.
pub(crate) fn is_backed(pod: &PodInfo, devices: &Devices) -> bool {
    wanted(pod).any(|name| devices.class_of_resource(name).is_some())
}

/// The claim that an earlier attempt has left; else one for all nodes, which requests nothing yet. None for a pod that needs
/// none.
pub(super) fn claim_of(pod: &PodInfo, devices: &Devices) -> Option<Arc<ResourceClaim>> {
    is_backed(pod, devices).then(|| {
        let left = devices.extended_claim(pod).cloned();
        left.unwrap_or_else(|| Arc::new(begin(&pod.pod)))
    })
}

fn begin(pod: &Pod) -> ResourceClaim {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let owner = OwnerReference { block_owner_deletion: None, ..controller_reference(pod) };
    let metadata = ObjectMeta {
        name: Some(IN_MEMORY.to_owned()),
        namespace: pod.metadata.namespace.clone(),
        uid: pod.metadata.uid.as_deref().map(uid_before),
        generate_name: Some(format!("{name}-extended-resources-")),
        annotations: Some(BTreeMap::from([(EXTENDED_CLAIM.to_owned(), "true".to_owned())])),
        owner_references: Some(vec![owner]),
        ..ObjectMeta::default()
    };
    ResourceClaim { metadata, ..ResourceClaim::default() }
}

/// What stands for the uid of a pod's claim before it is made.
pub(crate) fn uid_before(pod: &str) -> String {
    format!("{pod}/extended-resources")
}

/// Whether a claim is not made yet.
pub(crate) fn is_in_memory(claim: &ResourceClaim) -> bool {
    claim.metadata.name.as_deref() == Some(IN_MEMORY)
}

/// The claim as it is to be made.
pub(crate) fn to_create(claim: &ResourceClaim) -> ResourceClaim {
    let mut claim = claim.clone();
    (claim.metadata.name, claim.metadata.uid, claim.status) = (None, None, None);
    claim
}

/// What the pod has to claim on a node, if anything; or why it cannot run there.
pub(super) fn on_node(
    claim: &ResourceClaim,
    pod: &PodInfo,
    (node, devices): (&NodeInfo, &Devices),
) -> Result<Option<ExtendedClaim>, &'static str> {
    if !is_in_memory(claim) {
        return Err(LEFT_OVER);
    }
    let mut classes = BTreeMap::new();
    for name in wanted(pod) {
        let given = node.allocatable.scalar.get(name);
        match devices.class_of_resource(name) {
            Some(class) if given.is_none_or(|amount| *amount == 0) => {
                classes.insert(name, class.metadata.name.as_deref().unwrap_or_default());
            }
            Some(_) | None if given.is_none() => return Err(NOT_GIVEN),
            Some(_) | None => {}
        }
    }
    let Some(spec) = pod.spec().filter(|_| !classes.is_empty()) else { return Ok(None) };
    let (requests, mappings) = requests_and_mappings(spec, &classes);
    let mut claim = claim.clone();
    claim.spec.devices.get_or_insert_default().requests = Some(requests);
    Ok(Some(ExtendedClaim { claim: Arc::new(claim), mappings }))
}
