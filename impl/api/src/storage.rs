//! What claims and volumes say of each other: annotations, classes, and which volume fits which claim.
//!
//! Source: component-helpers/storage/volume and component-helpers/storage/ephemeral (v1.36).

mod matching;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    ObjectReference, PersistentVolume, PersistentVolumeClaim, Pod, Volume,
};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::node_fit::{Place, term_matches};
use crate::object::controller_of;
use crate::quantity::Quantity;
use crate::{Key, Kind};

pub use matching::{Seeker, find_matching_volume};

/// On a claim that was bound once, and is `Lost` when it is not any more.
pub const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
/// On claims and volumes that a controller, not a person, has bound.
pub const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
/// On a claim: the node on which the first pod that uses it is to run.
pub const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
/// On a volume: who has made it.
pub const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
/// On claims and volumes of a plugin that a CSI driver has replaced: the driver.
pub const MIGRATED_TO: &str = "pv.kubernetes.io/migrated-to";
/// On a claim: who is to make its volume.
pub const STORAGE_PROVISIONER: &str = "volume.kubernetes.io/storage-provisioner";
/// The same by its older name.
pub const BETA_STORAGE_PROVISIONER: &str = "volume.beta.kubernetes.io/storage-provisioner";
/// Where claims and volumes named their StorageClass before they had a field for it.
pub const BETA_STORAGE_CLASS: &str = "volume.beta.kubernetes.io/storage-class";
/// The provisioner of a StorageClass whose volumes people make.
pub const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";
/// Keeps a volume until what is behind it is gone.
pub const PROVISIONER_FINALIZER: &str = "external-provisioner.volume.kubernetes.io/finalizer";
/// The provisioner that comes with a cluster: folders of the node on which the pod runs.
pub const LOCAL_PATH: &str = "kanon.dev/local-path";

/// Annotations that mark the StorageClass of claims that name none.
const IS_DEFAULT_CLASS: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

/// An annotation, if it is there.
pub fn annotation<'a>(metadata: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    metadata.annotations.as_ref()?.get(name).map(String::as_str)
}

/// Sets an annotation; whether that changed it.
pub fn annotate(metadata: &mut ObjectMeta, name: &str, value: &str) -> bool {
    let annotations = metadata.annotations.get_or_insert_with(BTreeMap::new);
    annotations.insert(name.to_owned(), value.to_owned()).as_deref() != Some(value)
}

/// The StorageClass that a claim names, empty when it names none.
pub fn class_of_claim(claim: &PersistentVolumeClaim) -> &str {
    let named = claim.spec.as_ref().and_then(|spec| spec.storage_class_name.as_deref());
    annotation(&claim.metadata, BETA_STORAGE_CLASS).or(named).unwrap_or_default()
}

/// Whether a claim says which StorageClass it has, be it none.
pub fn has_class(claim: &PersistentVolumeClaim) -> bool {
    let named = claim.spec.as_ref().is_some_and(|spec| spec.storage_class_name.is_some());
    named || annotation(&claim.metadata, BETA_STORAGE_CLASS).is_some()
}

/// The StorageClass that a volume names, empty when it names none.
pub fn class_of_volume(volume: &PersistentVolume) -> &str {
    let named = volume.spec.as_ref().and_then(|spec| spec.storage_class_name.as_deref());
    annotation(&volume.metadata, BETA_STORAGE_CLASS).or(named).unwrap_or_default()
}

/// The StorageClass of claims that name none: of several the newest, then the first by name.
///
/// Source: `GetDefaultClass` in pkg/volume/util/storageclass.go (v1.36).
pub fn default_class<'a>(
    classes: impl Iterator<Item = &'a StorageClass>,
) -> Option<&'a StorageClass> {
    let is_default = |class: &&StorageClass| {
        IS_DEFAULT_CLASS.iter().any(|name| annotation(&class.metadata, name) == Some("true"))
    };
    let created = |class: &StorageClass| class.metadata.creation_timestamp.clone();
    classes.filter(is_default).min_by(|one, other| {
        created(other).cmp(&created(one)).then_with(|| one.metadata.name.cmp(&other.metadata.name))
    })
}

/// Whether claims of a StorageClass wait for the first pod that uses them.
pub fn waits_for_first_consumer(class: Option<&StorageClass>) -> bool {
    let mode = class.and_then(|class| class.volume_binding_mode.as_deref());
    mode == Some("WaitForFirstConsumer")
}

/// The volume that a claim names, empty when it names none.
pub fn volume_name(claim: &PersistentVolumeClaim) -> &str {
    let named = claim.spec.as_ref().and_then(|spec| spec.volume_name.as_deref());
    named.unwrap_or_default()
}

/// Whether a claim is bound for good.
pub fn is_fully_bound(claim: &PersistentVolumeClaim) -> bool {
    !volume_name(claim).is_empty() && annotation(&claim.metadata, BIND_COMPLETED).is_some()
}

/// The claim that a volume is bound to or kept for.
pub fn claim_reference(volume: &PersistentVolume) -> Option<&ObjectReference> {
    volume.spec.as_ref()?.claim_ref.as_ref()
}

/// The key of the claim that a volume is bound to or kept for.
pub fn claim_key(reference: &ObjectReference) -> Key {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    Key { namespace: text(&reference.namespace), name: text(&reference.name) }
}

/// Whether a volume is bound to this very claim, or kept for one of its name.
pub fn is_bound_to(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    claim_reference(volume).is_some_and(|reference| {
        let uid = reference.uid.as_deref().unwrap_or_default();
        claim_key(reference) == Key::of(&claim.metadata)
            && (uid.is_empty() || Some(uid) == claim.metadata.uid.as_deref())
    })
}

/// The volume bound to a claim; `None` when it says so already.
pub fn bind_to(
    volume: &PersistentVolume,
    claim: &PersistentVolumeClaim,
) -> Option<PersistentVolume> {
    let is_kept = is_bound_to(volume, claim);
    let is_bound = is_kept
        && claim_reference(volume).is_some_and(|reference| reference.uid == claim.metadata.uid);
    let is_marked = annotation(&volume.metadata, BOUND_BY_CONTROLLER).is_some();
    if is_bound {
        return None;
    }
    let mut bound = volume.clone();
    bound.spec.get_or_insert_default().claim_ref = Some(reference_to(claim));
    if !is_kept && !is_marked {
        annotate(&mut bound.metadata, BOUND_BY_CONTROLLER, "yes");
    }
    Some(bound)
}

/// How a volume names the claim that it is bound to.
pub fn reference_to(claim: &PersistentVolumeClaim) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some(PersistentVolumeClaim::RESOURCE.kind.to_owned()),
        name: claim.metadata.name.clone(),
        namespace: claim.metadata.namespace.clone(),
        uid: claim.metadata.uid.clone(),
        resource_version: claim.metadata.resource_version.clone(),
        field_path: None,
    }
}

/// How much a claim asks for.
pub fn requested(claim: &PersistentVolumeClaim) -> Quantity {
    let resources = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref());
    let requests = resources.and_then(|resources| resources.requests.as_ref());
    let storage = requests.and_then(|requests| requests.get("storage"));
    storage.and_then(|storage| Quantity::parse(&storage.0).ok()).unwrap_or_default()
}

/// How much a volume has.
pub fn capacity(volume: &PersistentVolume) -> Quantity {
    let capacity = volume.spec.as_ref().and_then(|spec| spec.capacity.as_ref());
    let storage = capacity.and_then(|capacity| capacity.get("storage"));
    storage.and_then(|storage| Quantity::parse(&storage.0).ok()).unwrap_or_default()
}

/// Whether a claim and a volume are of the same mode; that of one that names none is `Filesystem`.
pub fn modes_match(claim: &PersistentVolumeClaim, volume: &PersistentVolume) -> bool {
    let mode = |mode: Option<&String>| mode.map_or("Filesystem", String::as_str).to_owned();
    let wanted = claim.spec.as_ref().and_then(|spec| spec.volume_mode.as_ref());
    let given = volume.spec.as_ref().and_then(|spec| spec.volume_mode.as_ref());
    mode(wanted) == mode(given)
}

/// Whether a volume can be used in all ways in which a claim wants to.
pub fn has_access_modes(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    let given = volume.spec.as_ref().and_then(|spec| spec.access_modes.as_deref());
    access_modes(claim).iter().all(|mode| given.unwrap_or_default().contains(mode))
}

/// How a claim wants to use its volume.
pub fn access_modes(claim: &PersistentVolumeClaim) -> &[String] {
    let modes = claim.spec.as_ref().and_then(|spec| spec.access_modes.as_deref());
    modes.unwrap_or_default()
}

/// Whether a claim and a volume name the same VolumeAttributesClass.
pub fn attributes_classes_match(claim: &PersistentVolumeClaim, volume: &PersistentVolume) -> bool {
    let wanted = claim.spec.as_ref().and_then(|spec| spec.volume_attributes_class_name.as_deref());
    let given = volume.spec.as_ref().and_then(|spec| spec.volume_attributes_class_name.as_deref());
    wanted.unwrap_or_default() == given.unwrap_or_default()
}

/// Whether a node reaches a volume.
pub fn reaches(place: Place<'_>, volume: &PersistentVolume) -> bool {
    let affinity = volume.spec.as_ref().and_then(|spec| spec.node_affinity.as_ref());
    let required = affinity.and_then(|affinity| affinity.required.as_ref());
    required.is_none_or(|required| {
        required.node_selector_terms.iter().any(|term| term_matches(term, place))
    })
}

/// The name of the claim that a volume of a pod uses, if it uses one, and whether that is the pod's own.
pub fn claim_of_volume(pod: &Pod, volume: &Volume) -> Option<(String, bool)> {
    if let Some(source) = &volume.persistent_volume_claim {
        return Some((source.claim_name.clone(), false));
    }
    volume.ephemeral.as_ref().map(|_| (ephemeral_claim_name(pod, volume), true))
}

/// The names of the claims that a pod uses, and whether each is the pod's own.
pub fn claims_of_pod(pod: &Pod) -> impl Iterator<Item = (String, bool)> {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.filter_map(|volume| claim_of_volume(pod, volume))
}

/// The name of the claim of a generic ephemeral volume.
pub fn ephemeral_claim_name(pod: &Pod, volume: &Volume) -> String {
    format!("{}-{}", pod.metadata.name.as_deref().unwrap_or_default(), volume.name)
}

/// Why a claim is not the one of a generic ephemeral volume of a pod, if it is not.
pub fn foreign_claim(pod: &Pod, claim: &PersistentVolumeClaim) -> Option<String> {
    let is_own = controller_of(&claim.metadata)
        .is_some_and(|owner| Some(owner.uid.as_str()) == pod.metadata.uid.as_deref());
    let (claim, pod) = (Key::of(&claim.metadata), Key::of(&pod.metadata));
    (!is_own).then(|| format!("PVC {claim} was not created for pod {pod} (pod is not owner)"))
}
