//! The paths of an OpenAPI document: what can be done with the objects of a resource.
//!
//! kubectl looks here whether a PATCH of a kind takes `fieldValidation`, before it applies anything.

use api::schema::Schema;
use api::{ApiResource, resources};
use serde_json::{Value, json};

use super::schemas::reference;
use crate::discovery::{proxy_options, verbs};
use crate::strategy;
use operation::{
    Kind, Operation, any_content, capitalized, definition, id, kind, parameter, parameters, value,
    with_article,
};
pub(super) use operation::{content, group, group_name, tag, version_name};

mod operation;
mod query;

pub(super) const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
const PATCH: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";

const PATCH_TYPES: &[&str] = &[
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];

/// What streams are opened with, and what is passed on.
const STREAMED: &[&str] = &["get", "post"];
const PROXIED: &[&str] = &["delete", "get", "head", "options", "patch", "post", "put"];

/// Every path of a resource with its operations.
pub(super) fn of(resource: &ApiResource) -> Vec<(String, Value)> {
    all_of(resource).into_iter().map(|(path, item)| (path, hoisted(item))).collect()
}

/// What all operations of a path take is told of the path: here, what its only one takes.
fn hoisted(mut item: Value) -> Value {
    if let Some(operations) = item.as_object_mut().filter(|operations| operations.len() <= 2) {
        let own = operations.iter_mut().filter(|(name, _)| *name != "parameters");
        let mut taken: Vec<Value> = vec![];
        for (_, operation) in own {
            let parameters = operation.as_object_mut().and_then(|words| words.remove("parameters"));
            taken.extend(parameters.iter().filter_map(Value::as_array).flatten().cloned());
        }
        let parameters = operations.entry("parameters").or_insert_with(|| parameters(""));
        taken.extend(parameters.as_array().cloned().unwrap_or_default());
        *parameters = Value::Array(taken);
    }
    item
}

fn all_of(resource: &ApiResource) -> Vec<(String, Value)> {
    let collection = resource.path(Some("{namespace}"));
    if resource == &resources::COMPONENT_STATUSES {
        return probed(resource, &collection);
    }
    if !resource.is_stored {
        let mut operations = created(resource, kind(resource), "");
        operations["parameters"] = parameters(&collection);
        return vec![(collection, operations)];
    }
    let one = format!("{collection}/{{name}}");
    let mut paths = vec![
        (one.clone(), object(resource, &parameters(&one))),
        (collection.clone(), all(resource, &parameters(&collection))),
    ];
    if resource.namespaced {
        let operation = list(resource, "ForAllNamespaces");
        paths.push((resource.path(None), json!({"get": value(resource, operation)})));
    }
    for name in resource.subresources {
        let path = format!("{one}/{name}");
        let operations = subresource(resource, name, "", &parameters(&path));
        paths.push((path.clone(), operations));
        if *name == "proxy" {
            let path = format!("{path}/{{path}}");
            let operations = subresource(resource, name, "WithPath", &parameters(&path));
            paths.push((path, operations));
        }
    }
    paths
}

/// What can only be read.
fn probed(resource: &ApiResource, collection: &str) -> Vec<(String, Value)> {
    let one = format!("{collection}/{{name}}");
    let read = value(resource, read(resource, kind(resource), ""));
    let list = value(resource, list(resource, ""));
    let item = |path: &str, operation: Value| {
        let item = json!({"get": operation, "parameters": parameters(path)});
        (path.to_owned(), item)
    };
    vec![item(&one, read), item(collection, list)]
}

fn all(resource: &ApiResource, parameters: &Value) -> Value {
    let kind = kind(resource);
    let create = Operation {
        action: "post",
        kind,
        id: id("create", resource, "", ""),
        description: format!("create {}", with_article(resource.kind)),
        query: query::WRITE,
        body: Some(any_content(definition(kind))),
        answer: Some(definition(kind)),
    };
    let delete = Operation {
        action: "deletecollection",
        kind,
        id: id("delete", resource, "Collection", ""),
        description: format!("delete collection of {}", resource.kind),
        query: query::DELETE_COLLECTION,
        body: Some(any_content(DELETE_OPTIONS)),
        answer: Some(STATUS),
    };
    let mut operations = json!({
        "parameters": parameters, "get": value(resource, list(resource, "")),
        "post": value(resource, create),
    });
    if verbs(resource).contains(&"deletecollection") {
        operations["delete"] = value(resource, delete);
    }
    operations
}

fn list<'a>(resource: &'a ApiResource, suffix: &str) -> Operation<'a> {
    let list = Schema::of_kind(&resource.api_version(), &format!("{}List", resource.kind));
    Operation {
        action: "list",
        kind: kind(resource),
        id: id("list", resource, "", suffix),
        description: format!("list {}objects of kind {}", or_watch(resource), resource.kind),
        query: query::LIST,
        body: None,
        answer: list.map(|list| list.name.as_str()),
    }
}

fn object(resource: &ApiResource, parameters: &Value) -> Value {
    let delete = Operation {
        action: "delete",
        kind: kind(resource),
        id: id("delete", resource, "", ""),
        description: format!("delete {}", with_article(resource.kind)),
        query: query::DELETE,
        body: Some(any_content(DELETE_OPTIONS)),
        answer: Some(deleted(resource)),
    };
    let mut operations = get_put_patch(resource, kind(resource), "");
    operations["delete"] = value(resource, delete);
    operations["parameters"] = parameters.clone();
    operations
}

fn get_put_patch(resource: &ApiResource, kind: Kind<'_>, suffix: &str) -> Value {
    let patch = Operation {
        action: "patch",
        kind,
        id: id("patch", resource, "", suffix),
        description: format!("partially update {}", specified(resource, suffix)),
        query: query::PATCH,
        body: Some(content(PATCH_TYPES, &reference(PATCH))),
        answer: Some(definition(kind)),
    };
    json!({
        "get": value(resource, read(resource, kind, suffix)),
        "put": value(resource, put(resource, kind, suffix)),
        "patch": value(resource, patch),
    })
}

fn read<'a>(resource: &ApiResource, kind: Kind<'a>, suffix: &str) -> Operation<'a> {
    Operation {
        action: "get",
        kind,
        id: id("read", resource, "", suffix),
        description: format!("read {}", specified(resource, suffix)),
        query: &[],
        body: None,
        answer: Some(definition(kind)),
    }
}

fn put<'a>(resource: &ApiResource, kind: Kind<'a>, suffix: &str) -> Operation<'a> {
    Operation {
        action: "put",
        id: id("replace", resource, "", suffix),
        description: format!("replace {}", specified(resource, suffix)),
        query: query::WRITE,
        body: Some(any_content(definition(kind))),
        ..read(resource, kind, suffix)
    }
}

fn subresource(resource: &ApiResource, name: &str, more: &str, parameters: &Value) -> Value {
    let suffix = capitalized(name) + more;
    let own = kind(resource);
    let mut operations = match name {
        "binding" => created(resource, ("", "v1", "Binding"), &suffix),
        "eviction" => created(resource, ("policy", "v1", "Eviction"), &suffix),
        "token" => created(resource, ("authentication.k8s.io", "v1", "TokenRequest"), &suffix),
        "scale" => get_put_patch(resource, ("autoscaling", "v1", "Scale"), &suffix),
        "finalize" => json!({"put": value(resource, put(resource, own, &suffix))}),
        "log" => {
            let log = Operation { answer: None, query: query::LOG, ..read(resource, own, &suffix) };
            json!({"get": value(resource, log)})
        }
        "attach" => connected(resource, ("", "v1", "PodAttachOptions"), &suffix, STREAMED),
        "exec" => connected(resource, ("", "v1", "PodExecOptions"), &suffix, STREAMED),
        "portforward" => {
            connected(resource, ("", "v1", "PodPortForwardOptions"), &suffix, STREAMED)
        }
        "proxy" => connected(resource, ("", "v1", proxy_options(resource)), &suffix, PROXIED),
        _ => get_put_patch(resource, own, &suffix),
    };
    operations["parameters"] = match query::streamed(name) {
        Some(query) => streamed_parameters(parameters, query),
        None => parameters.clone(),
    };
    operations
}

/// The parameters of the path, but for how an answer is written, and those of the query.
fn streamed_parameters(of_path: &Value, query: &[&str]) -> Value {
    let of_path = of_path.as_array().into_iter().flatten().cloned();
    let of_path = of_path.filter(|parameter| parameter["in"] == "path");
    of_path.chain(query.iter().map(|name| parameter("query", name))).collect()
}

fn created(resource: &ApiResource, kind: Kind<'_>, suffix: &str) -> Value {
    let id = id("create", resource, "", suffix);
    let article = with_article(resource.kind);
    let description = match suffix {
        "" => format!("create {article}"),
        suffix => format!("create {} of {article}", suffix.to_lowercase()),
    };
    let post = Operation { action: "post", id, description, ..put(resource, kind, suffix) };
    json!({"post": value(resource, post)})
}

fn connected(resource: &ApiResource, kind: Kind<'_>, suffix: &str, verbs: &[&str]) -> Value {
    let operation = |verb: &&str| {
        let id = id("connect", resource, &capitalized(verb), suffix);
        let part = suffix.trim_end_matches("WithPath").to_lowercase();
        let method = verb.to_uppercase();
        let description = format!("connect {method} requests to {part} of {}", resource.kind);
        let (query, body, answer) = (&[][..], None, None);
        let operation = Operation { action: "connect", kind, id, description, query, body, answer };
        ((*verb).to_owned(), value(resource, operation))
    };
    verbs.iter().map(operation).collect()
}

/// The definition of what a deletion is said to answer. That of a Namespace answers another, in upstream as here.
fn deleted(resource: &ApiResource) -> &'static str {
    let is_said = strategy::returns_deleted_object(resource) && resource.kind != "Namespace";
    if is_said { definition(kind(resource)) } else { STATUS }
}

/// `the specified Pod`, `status of the specified Pod`.
fn specified(resource: &ApiResource, suffix: &str) -> String {
    let part = if suffix.is_empty() { String::new() } else { suffix.to_lowercase() + " of " };
    format!("{part}the specified {}", resource.kind)
}

fn or_watch(resource: &ApiResource) -> &'static str {
    if resource.is_stored { "or watch " } else { "" }
}
