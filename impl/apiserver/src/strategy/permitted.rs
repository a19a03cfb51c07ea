//! How writes of each kind may be made.
//!
//! Source: `AllowCreateOnUpdate`, `AllowUnconditionalUpdate`, `CheckGracefulDelete` and `ReturnDeletedObject`
//! in `pkg/registry` (v1.36).

use api::ApiResource;
use serde_json::Value;

use super::pod;

/// The grace period of a deletion that names none; `None` for kinds that are deleted at once.
pub(crate) fn graceful_delete_seconds(resource: &ApiResource, object: &Value) -> Option<i64> {
    (resource.kind == "Pod").then(|| pod::graceful_delete_seconds(object))
}

/// Whether a PUT of an object that is not there creates it.
pub(crate) fn allow_create_on_update(resource: &ApiResource) -> bool {
    matches!(
        resource.kind,
        "ClusterRole"
            | "ClusterRoleBinding"
            | "Endpoints"
            | "Event"
            | "Lease"
            | "LimitRange"
            | "Role"
            | "RoleBinding"
            | "RuntimeClass"
            | "Service"
    )
}

/// Whether an update may leave out the resource version that it was made from.
pub(crate) fn allow_unconditional_update(resource: &ApiResource) -> bool {
    !matches!(
        resource.kind,
        "APIService"
            | "CSIDriver"
            | "CSINode"
            | "CSIStorageCapacity"
            | "CustomResourceDefinition"
            | "Lease"
            | "MutatingAdmissionPolicy"
            | "MutatingAdmissionPolicyBinding"
            | "MutatingWebhookConfiguration"
            | "PodDisruptionBudget"
            | "RuntimeClass"
            | "ValidatingAdmissionPolicy"
            | "ValidatingAdmissionPolicyBinding"
            | "ValidatingWebhookConfiguration"
            | "VolumeAttachment"
    )
}

/// Whether a deletion answers what was deleted, not only that it was.
pub(crate) fn returns_deleted_object(resource: &ApiResource) -> bool {
    matches!(
        resource.kind,
        "CSIDriver"
            | "CSINode"
            | "DeviceClass"
            | "Namespace"
            | "PersistentVolume"
            | "PersistentVolumeClaim"
            | "Pod"
            | "PodTemplate"
            | "ResourceClaim"
            | "ResourceClaimTemplate"
            | "ResourceQuota"
            | "ResourceSlice"
            | "Service"
            | "ServiceAccount"
            | "StorageClass"
            | "VolumeAttachment"
            | "VolumeAttributesClass"
    )
}
