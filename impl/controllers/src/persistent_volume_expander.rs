//! The persistent volume expander: says who is to make the volume of a claim larger.
//!
//! Source: pkg/controller/volume/expand/expand_controller.go and pkg/volume/util/resize_util.go (v1.36). No plugin that is still in the tree makes
//! volumes larger, so what upstream does where one can is left out.

use std::sync::Arc;

use api::quantity::Quantity;
use api::storage::{self, annotation};
use api::{AnyObject, Key, Request, Timestamp, resources};
use client::event::{Note, reference};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{ObjectReference, PersistentVolume, PersistentVolumeClaim};
use serde_json::json;

use crate::csi_migration::{driver_of, plugin_of};
use crate::notes::Notes;
use crate::{Controller, Plan};

/// On a volume that has grown: how large its file system still is.
const PRE_RESIZE_CAPACITY: &str = "volume.alpha.kubernetes.io/pre-resize-capacity";
/// On a claim: who is to make its volume larger.
const STORAGE_RESIZER: &str = "volume.kubernetes.io/storage-resizer";

/// Tells claims that want more than they have what they wait for. A key is a claim's.
#[derive(Clone, Debug)]
pub struct PersistentVolumeExpander {
    notes: Notes,
}

impl Default for PersistentVolumeExpander {
    fn default() -> Self {
        Self { notes: Notes::new("volume_expand") }
    }
}

impl Controller for PersistentVolumeExpander {
    fn name(&self) -> &'static str {
        "persistentvolume-expander-controller"
    }

    fn workers(&self) -> usize {
        10
    }

    /// A claim that is bound and has grown, or is new here; also the claim that a volume has come to name: upstream
    /// asks the API server for the volume, and tries again until it names the claim.
    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        if let Some(AnyObject::PersistentVolume(volume)) = &change.new {
            let named = storage::claim_reference(volume);
            let is_news = named != change.old.as_ref().and_then(claim_of);
            return named.filter(|_| is_news).map(storage::claim_key).into_iter().collect();
        }
        let Some(AnyObject::PersistentVolumeClaim(new)) = &change.new else { return vec![] };
        let has_grown = match &change.old {
            Some(AnyObject::PersistentVolumeClaim(old)) => {
                storage::requested(new) > storage::requested(old) || size(new) > size(old)
            }
            Some(_) | None => true,
        };
        let phase = new.status.as_ref().and_then(|status| status.phase.as_deref());
        if has_grown && phase == Some("Bound") { vec![change.key()] } else { vec![] }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let claim = view.persistent_volume_claims.get(key);
        let volume = claim.and_then(|claim| {
            view.persistent_volumes.get(&Key::cluster(storage::volume_name(claim)))
        });
        let (Some(claim), Some(volume)) = (claim, volume) else { return Plan::default() };
        if !wants_more(claim, volume) {
            return Plan::default();
        }
        let requests = match plugin_of(volume) {
            None => {
                let message = "waiting for an external controller to expand this PVC";
                self.say(claim, message, now).into_iter().collect()
            }
            Some(plugin) => {
                let message = format!(
                    "CSI migration enabled for {plugin}; waiting for external resizer to expand the pvc"
                );
                let said = self.say(claim, &message, now).into_iter();
                said.chain(driver_of(plugin).map(|driver| resized_by(claim, driver))).collect()
            }
        };
        Plan { requests, look_again: None }.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, _request: &Request, _outcome: &Outcome) {}
}

impl PersistentVolumeExpander {
    fn say(
        &mut self,
        claim: &Arc<PersistentVolumeClaim>,
        message: &str,
        now: Timestamp,
    ) -> Option<Request> {
        let about = reference(&AnyObject::from(Arc::clone(claim)), "");
        self.notes.record(about, Note::normal("ExternalExpanding", message), now)
    }
}

/// The claim that a volume names.
fn claim_of(object: &AnyObject) -> Option<&ObjectReference> {
    let AnyObject::PersistentVolume(volume) = object else { return None };
    storage::claim_reference(volume)
}

/// How much a claim has.
fn size(claim: &PersistentVolumeClaim) -> Quantity {
    let capacity = claim.status.as_ref().and_then(|status| status.capacity.as_ref());
    let storage = capacity.and_then(|capacity| capacity.get("storage"));
    storage.and_then(|storage| Quantity::parse(&storage.0).ok()).unwrap_or_default()
}

/// Whether a claim wants more than it has, or its volume's file system is still to grow.
fn wants_more(claim: &PersistentVolumeClaim, volume: &PersistentVolume) -> bool {
    let is_bound = storage::claim_reference(volume)
        .is_some_and(|reference| reference.uid == claim.metadata.uid);
    let grows = annotation(&volume.metadata, PRE_RESIZE_CAPACITY).is_some();
    is_bound && (grows || storage::requested(claim) > size(claim))
}

/// Names the driver that is to make the volume larger, if the claim is as it was read: the next of its name may have
/// another volume.
fn resized_by(claim: &PersistentVolumeClaim, driver: &str) -> Request {
    let annotations = json!({STORAGE_RESIZER: driver});
    let version = &claim.metadata.resource_version;
    let patch = json!({"metadata": {"annotations": annotations, "resourceVersion": version}});
    let key = Key::of(&claim.metadata);
    Request::strategic_merge_patch(&resources::PERSISTENT_VOLUME_CLAIMS, key, patch)
        .to_subresource("status")
}

#[cfg(test)]
mod tests {
    use api::Verb;
    use serde_json::Value;

    use super::*;
    use crate::testing::{World, at, events, requests};

    const CLAIMS: &api::ApiResource = &resources::PERSISTENT_VOLUME_CLAIMS;

    fn claim(requested: &str, has: &str, phase: &str) -> Value {
        json!({"metadata": {"name": "c", "namespace": "n"},
            "spec": {"volumeName": "v", "resources": {"requests": {"storage": requested}}},
            "status": {"phase": phase, "capacity": {"storage": has}}})
    }

    fn volume(source: &str) -> Value {
        let claim_ref = json!({"namespace": "n", "name": "c", "uid": "uid-c"});
        let value = match source {
            "awsElasticBlockStore" => json!({"volumeID": "x"}),
            _ => json!({"driver": "d", "volumeHandle": "h"}),
        };
        json!({"metadata": {"name": "v"}, "spec": {"claimRef": claim_ref, source: value}})
    }

    fn world(source: &str) -> World<PersistentVolumeExpander> {
        let mut world = World::new(PersistentVolumeExpander::default());
        world.put(&resources::PERSISTENT_VOLUMES, volume(source));
        world
    }

    #[test]
    fn a_claim_that_grows_is_told_what_it_waits_for() {
        let mut world = world("csi");
        world.put(CLAIMS, claim("1Gi", "1Gi", "Bound"));
        let due = world.put(CLAIMS, claim("2Gi", "1Gi", "Bound"));

        let plan = world.reconcile(&due[0], at(10));

        let message = "waiting for an external controller to expand this PVC";
        assert_eq!(events(&plan), [format!("ExternalExpanding: {message}")]);
        assert_eq!(plan.requests.len(), 1);
    }

    #[test]
    fn a_claim_of_a_plugin_that_is_a_driver_now_names_the_driver() {
        let mut world = world("awsElasticBlockStore");
        let due = world.put(CLAIMS, claim("2Gi", "1Gi", "Bound"));

        let plan = world.reconcile(&due[0], at(10));

        let message = "CSI migration enabled for kubernetes.io/aws-ebs; waiting for external resizer to expand the pvc";
        assert_eq!(events(&plan), [format!("ExternalExpanding: {message}")]);
        let patch = requests(&plan, Verb::StrategicMergePatch, CLAIMS)[0];
        let metadata = &patch.body.as_ref().unwrap()["metadata"];
        let annotations = json!({"volume.kubernetes.io/storage-resizer": "ebs.csi.aws.com"});
        assert_eq!((patch.subresource, &metadata["annotations"]), ("status", &annotations));
        let version = world.view.persistent_volume_claims.get(&due[0]).unwrap();
        assert_eq!(metadata["resourceVersion"], json!(version.metadata.resource_version));
    }

    #[test]
    fn a_claim_that_grows_before_its_volume_names_it_is_looked_at_again() {
        let mut world = World::new(PersistentVolumeExpander::default());
        let mut free = volume("csi");
        free["spec"].as_object_mut().unwrap().remove("claimRef");
        world.put(&resources::PERSISTENT_VOLUMES, free);
        let early = world.put(CLAIMS, claim("2Gi", "1Gi", "Bound"));
        let nothing = world.reconcile(&early[0], at(10));

        let due = world.put(&resources::PERSISTENT_VOLUMES, volume("csi"));

        assert_eq!((nothing, &due), (Plan::default(), &early));
        assert_eq!(events(&world.reconcile(&due[0], at(11))).len(), 1);
        assert!(world.put(&resources::PERSISTENT_VOLUMES, volume("csi")).is_empty());
    }

    #[test]
    fn a_claim_that_has_what_it_wants_or_is_not_bound_is_left_alone() {
        let mut world = world("csi");
        let content = world.put(CLAIMS, claim("1Gi", "2Gi", "Bound"));

        assert_eq!(world.reconcile(&content[0], at(10)), Plan::default());
        assert!(world.put(CLAIMS, claim("1Gi", "2Gi", "Bound")).is_empty());
        assert!(world.put(CLAIMS, claim("9Gi", "2Gi", "Pending")).is_empty());
    }

    #[test]
    fn a_claim_whose_file_system_is_still_to_grow_waits_too() {
        let mut world = world("csi");
        let mut grown = volume("csi");
        grown["metadata"]["annotations"] = json!({PRE_RESIZE_CAPACITY: "1Gi"});
        world.put(&resources::PERSISTENT_VOLUMES, grown);
        let due = world.put(CLAIMS, claim("2Gi", "2Gi", "Bound"));

        assert_eq!(events(&world.reconcile(&due[0], at(10))).len(), 1);
    }
}
