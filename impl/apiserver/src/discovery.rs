//! What the API server serves, as clients discover it: group by group, or all at once (aggregated).
//!
//! Source: Kubernetes documentation, "The Kubernetes API", discovery; KEP-3352 for the aggregated form; for
//! the order, `apiVersionPriorities` in pkg/controlplane/apiserver/aggregator.go, v1.36.

mod subresource;
#[cfg(test)]
mod tests;

use api::{ApiResource, resources};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::CACHE_CONTROL;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::call::{Call, Response};
use crate::{entity_tag, version};
use subresource::Subresource;
pub(crate) use subresource::proxy_options;

/// The version that `/version` tells.
pub const GIT_VERSION: &str = "v1.36.0+kanon";

/// The groups in the order in which clients look for a name that several have: by priority.
const GROUPS: &[(&str, i64)] = &[
    ("", 18000),
    ("apiregistration.k8s.io", 18000),
    ("apps", 17800),
    ("events.k8s.io", 17750),
    ("authentication.k8s.io", 17700),
    ("authorization.k8s.io", 17600),
    ("autoscaling", 17500),
    ("batch", 17400),
    ("certificates.k8s.io", 17300),
    ("networking.k8s.io", 17200),
    ("policy", 17100),
    ("rbac.authorization.k8s.io", 17000),
    ("storage.k8s.io", 16800),
    ("admissionregistration.k8s.io", 16700),
    ("apiextensions.k8s.io", 16700),
    ("scheduling.k8s.io", 16600),
    ("coordination.k8s.io", 16500),
    ("node.k8s.io", 16300),
    ("discovery.k8s.io", 16200),
    ("resource.k8s.io", 16200),
    ("flowcontrol.apiserver.k8s.io", 16100),
];

/// A group and version with its place among the others, in the words of an APIService.
pub(crate) struct GroupVersion {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) group_priority: i64,
    pub(crate) version_priority: i64,
}

/// Every group and version that can be asked for as an APIService.
pub(crate) fn group_versions() -> impl Iterator<Item = GroupVersion> {
    // The group of APIServices needs none to be found.
    let groups = GROUPS.iter().filter(|(group, _)| *group != resources::API_SERVICES.group);
    groups.flat_map(|(group, group_priority)| {
        versions(group).into_iter().map(move |version| GroupVersion {
            group,
            version,
            group_priority: *group_priority,
            version_priority: version_priority(group, version),
        })
    })
}

fn version_priority(group: &str, version: &str) -> i64 {
    match (group, version) {
        ("", _) => 1,
        ("autoscaling", "v2") => 30,
        ("resource.k8s.io" | "flowcontrol.apiserver.k8s.io", _) => 21,
        _ => 15,
    }
}

/// What can be done with objects that are stored.
const VERBS: &[&str] =
    &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
/// Namespaces go one by one.
const NAMESPACE_VERBS: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];

/// What it is written in, in the field for the version of Go.
const RUST_VERSION: &str = concat!("rust", env!("CARGO_PKG_RUST_VERSION"));

/// `/version`. It does not know the commit that it was built from, nor when.
pub fn version() -> Value {
    json!({"major": "1", "minor": "36", "gitVersion": GIT_VERSION, "gitCommit": "unknown",
        "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": RUST_VERSION,
        "compiler": "rustc", "platform": "linux/amd64"})
}

/// `/api`, aggregated when the client asks for it.
pub fn core_versions(call: &Call, server_address: &str) -> Response {
    if let Some(response) = aggregated(call, &GROUPS[..1]) {
        return response;
    }
    let addresses = json!([{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}]);
    Response::json(
        200,
        &json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}),
    )
}

/// `/apis`, aggregated when the client asks for it.
pub fn groups(call: &Call) -> Response {
    if let Some(response) = aggregated(call, &GROUPS[1..]) {
        return response;
    }
    let groups = GROUPS[1..].iter().filter(|(group, _)| !versions(group).is_empty());
    let groups: Vec<Value> = groups.map(|(group, _)| group_value(group)).collect();
    Response::json(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

/// `/apis/GROUP`.
pub fn group(group: &str) -> Value {
    let mut value = group_value(group);
    value["kind"] = json!("APIGroup");
    value["apiVersion"] = json!("v1");
    value
}

/// `/apis/GROUP/VERSION`.
pub fn api_resources(group: &str, version: &str) -> Value {
    let list: Vec<Value> = served(group, version).into_iter().flat_map(legacy).collect();
    let group_version = match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    let mut value =
        json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": list});
    // Upstream says it for all groups but the first.
    if !group.is_empty() {
        value["apiVersion"] = json!("v1");
    }
    value
}

/// The resources of a group and version, by name.
fn served(group: &str, version: &str) -> Vec<&'static ApiResource> {
    let is_of = |resource: &&ApiResource| (resource.group, resource.version) == (group, version);
    let mut found: Vec<_> = resources::served().filter(is_of).collect();
    found.sort_by_key(|resource| resource.plural);
    found
}

/// What can be done with the objects of a resource.
pub(crate) fn verbs(resource: &ApiResource) -> &'static [&'static str] {
    match (resource.is_stored, resource.kind) {
        (false, "ComponentStatus") => &["get", "list"],
        (false, _) => &["create"],
        (true, "Namespace") => NAMESPACE_VERBS,
        (true, _) => VERBS,
    }
}

/// The versions of a group, the preferred one first.
fn versions(group: &str) -> Vec<&'static str> {
    let of_group = resources::served().filter(|resource| resource.group == group);
    let mut found: Vec<_> = of_group.map(|resource| resource.version).collect();
    found.dedup();
    found
}

fn group_value(group: &str) -> Value {
    let version =
        |version: &str| json!({"groupVersion": format!("{group}/{version}"), "version": version});
    let versions: Vec<Value> = versions(group).into_iter().map(version).collect();
    json!({"name": group, "versions": versions, "preferredVersion": versions.first()})
}

fn legacy(resource: &'static ApiResource) -> Vec<Value> {
    let mut value = json!({"name": resource.plural, "singularName": resource.singular,
        "namespaced": resource.namespaced, "kind": resource.kind, "verbs": verbs(resource)});
    set_names(&mut value, resource);
    if resource.is_stored {
        value["storageVersionHash"] = json!(storage_version_hash(resource));
    }
    let subresources = Subresource::all_of(resource).map(|subresource| {
        let mut value = json!({"name": format!("{}/{}", resource.plural, subresource.name),
            "singularName": "", "namespaced": resource.namespaced, "verbs": subresource.verbs,
            "kind": subresource.kind});
        if !subresource.version.is_empty() {
            value["group"] = json!(subresource.group);
            value["version"] = json!(subresource.version);
        }
        value
    });
    std::iter::once(value).chain(subresources).collect()
}

fn set_names(value: &mut Value, resource: &ApiResource) {
    for (field, names) in
        [("shortNames", resource.short_names), ("categories", resource.categories)]
    {
        if !names.is_empty() {
            value[field] = json!(names);
        }
    }
}

/// In which version objects are stored, as a text that changes with it.
/// Source: apiserver/pkg/endpoints/discovery/storageversionhash.go, v1.36.
fn storage_version_hash(resource: &ApiResource) -> String {
    let stored = version::of(resource).map_or(resource, |version| version.stored);
    let text = format!("{}/{}/{}", stored.group, stored.version, stored.kind);
    STANDARD.encode(&Sha256::digest(text)[..8])
}

fn aggregated(call: &Call, groups: &[(&str, i64)]) -> Option<Response> {
    let accepts = call.accept.split(',').any(|part| {
        part.contains("as=APIGroupDiscoveryList")
            && part.contains("v=v2")
            && !part.contains("v2beta1")
    });
    if !accepts {
        return None;
    }
    let groups = groups.iter().filter(|(group, _)| !versions(group).is_empty());
    let items: Vec<Value> = groups.map(|(group, _)| aggregated_group(group)).collect();
    let value = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {}, "items": items});
    let content_type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let body = value.to_string().into_bytes();
    let tag = entity_tag::of(&body);
    let response = entity_tag::not_modified(call, &tag);
    let whole = || entity_tag::tagged(Response::bytes(200, content_type, body), &tag);
    let mut response = response.unwrap_or_else(whole);
    response.headers.push((CACHE_CONTROL, "public".to_owned()));
    Some(response)
}

fn aggregated_group(group: &str) -> Value {
    let version = |version: &'static str| {
        let list: Vec<Value> =
            served(group, version).into_iter().map(aggregated_resource).collect();
        json!({"version": version, "resources": list, "freshness": "Current"})
    };
    let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    json!({"metadata": metadata,
        "versions": versions(group).into_iter().map(version).collect::<Vec<_>>()})
}

fn aggregated_resource(resource: &'static ApiResource) -> Value {
    let scope = if resource.namespaced { "Namespaced" } else { "Cluster" };
    let mut value = json!({"resource": resource.plural, "singularResource": resource.singular,
        "scope": scope, "verbs": verbs(resource),
        "responseKind": {"group": "", "version": "", "kind": resource.kind}});
    set_names(&mut value, resource);
    if !resource.subresources.is_empty() {
        let subresources = Subresource::all_of(resource).map(|subresource| {
            let Subresource { name, group, version, kind, verbs } = subresource;
            json!({"subresource": name, "verbs": verbs,
                "responseKind": {"group": group, "version": version, "kind": kind}})
        });
        value["subresources"] = subresources.collect();
    }
    value
}
