//! The paths of an OpenAPI document: what can be done with the objects of a resource.
//!
//! kubectl looks here whether a PATCH of a kind takes `fieldValidation`, before it applies anything.

use api::schema::Schema;
use api::{ApiResource, resources};
use serde_json::{Value, json};

use super::schemas::reference;
use crate::discovery::proxy_options;

pub(super) const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
const PATCH: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";

const ANSWER_TYPES: &[&str] =
    &["application/json", "application/vnd.kubernetes.protobuf", "application/yaml"];
const PATCH_TYPES: &[&str] = &[
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];

const WRITE_QUERY: &[&str] = &["dryRun", "fieldManager", "fieldValidation"];
const PATCH_QUERY: &[&str] = &["dryRun", "fieldManager", "fieldValidation", "force"];
const DELETE_QUERY: &[&str] =
    &["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];
const LIST_QUERY: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
];

/// What streams are opened with, and what is passed on.
const STREAMED: &[&str] = &["get", "post"];
const PROXIED: &[&str] = &["delete", "get", "head", "options", "patch", "post", "put"];

/// Query parameters that are not texts.
const PARAMETER_TYPES: &[(&str, &str)] = &[
    ("allowWatchBookmarks", "boolean"),
    ("force", "boolean"),
    ("gracePeriodSeconds", "integer"),
    ("limit", "integer"),
    ("orphanDependents", "boolean"),
    ("sendInitialEvents", "boolean"),
    ("timeoutSeconds", "integer"),
    ("watch", "boolean"),
];

/// Group, version and kind.
type Kind<'a> = (&'a str, &'a str, &'a str);

/// One thing that can be done.
struct Operation<'a> {
    /// `x-kubernetes-action`.
    action: &'a str,
    kind: Kind<'a>,
    id: String,
    query: &'a [&'a str],
    body: Option<Value>,
    /// The definition of the answer; `None` for a text.
    answer: Option<&'a str>,
}

/// Every path of a resource with its operations.
pub(super) fn of(resource: &ApiResource) -> Vec<(String, Value)> {
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
        query: WRITE_QUERY,
        body: Some(any_content(definition(kind))),
        answer: Some(definition(kind)),
    };
    let delete = Operation {
        action: "deletecollection",
        kind,
        id: id("delete", resource, "Collection", ""),
        query: DELETE_QUERY,
        body: Some(any_content(DELETE_OPTIONS)),
        answer: Some(STATUS),
    };
    json!({
        "parameters": parameters, "get": value(resource, list(resource, "")),
        "post": value(resource, create), "delete": value(resource, delete),
    })
}

fn list<'a>(resource: &'a ApiResource, suffix: &str) -> Operation<'a> {
    let list = Schema::of_kind(&resource.api_version(), &format!("{}List", resource.kind));
    Operation {
        action: "list",
        kind: kind(resource),
        id: id("list", resource, "", suffix),
        query: LIST_QUERY,
        body: None,
        answer: list.map(|list| list.name.as_str()),
    }
}

fn object(resource: &ApiResource, parameters: &Value) -> Value {
    let delete = Operation {
        action: "delete",
        kind: kind(resource),
        id: id("delete", resource, "", ""),
        query: DELETE_QUERY,
        body: Some(any_content(DELETE_OPTIONS)),
        answer: Some(definition(kind(resource))),
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
        query: PATCH_QUERY,
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
        query: &[],
        body: None,
        answer: Some(definition(kind)),
    }
}

fn put<'a>(resource: &ApiResource, kind: Kind<'a>, suffix: &str) -> Operation<'a> {
    Operation {
        action: "put",
        id: id("replace", resource, "", suffix),
        query: WRITE_QUERY,
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
            let log = Operation { answer: None, ..read(resource, own, &suffix) };
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
    operations["parameters"] = parameters.clone();
    operations
}

fn created(resource: &ApiResource, kind: Kind<'_>, suffix: &str) -> Value {
    let id = id("create", resource, "", suffix);
    json!({"post": value(resource, Operation { action: "post", id, ..put(resource, kind, suffix) })})
}

fn connected(resource: &ApiResource, kind: Kind<'_>, suffix: &str, verbs: &[&str]) -> Value {
    let operation = |verb: &&str| {
        let id = id("connect", resource, &capitalized(verb), suffix);
        let operation =
            Operation { action: "connect", kind, id, query: &[], body: None, answer: None };
        ((*verb).to_owned(), value(resource, operation))
    };
    verbs.iter().map(operation).collect()
}

fn value(resource: &ApiResource, operation: Operation<'_>) -> Value {
    let (group, version, kind) = operation.kind;
    let answer = match operation.answer {
        Some(name) => content(ANSWER_TYPES, &reference(name)),
        None => content(&["text/plain"], &json!({"type": "string"})),
    };
    let query: Vec<Value> = operation.query.iter().map(|name| parameter("query", name)).collect();
    let mut value = json!({
        "operationId": operation.id,
        "description": format!("{} {kind}", operation.action),
        "tags": [tag(resource)],
        "parameters": query,
        "responses": {
            "200": {"description": "OK", "content": answer},
            "401": {"description": "Unauthorized"},
        },
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
    });
    if let Some(body) = operation.body {
        let required = !operation.action.starts_with("delete");
        value["requestBody"] = json!({"content": body, "required": required});
    }
    value
}

fn content(media_types: &[&str], schema: &Value) -> Value {
    media_types.iter().map(|media_type| (*media_type, json!({"schema": schema}))).collect()
}

fn any_content(definition: &str) -> Value {
    content(&["*/*"], &reference(definition))
}

/// The parameters in a path, and the one that every path has.
fn parameters(path: &str) -> Value {
    let in_path = ["namespace", "name", "path"]
        .into_iter()
        .filter(|name| path.contains(&format!("{{{name}}}")));
    let in_path = in_path.map(|name| parameter("path", name));
    in_path.chain([parameter("query", "pretty")]).collect()
}

fn parameter(place: &str, name: &str) -> Value {
    let kind =
        PARAMETER_TYPES.iter().find(|(of, _)| *of == name).map_or("string", |(_, kind)| *kind);
    let mut parameter =
        json!({"in": place, "name": name, "schema": {"type": kind, "uniqueItems": true}});
    if place == "path" {
        parameter["required"] = json!(true);
    }
    parameter
}

fn kind(resource: &ApiResource) -> Kind<'_> {
    (resource.group, resource.version, resource.kind)
}

fn definition((group, version, kind): Kind<'_>) -> &'static str {
    let api_version =
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Schema::of_kind(&api_version, kind).map_or("", |definition| definition.name.as_str())
}

/// `deleteCoreV1CollectionNamespacedPod`.
fn id(verb: &str, resource: &ApiResource, middle: &str, suffix: &str) -> String {
    let namespaced =
        if resource.namespaced && suffix != "ForAllNamespaces" { "Namespaced" } else { "" };
    let (group, version) = (capitalized(&group(resource)), capitalized(resource.version));
    format!("{verb}{group}{version}{middle}{namespaced}{}{suffix}", resource.kind)
}

fn tag(resource: &ApiResource) -> String {
    format!("{}_{}", group(resource), resource.version)
}

/// `core`, `apps`, `coordination`, `rbacAuthorization`.
fn group(resource: &ApiResource) -> String {
    if resource.group.is_empty() {
        return "core".to_owned();
    }
    let short = resource.group.strip_suffix(".k8s.io").unwrap_or(resource.group);
    let mut parts = short.split('.');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| name + &capitalized(part))
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
