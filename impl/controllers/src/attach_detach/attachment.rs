//! VolumeAttachments: their names, what is made of them, and how they appear in the status of a node.
//!
//! Source: pkg/volume/csi/csi_attacher.go and csi_plugin.go (v1.36).

use api::Key;
use k8s_openapi::api::core::v1::{AttachedVolume, CSIPersistentVolumeSource, PersistentVolume};
use k8s_openapi::api::storage::v1::{
    VolumeAttachment, VolumeAttachmentSource, VolumeAttachmentSpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sha2::{Digest, Sha256};

use super::wanted::driver_source;

/// What the names of volumes in the status of a node begin with.
const PLUGIN: &str = "kubernetes.io/csi/";

/// The name of the attachment of a volume to a node.
pub(super) fn name(source: &CSIPersistentVolumeSource, node: &str) -> String {
    name_of((&source.driver, &source.volume_handle), node)
}

fn name_of((driver, handle): (&str, &str), node: &str) -> String {
    let text = format!("{handle}{driver}{node}");
    let digest: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("csi-{digest}")
}

/// The attachment of a volume to a node.
pub(super) fn new(volume: &PersistentVolume, node: &str) -> Option<VolumeAttachment> {
    let source = driver_source(volume)?;
    Some(VolumeAttachment {
        metadata: ObjectMeta { name: Some(name(source, node)), ..ObjectMeta::default() },
        spec: VolumeAttachmentSpec {
            attacher: source.driver.clone(),
            node_name: node.to_owned(),
            source: VolumeAttachmentSource {
                persistent_volume_name: Some(Key::of(&volume.metadata).name),
                ..VolumeAttachmentSource::default()
            },
        },
        status: None,
    })
}

/// Whether an attachment has a name as the controller gives it. What others have made of volumes that are not there is
/// theirs. Source: `processVolumeAttachments` in attach_detach_controller.go (v1.36), which passes over them.
pub(super) fn is_of_controller(name: &str) -> bool {
    let digest = name.strip_prefix("csi-");
    digest.is_some_and(|digest| {
        digest.len() == 64 && digest.bytes().all(|one| one.is_ascii_hexdigit())
    })
}

/// The volume in the status of its node.
pub(super) fn reported(source: &CSIPersistentVolumeSource) -> AttachedVolume {
    let name = format!("{PLUGIN}{}^{}", source.driver, source.volume_handle);
    AttachedVolume { name, device_path: String::new() }
}

/// The name of the attachment of a volume that the status of a node tells of.
pub(super) fn of_reported(volume: &str, node: &str) -> Option<String> {
    let source = volume.strip_prefix(PLUGIN)?.split_once('^')?;
    Some(name_of(source, node))
}

/// Whether the driver says that it is attached.
pub(super) fn is_attached(attachment: &VolumeAttachment) -> bool {
    attachment.metadata.deletion_timestamp.is_none()
        && attachment.status.as_ref().is_some_and(|status| status.attached)
}

/// Why the driver could not attach it.
pub(super) fn error(attachment: &VolumeAttachment) -> Option<&str> {
    if attachment.metadata.deletion_timestamp.is_some() {
        return Some("volume attachment is being deleted");
    }
    let error = attachment.status.as_ref()?.attach_error.as_ref()?;
    Some(error.message.as_deref().unwrap_or_default())
}
