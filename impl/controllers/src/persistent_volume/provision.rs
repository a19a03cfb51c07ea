//! Claims for which somebody is to make a volume.
//!
//! Source: `provisionClaim` and `provisionClaimOperationExternal` in pv_controller.go (v1.36).

use std::sync::Arc;

use api::storage;
use client::event::Note;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;

use super::pass::Pass;
use crate::csi_migration::driver_of;

/// Plugins that are still in the tree, none of which makes volumes.
const PLUGINS: [&str; 5] = [
    "kubernetes.io/csi",
    "kubernetes.io/fc",
    "kubernetes.io/host-path",
    "kubernetes.io/iscsi",
    "kubernetes.io/nfs",
];

/// Names the provisioner on the claim, and waits for it.
pub(super) fn sync(pass: &mut Pass<'_>, claim: &Arc<PersistentVolumeClaim>) {
    let Some(class) = pass.class(claim) else {
        let name = storage::class_of_claim(claim);
        let message = format!("storageclass.storage.k8s.io \"{name}\" not found");
        return pass.say(claim, Note::warning("ProvisioningFailed", message));
    };
    let driver = driver_of(&class.provisioner);
    if driver.is_none()
        && let Some(why) = no_provisioner(&class.provisioner)
    {
        return pass.say(claim, Note::warning("ProvisioningFailed", why));
    }
    let provisioner = driver.unwrap_or(&class.provisioner);
    if storage::annotation(&claim.metadata, storage::STORAGE_PROVISIONER) != Some(provisioner) {
        return pass.update(&asking(claim, provisioner));
    }
    let message = format!(
        "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by \
         the system administrator. If volume creation is delayed, please verify that the provisioner is running \
         and correctly registered."
    );
    pass.say(claim, Note::normal("ExternalProvisioning", message));
}

/// Why nobody provisions; `None` when somebody outside may.
fn no_provisioner(name: &str) -> Option<String> {
    if PLUGINS.contains(&name) {
        Some("no provisionable volume plugin matched".to_owned())
    } else if name.starts_with("kubernetes.io/") {
        Some(format!("no volume plugin matched name: {name}"))
    } else {
        None
    }
}

/// The claim, asking a provisioner for a volume.
fn asking(claim: &PersistentVolumeClaim, provisioner: &str) -> PersistentVolumeClaim {
    let mut claim = claim.clone();
    storage::annotate(&mut claim.metadata, storage::BETA_STORAGE_PROVISIONER, provisioner);
    storage::annotate(&mut claim.metadata, storage::STORAGE_PROVISIONER, provisioner);
    claim
}
