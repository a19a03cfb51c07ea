//! NamespaceLifecycle: objects live in namespaces that are there and stay, and some namespaces do.
//!
//! Source: apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go, v1.36.

use api::object::at;
use api::status::Cause;
use api::{Status, resources};

use super::Admission;
use crate::route::Objects;

/// Namespaces that cannot be deleted.
const IMMORTAL: &[&str] = &["default", "kube-system", "kube-public"];

/// Whether the namespace of a new object takes content.
pub(super) fn admit(admission: Admission<'_>) -> Result<(), Status> {
    let Some(namespace) = &admission.target.namespace else { return Ok(()) };
    let Some(found) = admission.find(&resources::NAMESPACES, None, namespace) else {
        return Err(Status::not_found(&resources::NAMESPACES, namespace));
    };
    if at(&found, &["metadata", "deletionTimestamp"]).is_none() {
        return Ok(());
    }
    let mut status = admission.forbidden(&format!(
        "unable to create new content in namespace {namespace} because it is being terminated"
    ));
    status.causes.push(Cause {
        reason: "NamespaceTerminating",
        field: "metadata.namespace".to_owned(),
        message: format!("namespace {namespace} is being terminated"),
    });
    Err(status)
}

/// Whether an object may be deleted.
pub(super) fn admit_delete(target: &Objects, name: &str) -> Result<(), Status> {
    if target.resource == &resources::NAMESPACES && IMMORTAL.contains(&name) {
        return Err(Status::forbidden(target.resource, name, "this namespace may not be deleted"));
    }
    Ok(())
}
