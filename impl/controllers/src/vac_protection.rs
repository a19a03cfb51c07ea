//! The VolumeAttributesClass protection controller: a class stays as long as a claim or volume names it.
//!
//! Source: pkg/controller/volume/vacprotection/vac_protection_controller.go (v1.36). Upstream, too, trusts its
//! caches: a class may go just when a claim of it is made.

use std::collections::BTreeSet;

use api::{AnyObject, Key, Request, Timestamp, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use crate::protection::{is_kept, let_go};
use crate::{Controller, Plan};

const FINALIZER: &str = "kubernetes.io/vac-protection";

/// Keeps classes that are named, and lets the others go.
#[derive(Clone, Copy, Debug, Default)]
pub struct VacProtectionController;

impl Controller for VacProtectionController {
    fn name(&self) -> &'static str {
        "volumeattributesclass-protection-controller"
    }

    /// A class is due when it has changed, or when something does not name it any more.
    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        if change.resource() == &resources::VOLUME_ATTRIBUTES_CLASSES {
            return vec![change.key()];
        }
        let old = change.old.as_ref().map(named).unwrap_or_default();
        let new = change.new.as_ref().map(named).unwrap_or_default();
        old.difference(&new).map(|name| Key::cluster(name)).collect()
    }

    fn reconcile(&mut self, view: &View, key: &Key, _now: Timestamp) -> Plan {
        let class = view.volume_attributes_classes.get(key);
        let request = class.and_then(|class| {
            if is_kept(&class.metadata, FINALIZER) && !is_used(view, &key.name) {
                let resource = &resources::VOLUME_ATTRIBUTES_CLASSES;
                return Some(let_go(resource, &class.metadata, FINALIZER));
            }
            keep(&class.metadata)
        });
        Plan { requests: request.into_iter().collect(), look_again: None }
            .observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, _request: &Request, _outcome: &Outcome) {}
}

/// Gives a class its finalizer, if it lives and has none.
fn keep(metadata: &ObjectMeta) -> Option<Request> {
    let finalizers = metadata.finalizers.iter().flatten();
    let mut finalizers: Vec<&str> = finalizers.map(String::as_str).collect();
    if metadata.deletion_timestamp.is_some() || finalizers.contains(&FINALIZER) {
        return None;
    }
    finalizers.push(FINALIZER);
    let metadata_patch =
        json!({"resourceVersion": metadata.resource_version, "finalizers": finalizers});
    let patch = json!({"metadata": metadata_patch});
    let resource = &resources::VOLUME_ATTRIBUTES_CLASSES;
    Some(Request::merge_patch(resource, Key::of(metadata), patch))
}

/// Whether any claim or volume names a class.
fn is_used(view: &View, class: &str) -> bool {
    view.persistent_volumes.iter().any(|volume| of_volume(volume).contains(class))
        || view.persistent_volume_claims.iter().any(|claim| of_claim(claim).contains(class))
}

/// The classes that an object names.
fn named(object: &AnyObject) -> BTreeSet<String> {
    if let AnyObject::PersistentVolumeClaim(claim) = object {
        of_claim(claim)
    } else if let AnyObject::PersistentVolume(volume) = object {
        of_volume(volume)
    } else {
        BTreeSet::new()
    }
}

/// The class that a claim wants, the one that it has, and the one that it is about to have.
fn of_claim(claim: &PersistentVolumeClaim) -> BTreeSet<String> {
    let wanted = claim.spec.as_ref().and_then(|spec| spec.volume_attributes_class_name.clone());
    let status = claim.status.as_ref();
    let current = status.and_then(|status| status.current_volume_attributes_class_name.clone());
    let target = status.and_then(|status| {
        status.modify_volume_status.as_ref()?.target_volume_attributes_class_name.clone()
    });
    let all = wanted.into_iter().chain(current).chain(target);
    all.filter(|name| !name.is_empty()).collect()
}

fn of_volume(volume: &PersistentVolume) -> BTreeSet<String> {
    let named = volume.spec.as_ref().and_then(|spec| spec.volume_attributes_class_name.clone());
    named.into_iter().filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use api::Verb;
    use serde_json::Value;

    use super::*;
    use crate::testing::{World, at, requests, time_text};

    const CLASSES: &api::ApiResource = &resources::VOLUME_ATTRIBUTES_CLASSES;

    /// The finalizers that a class of these is to have, if they are to change.
    fn wanted(world: &mut World<VacProtectionController>) -> Option<Value> {
        let plan = world.reconcile(&Key::cluster("gold"), at(10));
        let patches = requests(&plan, Verb::MergePatch, CLASSES);
        patches.first().map(|patch| patch.body.clone().unwrap()["metadata"]["finalizers"].clone())
    }

    fn class(finalizers: Value, is_deleted: bool) -> Value {
        let deleted = is_deleted.then(|| time_text(5));
        json!({"metadata": {"name": "gold", "finalizers": finalizers, "deletionTimestamp": deleted},
            "driverName": "d"})
    }

    #[test]
    fn a_new_class_is_protected() {
        let mut world = World::new(VacProtectionController);
        world.put(CLASSES, class(json!(["other"]), false));

        assert_eq!(wanted(&mut world), Some(json!(["other", FINALIZER])));
    }

    #[test]
    fn a_class_that_nobody_names_goes_and_is_not_protected_anew() {
        let mut world = World::new(VacProtectionController);
        world.put(CLASSES, class(json!([FINALIZER]), true));
        let first = wanted(&mut world);
        world.put(CLASSES, class(json!(["other"]), true));

        assert_eq!((first, wanted(&mut world)), (Some(json!([])), None));
    }

    #[test]
    fn a_class_stays_until_nothing_names_it() {
        let modified = json!({"modifyVolumeStatus": {"status": "Pending", "targetVolumeAttributesClassName": "gold"}});
        let claims = [
            json!({"spec": {"volumeAttributesClassName": "gold"}}),
            json!({"spec": {}, "status": {"currentVolumeAttributesClassName": "gold"}}),
            json!({"spec": {}, "status": modified}),
        ];
        let key = Key::new("n", "c");

        for mut claim in claims {
            let mut world = World::new(VacProtectionController);
            world.put(CLASSES, class(json!([FINALIZER]), true));
            claim["metadata"] = json!({"name": "c", "namespace": "n"});
            world.put(&resources::PERSISTENT_VOLUME_CLAIMS, claim);
            let used = wanted(&mut world);
            let due = world.remove(&resources::PERSISTENT_VOLUME_CLAIMS, &key);

            assert_eq!((used, due), (None, vec![Key::cluster("gold")]));
            assert_eq!(wanted(&mut world), Some(json!([])));
        }
    }

    #[test]
    fn a_volume_that_changes_its_class_makes_the_old_one_due() {
        let mut world = World::new(VacProtectionController);
        world.put(CLASSES, class(json!([FINALIZER]), true));
        let volume = |class: &str| json!({"metadata": {"name": "v"}, "spec": {"volumeAttributesClassName": class}});
        let added = world.put(&resources::PERSISTENT_VOLUMES, volume("gold"));
        let used = wanted(&mut world);

        let changed = world.put(&resources::PERSISTENT_VOLUMES, volume("silver"));

        assert_eq!((added, used), (vec![], None));
        assert_eq!(changed, [Key::cluster("gold")]);
    }
}
