//! Fields that a write to a path cannot change, so that whoever writes there does not own them.
//!
//! Source: `GetResetFields` in `pkg/registry/…/strategy.go` (v1.36).

use api::ApiResource;
use api::managed_fields::FieldSet;

/// Kinds whose metadata a write of the status cannot change.
const WITHOUT_METADATA: [&str; 7] = [
    "APIService",
    "FlowSchema",
    "PriorityLevelConfiguration",
    "ResourceClaim",
    "ServiceCIDR",
    "ValidatingAdmissionPolicy",
    "VolumeAttachment",
];

/// The reset fields of an object or of a subresource of it.
pub(crate) fn reset_fields(resource: &ApiResource, subresource: &str) -> FieldSet {
    let fields: &[&[&str]] = match (subresource, resource.kind) {
        ("", "CertificateSigningRequest") => &[&["spec"], &["status"]],
        ("", _) if resource.subresources.contains(&"status") => &[&["status"]],
        ("status", "CertificateSigningRequest") => &[&["spec"], &["status", "conditions"]],
        ("status", "Deployment") => &[&["spec"], &["metadata", "labels"]],
        ("status", "Pod") => {
            &[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]]
        }
        ("status", kind) if WITHOUT_METADATA.contains(&kind) => &[&["metadata"], &["spec"]],
        ("status", _) => &[&["spec"]],
        ("approval", _) => &[&["spec"], &["status", "certificate"]],
        ("finalize", _) => &[&["status"]],
        _ => &[],
    };
    FieldSet::of(fields)
}
