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

/// The keys of the objects that may have this name, where it is known in which namespace; else as `range`.
pub(crate) fn range_of_name(
    resource: &ApiResource,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Range {
    match name {
        Some(name) if namespace.is_some() || !resource.namespaced => {
            Range::Key(key(resource, namespace, name))
        }
        Some(_) | None => range(resource, namespace),
    }
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
