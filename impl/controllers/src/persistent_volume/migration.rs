//! Plugins that were in the tree and are CSI drivers now: their claims and volumes name the driver.
//!
//! Source: `updateMigrationAnnotations` and `modifyDeletionFinalizers` in pv_controller_base.go (v1.36).

use api::storage::{self, annotation};
use k8s_openapi::api::core::v1::PersistentVolume;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::reclaim;
use crate::csi_migration::driver_of;

/// The finalizer of volumes that a plugin in the tree has made.
const IN_TREE_FINALIZER: &str = "kubernetes.io/pv-controller";

/// The metadata of a claim as it should be, if it is not.
pub(super) fn claim_metadata(metadata: &ObjectMeta) -> Option<ObjectMeta> {
    let provisioner = annotation(metadata, storage::STORAGE_PROVISIONER)
        .or_else(|| annotation(metadata, storage::BETA_STORAGE_PROVISIONER))?;
    let mut wanted = metadata.clone();
    name_driver(&mut wanted, driver_of(provisioner)).then_some(wanted)
}

/// The metadata of a volume as it should be, if it is not.
pub(super) fn volume_metadata(volume: &PersistentVolume) -> Option<ObjectMeta> {
    let provisioner = annotation(&volume.metadata, storage::PROVISIONED_BY)?;
    let driver = driver_of(provisioner);
    let mut wanted = volume.metadata.clone();
    let mut is_changed = name_driver(&mut wanted, driver);
    if driver.is_some() {
        is_changed |= set_finalizer(&mut wanted, IN_TREE_FINALIZER, false);
    } else if provisioner.starts_with("kubernetes.io/") {
        match reclaim::policy(volume) {
            "Delete" if volume.metadata.deletion_timestamp.is_none() => {
                is_changed |= set_finalizer(&mut wanted, IN_TREE_FINALIZER, true);
            }
            "Retain" | "Recycle" => {
                is_changed |= set_finalizer(&mut wanted, IN_TREE_FINALIZER, false);
            }
            _ => {}
        }
        is_changed |= set_finalizer(&mut wanted, storage::PROVISIONER_FINALIZER, false);
    }
    is_changed.then_some(wanted)
}

/// The metadata of a volume whose plugin has deleted what is behind it, if it was kept for that.
pub(super) fn unprotected(metadata: &ObjectMeta) -> Option<ObjectMeta> {
    let mut wanted = metadata.clone();
    set_finalizer(&mut wanted, IN_TREE_FINALIZER, false).then_some(wanted)
}

/// Names the driver, or none; whether that changes anything.
fn name_driver(metadata: &mut ObjectMeta, driver: Option<&str>) -> bool {
    if let Some(driver) = driver {
        return storage::annotate(metadata, storage::MIGRATED_TO, driver);
    }
    let annotations = metadata.annotations.as_mut();
    let removed = annotations.and_then(|annotations| annotations.remove(storage::MIGRATED_TO));
    removed.is_some_and(|driver| !driver.is_empty())
}

/// Adds or removes a finalizer; whether that changes anything.
fn set_finalizer(metadata: &mut ObjectMeta, finalizer: &str, is_wanted: bool) -> bool {
    let finalizers = metadata.finalizers.get_or_insert_default();
    let is_there = finalizers.iter().any(|found| found == finalizer);
    if is_there == is_wanted {
        return false;
    }
    if is_wanted {
        finalizers.push(finalizer.to_owned());
    } else {
        finalizers.retain(|found| found != finalizer);
    }
    true
}
