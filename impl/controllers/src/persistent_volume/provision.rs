//! Claims for which somebody is to make a volume.
//!
//! Source: `provisionClaim`, `provisionClaimOperation` and `provisionClaimOperationExternal` in pv_controller.go (v1.36).

use std::sync::Arc;

use api::storage;
use client::event::Note;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::storage::v1::StorageClass;

use super::pass::Pass;
use crate::csi_migration::driver_of;

/// The plugins that are still in the tree and make, delete or recycle volumes. Folders of a node are made only where
/// a flag says so, which is not there yet; nfs makes none.
pub(super) const HOST_PATH: &str = "kubernetes.io/host-path";
pub(super) const NFS: &str = "kubernetes.io/nfs";

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
    let spec = claim.spec.as_ref();
    if provisioner == HOST_PATH && spec.is_some_and(|spec| spec.data_source.is_some()) {
        let why = format!(
            "plugin \"{HOST_PATH}\" is not a CSI plugin. Only CSI plugin can provision a claim with a datasource"
        );
        return pass.say(claim, Note::warning("ProvisioningFailed", why));
    }
    if storage::annotation(&claim.metadata, storage::STORAGE_PROVISIONER) != Some(provisioner) {
        return pass.update(&asking(claim, provisioner));
    }
    if provisioner == HOST_PATH {
        return pass.say(claim, Note::warning("ProvisioningFailed", no_folder(class)));
    }
    let message = format!(
        "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by \
         the system administrator. If volume creation is delayed, please verify that the provisioner is running \
         and correctly registered."
    );
    pass.say(claim, Note::normal("ExternalProvisioning", message));
}

/// Why nobody provisions; `None` when somebody may.
fn no_provisioner(name: &str) -> Option<String> {
    match name {
        HOST_PATH => None,
        NFS => Some("no provisionable volume plugin matched".to_owned()),
        _ => name
            .starts_with("kubernetes.io/")
            .then(|| format!("no volume plugin matched name: {name}")),
    }
}

/// Why no folder of a node is made.
fn no_folder(class: &StorageClass) -> String {
    let options = class.mount_options.as_deref().unwrap_or_default();
    if options.is_empty() {
        return format!(
            "Failed to create provisioner: provisioning in volume plugin \"{HOST_PATH}\" is disabled"
        );
    }
    let name = class.metadata.name.as_deref().unwrap_or_default();
    format!(
        "Mount options are not supported by the provisioner but StorageClass \"{name}\" has mount options [{}]",
        options.join(" ")
    )
}

/// The claim, asking a provisioner for a volume.
fn asking(claim: &PersistentVolumeClaim, provisioner: &str) -> PersistentVolumeClaim {
    let mut claim = claim.clone();
    storage::annotate(&mut claim.metadata, storage::BETA_STORAGE_PROVISIONER, provisioner);
    storage::annotate(&mut claim.metadata, storage::STORAGE_PROVISIONER, provisioner);
    claim
}
