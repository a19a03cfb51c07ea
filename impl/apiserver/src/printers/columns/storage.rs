//! The columns of volumes, claims, and the kinds of `storage.k8s.io`.

use super::{AGE, Column, NAME};

pub(super) const PERSISTENT_VOLUME: &[Column] = &[
    NAME,
    ("Capacity", "string", 0, "How much the volume holds."),
    ("Access Modes", "string", 0, "How it can be mounted."),
    ("Reclaim Policy", "string", 0, "What becomes of it after its claim."),
    ("Status", "string", 0, "Its phase."),
    ("Claim", "string", 0, "The claim that it is bound to."),
    ("StorageClass", "string", 0, "Its StorageClass."),
    ("VolumeAttributesClass", "string", 0, "Its VolumeAttributesClass."),
    ("Reason", "string", 0, "Why it is in its phase."),
    AGE,
    ("VolumeMode", "string", 1, "Whether it holds files or is a block device."),
];
pub(super) const PERSISTENT_VOLUME_CLAIM: &[Column] = &[
    NAME,
    ("Status", "string", 0, "Its phase."),
    ("Volume", "string", 0, "The volume that it is bound to."),
    ("Capacity", "string", 0, "How much that volume holds."),
    ("Access Modes", "string", 0, "How that volume can be mounted."),
    ("StorageClass", "string", 0, "Its StorageClass."),
    ("VolumeAttributesClass", "string", 0, "Its VolumeAttributesClass."),
    AGE,
    ("VolumeMode", "string", 1, "Whether it wants files or a block device."),
];
pub(super) const STORAGE_CLASS: &[Column] = &[
    NAME,
    ("Provisioner", "string", 0, "Who makes the volumes of the class."),
    ("ReclaimPolicy", "string", 0, "What becomes of its volumes after their claims."),
    ("VolumeBindingMode", "string", 0, "When its volumes are made and bound."),
    ("AllowVolumeExpansion", "string", 0, "Whether its volumes may grow."),
    AGE,
];
pub(super) const VOLUME_ATTRIBUTES_CLASS: &[Column] =
    &[NAME, ("DriverName", "string", 0, "The CSI driver that knows its parameters."), AGE];
pub(super) const VOLUME_ATTACHMENT: &[Column] = &[
    NAME,
    ("Attacher", "string", 0, "The CSI driver that attaches it."),
    ("PV", "string", 0, "The volume."),
    ("Node", "string", 0, "The node."),
    ("Attached", "boolean", 0, "Whether the volume is attached to the node."),
    AGE,
];
pub(super) const CSI_NODE: &[Column] =
    &[NAME, ("Drivers", "integer", 0, "The number of CSI drivers on the node."), AGE];
pub(super) const CSI_DRIVER: &[Column] = &[
    NAME,
    ("AttachRequired", "boolean", 0, "Whether its volumes are attached to nodes."),
    ("PodInfoOnMount", "boolean", 0, "Whether it is told which pod mounts a volume."),
    ("StorageCapacity", "boolean", 0, "Whether it reports how much it can hold."),
    ("TokenRequests", "string", 0, "The audiences of the tokens that it is given."),
    ("RequiresRepublish", "boolean", 0, "Whether it is called again and again for a mount."),
    ("Modes", "string", 0, "The lifecycles that its volumes may have."),
    AGE,
];
