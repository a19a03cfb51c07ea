//! Finalizers that keep an object for as long as somebody uses it.

use api::{ApiResource, Key, Request};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

/// Whether an object is being deleted, and this finalizer keeps it.
pub(crate) fn is_kept(metadata: &ObjectMeta, finalizer: &str) -> bool {
    metadata.deletion_timestamp.is_some()
        && metadata.finalizers.iter().flatten().any(|found| found == finalizer)
}

/// Takes the finalizer away, if the object is still as it was seen.
pub(crate) fn let_go(
    resource: &'static ApiResource,
    metadata: &ObjectMeta,
    finalizer: &str,
) -> Request {
    let finalizers = metadata.finalizers.iter().flatten();
    let others: Vec<&String> = finalizers.filter(|found| *found != finalizer).collect();
    let patch =
        json!({"metadata": {"resourceVersion": metadata.resource_version, "finalizers": others}});
    Request::merge_patch(resource, Key::of(metadata), patch)
}
