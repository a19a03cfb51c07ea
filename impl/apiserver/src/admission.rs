//! Rules across objects that a write must keep: namespaces that exist, service accounts that exist.
//!
//! Source: Kubernetes documentation, "Admission controllers": NamespaceLifecycle and ServiceAccount.

use api::object::{at, text};
use api::status::Cause;
use api::{Status, resources};
use serde_json::Value;
use store::Store;

use crate::route::Objects;
use crate::{keys, object};

/// Namespaces that cannot be deleted.
const IMMORTAL: &[&str] = &["default", "kube-system", "kube-public"];

/// Whether an object may come into being.
pub(crate) fn admit_create(
    store: &Store,
    target: &Objects,
    name: &str,
    object: &Value,
) -> Result<(), Status> {
    let Some(namespace) = &target.namespace else { return Ok(()) };
    namespace_takes_content(store, target, namespace, name)?;
    if target.resource == &resources::PODS {
        service_account_exists(store, namespace, name, object)?;
    }
    Ok(())
}

/// Whether an object may be deleted.
pub(crate) fn admit_delete(target: &Objects, name: &str) -> Result<(), Status> {
    if target.resource == &resources::NAMESPACES && IMMORTAL.contains(&name) {
        return Err(Status::forbidden(target.resource, name, "this namespace may not be deleted"));
    }
    Ok(())
}

fn namespace_takes_content(
    store: &Store,
    target: &Objects,
    namespace: &str,
    name: &str,
) -> Result<(), Status> {
    let Some(found) = store.get(&keys::key(&resources::NAMESPACES, None, namespace)) else {
        return Err(Status::not_found(&resources::NAMESPACES, namespace));
    };
    let found = object::decode(found);
    if at(&found, &["metadata", "deletionTimestamp"]).is_none() {
        return Ok(());
    }
    let why = format!(
        "unable to create new content in namespace {namespace} because it is being terminated"
    );
    let mut status = Status::forbidden(target.resource, name, &why);
    status.causes.push(Cause {
        reason: "NamespaceTerminating",
        field: "metadata.namespace".to_owned(),
        message: format!("namespace {namespace} is being terminated"),
    });
    Err(status)
}

fn service_account_exists(
    store: &Store,
    namespace: &str,
    name: &str,
    pod: &Value,
) -> Result<(), Status> {
    let is_mirror = at(pod, &["metadata", "annotations", "kubernetes.io/config.mirror"]).is_some();
    let account = match text(pod, &["spec", "serviceAccountName"]) {
        "" => "default",
        account => account,
    };
    let key = keys::key(&resources::SERVICE_ACCOUNTS, Some(namespace), account);
    if is_mirror || store.get(&key).is_some() {
        return Ok(());
    }
    let why = format!(
        "error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found"
    );
    Err(Status::forbidden(&resources::PODS, name, &why))
}
