//! Which claims and volumes a change concerns. Upstream looks at all of them every 15 s instead.

use api::storage::{self, annotation};
use api::{AnyObject, Key};
use client::{Change, View};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};

/// The keys that are due.
pub(super) fn of(view: &View, change: &Change) -> Vec<Key> {
    let objects = change.old.iter().chain(&change.new);
    let mut keys: Vec<Key> = objects.flat_map(|object| of_object(view, object)).collect();
    keys.sort();
    keys.dedup();
    keys
}

fn of_object(view: &View, object: &AnyObject) -> Vec<Key> {
    if let AnyObject::PersistentVolumeClaim(claim) = object {
        of_claim(view, claim)
    } else if let AnyObject::PersistentVolume(volume) = object {
        of_volume(view, volume)
    } else if let AnyObject::StorageClass(_) = object {
        unbound(view, |claim| storage::volume_name(claim).is_empty())
    } else if let AnyObject::Pod(pod) = object {
        of_pod(view, pod)
    } else {
        vec![]
    }
}

/// The claim, the volume that it names, and those that name it.
fn of_claim(view: &View, claim: &PersistentVolumeClaim) -> Vec<Key> {
    let key = Key::of(&claim.metadata);
    let mut keys = naming(view, &key);
    if !storage::volume_name(claim).is_empty() {
        keys.push(Key::cluster(storage::volume_name(claim)));
    }
    keys.push(key);
    keys
}

/// The volume, and the claims that it is bound to or that may get it.
fn of_volume(view: &View, volume: &PersistentVolume) -> Vec<Key> {
    let key = Key::of(&volume.metadata);
    let reference = storage::claim_reference(volume);
    let is_free = reference.is_none();
    let mut keys = unbound(view, |claim| match storage::volume_name(claim) {
        "" => is_free,
        name => name == key.name,
    });
    let bound = view
        .persistent_volume_claims
        .iter()
        .filter(|claim| storage::volume_name(claim) == key.name);
    keys.extend(bound.map(|claim| Key::of(&claim.metadata)));
    keys.extend(reference.map(storage::claim_key));
    keys.push(key);
    keys
}

/// The claims of a pod that wait for it to be scheduled, and volumes that wait for it to end.
fn of_pod(view: &View, pod: &Pod) -> Vec<Key> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let claims = storage::claims_of_pod(pod).map(|(name, _)| Key::new(namespace, &name));
    let concerned = claims.flat_map(|key| match view.persistent_volume_claims.get(&key) {
        Some(claim) if is_bound(claim) => vec![],
        Some(_) => vec![key],
        None => naming(view, &key),
    });
    concerned.collect()
}

/// The volumes that name a claim.
fn naming(view: &View, claim: &Key) -> Vec<Key> {
    let names_it = |volume: &PersistentVolume| {
        let reference = storage::claim_reference(volume);
        reference.is_some_and(|reference| storage::claim_key(reference) == *claim)
    };
    let volumes = view.persistent_volumes.iter().filter(|volume| names_it(volume));
    volumes.map(|volume| Key::of(&volume.metadata)).collect()
}

fn unbound(view: &View, is_concerned: impl Fn(&PersistentVolumeClaim) -> bool) -> Vec<Key> {
    let claims = view.persistent_volume_claims.iter();
    let concerned = claims.filter(|claim| !is_bound(claim) && is_concerned(claim));
    concerned.map(|claim| Key::of(&claim.metadata)).collect()
}

fn is_bound(claim: &PersistentVolumeClaim) -> bool {
    annotation(&claim.metadata, storage::BIND_COMPLETED).is_some()
}
