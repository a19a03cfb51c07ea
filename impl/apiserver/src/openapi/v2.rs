//! The OpenAPI v2 document, made from those of version 3: `kubectl` up to 1.27 reads it before it patches.
//!
//! Source: kube-openapi/pkg/builder/openapi.go, as of Kubernetes v1.36. Leaves out what version 3 leaves
//! out here, and the list of parameters that several operations share.

use serde_json::{Map, Value, json};

use super::schemas::{PREFIX, set};
use super::{document, roots};

mod protobuf;
#[cfg(test)]
mod tests;

pub(super) use protobuf::encode as protobuf;

const KINDS: &str = "x-kubernetes-group-version-kind";
const PREFIX_V2: &str = "#/definitions/";

/// One document of everything that is served.
pub(super) fn document_v2() -> Value {
    let (mut paths, mut definitions) = (Map::new(), Map::new());
    for document in roots().iter().filter_map(|root| document(root)) {
        paths.extend(
            entries(&document["paths"]).map(|(path, item)| (path.clone(), path_item(item))),
        );
        for (name, schema) in entries(&document["components"]["schemas"]) {
            let mut definition = definition(name, schema);
            add_kinds(&mut definition, definitions.get(name));
            definitions.insert(name.clone(), definition);
        }
    }
    json!({
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "1.36"},
        "paths": paths,
        "definitions": definitions,
        "securityDefinitions": {"BearerToken": {"type": "apiKey", "in": "header",
            "name": "authorization", "description": "Bearer Token authentication"}},
        "security": [{"BearerToken": []}],
    })
}

/// Adds the kinds that a definition has in other documents: `DeleteOptions` are of the group of each.
fn add_kinds(definition: &mut Value, before: Option<&Value>) {
    let before = before.and_then(|before| before[KINDS].as_array()).into_iter().flatten();
    if let Some(kinds) = definition.get_mut(KINDS).and_then(Value::as_array_mut) {
        let missing: Vec<Value> = before.filter(|kind| !kinds.contains(kind)).cloned().collect();
        kinds.extend(missing);
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn definition(name: &str, schema: &Value) -> Value {
    let mut definition = schema_v2(schema);
    // These two are one of several types, which version 2 has no word for.
    if name.ends_with(".Quantity") || name.ends_with(".IntOrString") {
        definition["type"] = json!("string");
    }
    definition
}

/// A schema without what version 2 does not know: alternatives, and defaults, which upstream leaves out.
fn schema_v2(schema: &Value) -> Value {
    let mut converted = Map::new();
    for (name, value) in entries(schema) {
        match name.as_str() {
            "default" | "oneOf" => {}
            "allOf" => converted.extend(entries(&schema_v2(&value[0])).map(owned)),
            "$ref" => drop(converted.insert(name.clone(), reference(value))),
            "items" | "additionalProperties" => {
                converted.insert(name.clone(), schema_v2(value));
            }
            "properties" => {
                let properties =
                    entries(value).map(|(name, value)| (name.clone(), schema_v2(value)));
                converted.insert(name.clone(), properties.collect());
            }
            _ => drop(converted.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(converted)
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

fn reference(value: &Value) -> Value {
    let name = value.as_str().and_then(|reference| reference.strip_prefix(PREFIX));
    Value::from(format!("{PREFIX_V2}{}", name.unwrap_or_default()))
}

fn path_item(item: &Value) -> Value {
    let convert = |(name, value): (&String, &Value)| {
        let converted = match name.as_str() {
            "parameters" => parameters(value),
            _ => operation(value),
        };
        (name.clone(), converted)
    };
    entries(item).map(convert).collect()
}

fn operation(operation: &Value) -> Value {
    let mut converted = operation.clone();
    let body = converted["requestBody"].take();
    if let Some(fields) = converted.as_object_mut() {
        fields.remove("requestBody");
    }
    let answers = &operation["responses"];
    converted["schemes"] = json!(["https"]);
    converted["consumes"] = media_types(&body["content"]);
    converted["produces"] = media_types(&answers["200"]["content"]);
    converted["responses"] =
        entries(answers).map(|(code, answer)| (code.clone(), response(answer))).collect();
    let of_query = parameters(&operation["parameters"]);
    let taken =
        body_parameter(&body).into_iter().chain(of_query.as_array().cloned().into_iter().flatten());
    set(&mut converted, "parameters", taken.collect());
    if operation.get("x-kubernetes-action").is_none() {
        tell_of_api(&mut converted);
    }
    converted
}

/// The body, which is one of the parameters here.
fn body_parameter(body: &Value) -> Option<Value> {
    let (_, content) = entries(&body["content"]).next()?;
    let mut parameter =
        json!({"name": "body", "in": "body", "schema": schema_v2(&content["schema"])});
    if body["required"] == true {
        parameter["required"] = json!(true);
    }
    Some(parameter)
}

/// What tells of the API itself takes nothing. An object is told in whatever form it could be sent in, too.
fn tell_of_api(operation: &mut Value) {
    let is_object = operation["responses"]["200"]["schema"].get("$ref").is_some();
    let produces = operation["produces"].clone();
    let Some(words) = operation.as_object_mut() else { return };
    if is_object {
        words.insert("consumes".to_owned(), produces);
    } else {
        words.remove("consumes");
    }
}

fn media_types(content: &Value) -> Value {
    let known: Vec<&String> = entries(content).map(|(media_type, _)| media_type).collect();
    if known.is_empty() { json!(["*/*"]) } else { json!(known) }
}

fn response(response: &Value) -> Value {
    let mut converted = json!({"description": response["description"]});
    if let Some((_, content)) = entries(&response["content"]).next() {
        converted["schema"] = schema_v2(&content["schema"]);
    }
    converted
}

/// Parameters, each with its type beside its name.
fn parameters(list: &Value) -> Value {
    let convert = |parameter: &Value| {
        let named = entries(parameter).filter(|(name, _)| *name != "schema");
        named.chain(entries(&parameter["schema"])).map(owned).collect::<Value>()
    };
    list.as_array().into_iter().flatten().map(convert).collect()
}
