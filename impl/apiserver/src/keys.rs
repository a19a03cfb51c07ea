//! Where objects are kept in the store.
//!
//! The keys are upstream's, so that tools which read a cluster's etcd find them
//! (pkg/registry/core/rest/storage_core.go, v1.36: nodes are "minions", services have "specs").

use api::ApiResource;
use store::{Bytes, Range};

/// The key of an object.
pub fn key(resource: &ApiResource, namespace: Option<&str>, name: &str) -> Bytes {
    format!("{}{name}", prefix(resource, namespace)).as_bytes().into()
}

/// The keys of a namespace's objects, or of all.
pub fn range(resource: &ApiResource, namespace: Option<&str>) -> Range {
    Range::prefix(prefix(resource, namespace).as_bytes())
}

fn prefix(resource: &ApiResource, namespace: Option<&str>) -> String {
    let folder = match resource.plural {
        "nodes" => "minions",
        "services" => "services/specs",
        plural => plural,
    };
    match namespace {
        Some(namespace) if resource.namespaced => format!("/registry/{folder}/{namespace}/"),
        Some(_) | None => format!("/registry/{folder}/"),
    }
}
