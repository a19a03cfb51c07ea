//! What the API server serves, as clients discover it: group by group, or all at once (aggregated).
//!
//! Source: Kubernetes documentation, "The Kubernetes API", discovery; KEP-3352 for the aggregated form.

use api::{ApiResource, resources};
use serde_json::{Value, json};

use crate::call::{Call, Response};

/// The version that `/version` tells.
pub const GIT_VERSION: &str = "v1.36.0+kanon";

/// What can be done with objects that are stored.
const VERBS: &[&str] =
    &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// `/version`.
pub fn version() -> Value {
    json!({"major": "1", "minor": "36", "gitVersion": GIT_VERSION, "gitCommit": "",
        "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "",
        "compiler": "rustc", "platform": "linux/amd64"})
}

/// `/api`, aggregated when the client asks for it.
pub fn core_versions(call: &Call, server_address: &str) -> Response {
    if let Some(response) = aggregated(call, |group| group.is_empty()) {
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
    if let Some(response) = aggregated(call, |group| !group.is_empty()) {
        return response;
    }
    let groups: Vec<Value> = group_versions(|group| !group.is_empty())
        .into_iter()
        .map(|(group, version)| group_value(group, version))
        .collect();
    Response::json(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

/// `/apis/GROUP`.
pub fn group(group: &str) -> Value {
    let version = group_versions(|name| name == group).first().map_or("v1", |(_, version)| version);
    let mut value = group_value(group, version);
    value["kind"] = json!("APIGroup");
    value["apiVersion"] = json!("v1");
    value
}

/// `/apis/GROUP/VERSION`.
pub fn api_resources(group: &str, version: &str) -> Value {
    let list: Vec<Value> = served(group, version).flat_map(legacy).collect();
    let group_version = match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list})
}

fn served<'a>(group: &'a str, version: &'a str) -> impl Iterator<Item = &'static ApiResource> + 'a {
    resources::served()
        .filter(move |resource| resource.group == group && resource.version == version)
}

fn verbs(resource: &ApiResource) -> &'static [&'static str] {
    if resource.is_stored { VERBS } else { &["create"] }
}

fn group_versions(wanted: impl Fn(&str) -> bool) -> Vec<(&'static str, &'static str)> {
    let mut found: Vec<_> = resources::served()
        .map(|resource| (resource.group, resource.version))
        .filter(|(group, _)| wanted(group))
        .collect();
    found.dedup();
    found
}

fn group_value(group: &str, version: &str) -> Value {
    let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
    json!({"name": group, "versions": [version], "preferredVersion": version})
}

fn legacy(resource: &ApiResource) -> Vec<Value> {
    let mut value = json!({"name": resource.plural, "singularName": resource.singular,
        "namespaced": resource.namespaced, "kind": resource.kind, "verbs": verbs(resource)});
    for (field, names) in
        [("shortNames", resource.short_names), ("categories", resource.categories)]
    {
        if !names.is_empty() {
            value[field] = json!(names);
        }
    }
    let subresources = resource.subresources.iter().map(|subresource| {
        let mut value = json!({"name": format!("{}/{subresource}", resource.plural),
            "singularName": "", "namespaced": resource.namespaced, "verbs": verbs_of(subresource)});
        let (group, version, kind) = kind_of(resource, subresource);
        value["kind"] = json!(kind);
        if (group, version) != (resource.group, resource.version) {
            value["group"] = json!(group);
            value["version"] = json!(version);
        }
        value
    });
    std::iter::once(value).chain(subresources).collect()
}

fn verbs_of(subresource: &str) -> &'static [&'static str] {
    match subresource {
        "binding" | "eviction" | "token" => &["create"],
        "log" => &["get"],
        "exec" | "attach" => &["create", "get"],
        "finalize" => &["update"],
        _ => &["get", "patch", "update"],
    }
}

fn kind_of<'a>(resource: &'a ApiResource, subresource: &str) -> (&'a str, &'a str, &'a str) {
    match subresource {
        "binding" => ("", "v1", "Binding"),
        "eviction" => ("policy", "v1", "Eviction"),
        "exec" => ("", "v1", "PodExecOptions"),
        "attach" => ("", "v1", "PodAttachOptions"),
        "scale" => ("autoscaling", "v1", "Scale"),
        "token" => ("authentication.k8s.io", "v1", "TokenRequest"),
        _ => (resource.group, resource.version, resource.kind),
    }
}

fn aggregated(call: &Call, wanted: impl Fn(&str) -> bool) -> Option<Response> {
    let accepts = call.accept.split(',').any(|part| {
        part.contains("as=APIGroupDiscoveryList")
            && part.contains("v=v2")
            && !part.contains("v2beta1")
    });
    if !accepts {
        return None;
    }
    let items: Vec<Value> = group_versions(wanted).into_iter().map(aggregated_group).collect();
    let value = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {}, "items": items});
    let content_type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    Some(Response::bytes(200, content_type, value.to_string().into_bytes()))
}

fn aggregated_group((group, version): (&str, &str)) -> Value {
    let list: Vec<Value> = served(group, version).map(aggregated_resource).collect();
    let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    json!({"metadata": metadata, "versions": [
        {"version": version, "resources": list, "freshness": "Current"}]})
}

fn aggregated_resource(resource: &ApiResource) -> Value {
    let scope = if resource.namespaced { "Namespaced" } else { "Cluster" };
    let mut value = json!({"resource": resource.plural, "singularResource": resource.singular,
        "scope": scope, "verbs": verbs(resource),
        "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind}});
    for (field, names) in
        [("shortNames", resource.short_names), ("categories", resource.categories)]
    {
        if !names.is_empty() {
            value[field] = json!(names);
        }
    }
    if !resource.subresources.is_empty() {
        let subresources = resource.subresources.iter().map(|subresource| {
            let (group, version, kind) = kind_of(resource, subresource);
            json!({"subresource": subresource, "verbs": verbs_of(subresource),
                "responseKind": {"group": group, "version": version, "kind": kind}})
        });
        value["subresources"] = subresources.collect();
    }
    value
}
