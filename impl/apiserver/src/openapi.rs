//! OpenAPI documents of what is served, version 3 and 2, made from the schemas; `kubectl explain` and `apply` read them.
//!
//! Source: KEP-2896, and the documents that Kubernetes v1.36 publishes, whose shapes these have. Leaves
//! out the enums that upstream tells, and the deprecated `/watch/` paths.

use std::collections::BTreeSet;

use api::{ApiResource, resources};
use serde_json::{Map, Value, json};

mod discovery;
mod gnostic;
mod paths;
mod schemas;
mod serve;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod upstream;
mod v2;
mod v3;

pub(crate) use serve::{index, version_2, version_3};

/// `/openapi/v3/api/v1`, `/openapi/v3/apis/apps/v1`, `/openapi/v3/version`: the document below that path.
fn document(below: &str) -> Option<Value> {
    let served: Vec<&ApiResource> =
        resources::served().filter(|resource| root(resource) == below).collect();
    let paths: Value = match served.first() {
        Some(first) => {
            let of_objects = served.iter().copied().flat_map(paths::of);
            of_objects.chain([discovery::resources_of(first)]).collect()
        }
        None => discovery::paths(below)?,
    };
    let mut schemas = schemas(&paths);
    if let Some(first) = served.first() {
        schemas::belong_to(&mut schemas, first);
    }
    let security = json!({"BearerToken": {"type": "apiKey", "in": "header", "name": "authorization",
        "description": "Bearer Token authentication"}});
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "1.36"},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": security},
    }))
}

/// The path below which a resource is served, without the first slash.
fn root(resource: &ApiResource) -> String {
    match resource.group {
        "" => format!("api/{}", resource.version),
        group => format!("apis/{group}/{}", resource.version),
    }
}

fn roots() -> BTreeSet<String> {
    resources::served().map(root).chain(discovery::roots()).collect()
}

/// Every schema that the paths refer to, and those that these refer to.
fn schemas(paths: &Value) -> Value {
    let descriptions = api::schema::Schema::descriptions();
    let mut missing = BTreeSet::new();
    collect_references(paths, &mut missing);
    let mut schemas = Map::new();
    while let Some(name) = missing.pop_first() {
        let schema = schemas::schema(&name, descriptions.get(&name));
        let mut referred = BTreeSet::new();
        collect_references(&schema, &mut referred);
        schemas.insert(name, schema);
        missing.extend(referred.into_iter().filter(|name| !schemas.contains_key(name)));
    }
    Value::Object(schemas)
}

fn collect_references(value: &Value, names: &mut BTreeSet<String>) {
    if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
        names.extend(reference.strip_prefix(schemas::PREFIX).map(str::to_owned));
    }
    let fields = value.as_object().into_iter().flat_map(Map::values);
    let items = value.as_array().into_iter().flatten();
    for inner in fields.chain(items) {
        collect_references(inner, names);
    }
}
