//! One operation of a path: what is told of it, and by which names.
//!
//! Source: apiserver/pkg/endpoints/installer.go, v1.36. Leaves out CBOR, which is not served, and what
//! parameters mean.

use api::ApiResource;
use api::schema::Schema;
use serde_json::{Map, Value, json};

use super::reference;

const ANSWER_TYPES: &[&str] =
    &["application/json", "application/vnd.kubernetes.protobuf", "application/yaml"];
const LIST_TYPES: &[&str] = &[
    "application/json",
    "application/json;stream=watch",
    "application/vnd.kubernetes.protobuf",
    "application/vnd.kubernetes.protobuf;stream=watch",
    "application/yaml",
];
const LOG_TYPES: &[&str] =
    &["application/json", "application/vnd.kubernetes.protobuf", "application/yaml", "text/plain"];

const OK: (&str, &str) = ("200", "OK");
const CREATED: (&str, &str) = ("201", "Created");
const ACCEPTED: (&str, &str) = ("202", "Accepted");

/// Query parameters that are not texts.
const PARAMETER_TYPES: &[(&str, &str)] = &[
    ("allowWatchBookmarks", "boolean"),
    ("follow", "boolean"),
    ("force", "boolean"),
    ("gracePeriodSeconds", "integer"),
    ("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"),
    ("insecureSkipTLSVerifyBackend", "boolean"),
    ("limit", "integer"),
    ("limitBytes", "integer"),
    ("orphanDependents", "boolean"),
    ("ports", "integer"),
    ("previous", "boolean"),
    ("sendInitialEvents", "boolean"),
    ("sinceSeconds", "integer"),
    ("stderr", "boolean"),
    ("stdin", "boolean"),
    ("stdout", "boolean"),
    ("tailLines", "integer"),
    ("timeoutSeconds", "integer"),
    ("timestamps", "boolean"),
    ("tty", "boolean"),
    ("watch", "boolean"),
];

/// Group, version and kind.
pub(super) type Kind<'a> = (&'a str, &'a str, &'a str);

/// One thing that can be done.
pub(super) struct Operation<'a> {
    /// `x-kubernetes-action`.
    pub(super) action: &'a str,
    pub(super) kind: Kind<'a>,
    pub(super) id: String,
    pub(super) description: String,
    pub(super) query: &'a [&'a str],
    pub(super) body: Option<Value>,
    /// The definition of the answer; `None` for a text.
    pub(super) answer: Option<&'a str>,
}

/// An operation as the document tells it.
pub(super) fn value(resource: &ApiResource, operation: Operation<'_>) -> Value {
    let (group, version, kind) = operation.kind;
    let text = json!({"type": "string"});
    let answer = match (operation.answer, operation.action) {
        (Some(name), "list") => content(LIST_TYPES, &reference(name)),
        (Some(name), _) => content(ANSWER_TYPES, &reference(name)),
        (None, "connect") => content(&["*/*"], &text),
        (None, _) => content(LOG_TYPES, &text),
    };
    let codes: &[(&str, &str)] = match operation.action {
        "post" => &[OK, CREATED, ACCEPTED],
        "put" | "patch" => &[OK, CREATED],
        "delete" => &[OK, ACCEPTED],
        _ => &[OK],
    };
    let mut responses: Map<String, Value> = codes
        .iter()
        .map(|(code, what)| ((*code).to_owned(), json!({"description": what, "content": answer})))
        .collect();
    responses.insert("401".to_owned(), json!({"description": "Unauthorized"}));
    let query: Vec<Value> = operation.query.iter().map(|name| parameter("query", name)).collect();
    let mut value = json!({
        "operationId": operation.id,
        "description": operation.description,
        "tags": [tag(resource)],
        "responses": responses,
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
    });
    if !query.is_empty() {
        value["parameters"] = Value::Array(query);
    }
    if let Some(body) = operation.body {
        value["requestBody"] = json!({"content": body});
        if !operation.action.starts_with("delete") {
            value["requestBody"]["required"] = json!(true);
        }
    }
    value
}

/// The same schema in each of these media types.
pub(in crate::openapi) fn content(media_types: &[&str], schema: &Value) -> Value {
    media_types.iter().map(|media_type| (*media_type, json!({"schema": schema}))).collect()
}

/// A definition in any media type.
pub(super) fn any_content(definition: &str) -> Value {
    content(&["*/*"], &reference(definition))
}

/// The parameters in a path, and the one that every path has.
pub(super) fn parameters(path: &str) -> Value {
    let in_path = ["namespace", "name", "path"]
        .into_iter()
        .filter(|name| path.contains(&format!("{{{name}}}")));
    let in_path = in_path.map(|name| parameter("path", name));
    in_path.chain([parameter("query", "pretty")]).collect()
}

/// A parameter in a path or a query.
pub(super) fn parameter(place: &str, name: &str) -> Value {
    let kind =
        PARAMETER_TYPES.iter().find(|(of, _)| *of == name).map_or("string", |(_, kind)| *kind);
    let mut parameter =
        json!({"in": place, "name": name, "schema": {"type": kind, "uniqueItems": true}});
    if place == "path" {
        parameter["required"] = json!(true);
    }
    parameter
}

/// The kind of a resource.
pub(super) fn kind(resource: &ApiResource) -> Kind<'_> {
    (resource.group, resource.version, resource.kind)
}

/// The name of the definition of a kind.
pub(super) fn definition((group, version, kind): Kind<'_>) -> &'static str {
    let api_version =
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Schema::of_kind(&api_version, kind).map_or("", |definition| definition.name.as_str())
}

/// `deleteCoreV1CollectionNamespacedPod`.
pub(super) fn id(verb: &str, resource: &ApiResource, middle: &str, suffix: &str) -> String {
    let namespaced =
        if resource.namespaced && suffix != "ForAllNamespaces" { "Namespaced" } else { "" };
    let (group, version) = (group_name(resource), version_name(resource));
    format!("{verb}{group}{version}{middle}{namespaced}{}{suffix}", resource.kind)
}

/// `apps_v1`.
pub(in crate::openapi) fn tag(resource: &ApiResource) -> String {
    format!("{}_{}", group(resource), resource.version)
}

/// `Core`, `RbacAuthorization`.
pub(in crate::openapi) fn group_name(resource: &ApiResource) -> String {
    capitalized(&group(resource))
}

/// `V1`.
pub(in crate::openapi) fn version_name(resource: &ApiResource) -> String {
    capitalized(resource.version)
}

/// `core`, `apps`, `coordination`, `rbacAuthorization`.
pub(in crate::openapi) fn group(resource: &ApiResource) -> String {
    if resource.group.is_empty() {
        return "core".to_owned();
    }
    let short = resource.group.strip_suffix(".k8s.io").unwrap_or(resource.group);
    let mut parts = short.split('.');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| name + &capitalized(part))
}

/// With a capital letter.
pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// `a Pod`, `an Ingress`, `Endpoints`, which are several.
pub(super) fn with_article(kind: &str) -> String {
    if kind.ends_with('s') && !kind.ends_with("ss") {
        return kind.to_owned();
    }
    let article = if kind.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
    format!("{article} {kind}")
}
