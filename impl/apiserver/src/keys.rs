//! Where objects are kept in the store.
//!
//! The keys are upstream's, so that tools which read a cluster's etcd find them
//! (`SpecialDefaultResourcePrefixes` in pkg/kubeapiserver/default_storage_factory_builder.go, v1.36).

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
        "apiservices" => "apiregistration.k8s.io/apiservices",
        "customresourcedefinitions" => "apiextensions.k8s.io/customresourcedefinitions",
        "endpoints" => "services/endpoints",
        "ingresses" => "ingress",
        "nodes" => "minions",
        "replicationcontrollers" => "controllers",
        "services" => "services/specs",
        plural => plural,
    };
    match namespace {
        Some(namespace) if resource.namespaced => format!("/registry/{folder}/{namespace}/"),
        Some(_) | None => format!("/registry/{folder}/"),
    }
}
