//! One schema of an OpenAPI document.

use std::collections::BTreeMap;

use api::ApiResource;
use api::schema::{Definition, Field, ListType, PatchStrategy, Schema, Type};
use serde_json::{Map, Value, json};

use super::paths;

/// What references to schemas open with.
pub(super) const PREFIX: &str = "#/components/schemas/";

/// Descriptions of fields by name; the definition's own stands under the empty name.
type Descriptions = BTreeMap<String, String>;

/// A reference to a definition.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("{PREFIX}{name}")})
}

/// The schema of a definition.
pub(super) fn schema(name: &str, descriptions: Option<&Descriptions>) -> Value {
    let mut schema = match Schema::named(name) {
        Some(definition) => object(definition, descriptions),
        None => without_properties(name),
    };
    let description = descriptions.and_then(|descriptions| descriptions.get(""));
    if let Some(description) = description.filter(|description| !description.is_empty()) {
        schema["description"] = json!(description);
    }
    schema
}

/// `DeleteOptions` are a kind of every group and version: of that of the document, too.
pub(super) fn belong_to(schemas: &mut Value, resource: &ApiResource) {
    let options = schemas.get_mut(paths::DELETE_OPTIONS).filter(|_| !resource.group.is_empty());
    let kinds = options.and_then(|options| options.get_mut("x-kubernetes-group-version-kind"));
    if let Some(kinds) = kinds.and_then(Value::as_array_mut) {
        let (group, version) = (resource.group, resource.version);
        kinds.push(json!({"group": group, "version": version, "kind": "DeleteOptions"}));
    }
}

/// Definitions whose JSON is not an object with properties.
fn without_properties(name: &str) -> Value {
    match name.rsplit('.').next() {
        Some("Quantity") => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
        Some("IntOrString") => {
            json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]})
        }
        Some(
            "JSON"
            | "JSONSchemaPropsOrArray"
            | "JSONSchemaPropsOrBool"
            | "JSONSchemaPropsOrStringArray",
        ) => json!({}),
        Some("Time" | "MicroTime") => json!({"type": "string", "format": "date-time"}),
        _ => json!({"type": "object"}),
    }
}

fn object(definition: &Definition, descriptions: Option<&Descriptions>) -> Value {
    let properties: Map<String, Value> = definition
        .fields
        .iter()
        .map(|(name, field)| {
            let description = descriptions.and_then(|descriptions| descriptions.get(name));
            (name.clone(), property(field, description))
        })
        .collect();
    let required = definition.fields.iter().filter(|(_, field)| field.required);
    let required: Vec<&String> = required.map(|(name, _)| name).collect();
    let kinds: Vec<Value> = definition.kinds.iter().map(group_version_kind).collect();

    let mut schema = json!({"type": "object"});
    if !properties.is_empty() {
        schema["properties"] = Value::Object(properties);
    }
    set(&mut schema, "required", json!(required));
    set(&mut schema, "x-kubernetes-group-version-kind", Value::Array(kinds));
    if definition.atomic {
        schema["x-kubernetes-map-type"] = json!("atomic");
    }
    schema
}

/// Sets a list, unless it is empty.
pub(super) fn set(schema: &mut Value, name: &str, list: Value) {
    if list.as_array().is_some_and(|list| !list.is_empty()) {
        schema[name] = list;
    }
}

fn group_version_kind((api_version, kind): &(String, String)) -> Value {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version.as_str()));
    json!({"group": group, "version": version, "kind": kind})
}

/// A reference beside which other words stand must be wrapped: OpenAPI 3.0 ignores siblings of `$ref`.
fn property(field: &Field, description: Option<&String>) -> Value {
    let mut property = words(field);
    if let Some(description) = description.filter(|description| !description.is_empty()) {
        property["description"] = json!(description);
    }
    let mut shape = shape(&field.value);
    if shape.get("$ref").is_some() && property != json!({}) {
        shape = json!({"allOf": [shape]});
    }
    if let (Some(property), Value::Object(shape)) = (property.as_object_mut(), shape) {
        property.extend(shape);
    }
    property
}

/// What a field says beside the type of its value.
fn words(field: &Field) -> Value {
    let mut property = json!({});
    if let Some(default) = default(field) {
        property["default"] = default;
    }
    if field.atomic {
        property["x-kubernetes-map-type"] = json!("atomic");
    }
    if let Some(list_type) = &field.list_type {
        list(&mut property, list_type);
    }
    if let Some(strategy) = strategy(field.patch_strategy) {
        property["x-kubernetes-patch-strategy"] = json!(strategy);
    }
    if let Some(merge_key) = &field.merge_key {
        property["x-kubernetes-patch-merge-key"] = json!(merge_key);
    }
    property
}

/// What stands for a field that is absent: what its type says, else Go's zero where that is written anyway.
///
/// Source: kube-openapi/pkg/generators/openapi.go, as of Kubernetes v1.36 (`mustEnforceDefault`).
fn default(field: &Field) -> Option<Value> {
    let is_zero = match &field.value {
        Type::Object(_) => !field.pointer,
        Type::String | Type::Int32 | Type::Int64 | Type::Number | Type::Boolean => {
            field.is_written() && !field.pointer
        }
        Type::Bytes
        | Type::Quantity
        | Type::Time
        | Type::MicroTime
        | Type::IntOrString
        | Type::FieldsV1
        | Type::RawExtension
        | Type::Json
        | Type::JsonSchemaOr(_)
        | Type::List(_)
        | Type::Map(_) => false,
    };
    field.default.clone().or_else(|| is_zero.then(|| field.value.zero()))
}

fn list(property: &mut Value, list_type: &ListType) {
    let name = match list_type {
        ListType::Atomic => "atomic",
        ListType::Set => "set",
        ListType::Map { keys } => {
            property["x-kubernetes-list-map-keys"] = json!(keys);
            "map"
        }
    };
    property["x-kubernetes-list-type"] = json!(name);
}

fn strategy(strategy: PatchStrategy) -> Option<String> {
    let parts = [
        (strategy.merge, "merge"),
        (strategy.replace, "replace"),
        (strategy.retain_keys, "retainKeys"),
    ];
    let parts: Vec<&str> =
        parts.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect();
    (!parts.is_empty()).then(|| parts.join(","))
}

fn shape(value: &Type) -> Value {
    match value {
        Type::String => json!({"type": "string"}),
        Type::Bytes => json!({"type": "string", "format": "byte"}),
        Type::Int32 => json!({"type": "integer", "format": "int32"}),
        Type::Int64 => json!({"type": "integer", "format": "int64"}),
        Type::Number => json!({"type": "number", "format": "double"}),
        Type::Boolean => json!({"type": "boolean"}),
        Type::List(element) => json!({"type": "array", "items": shape(element)}),
        Type::Map(element) => json!({"type": "object", "additionalProperties": shape(element)}),
        Type::Quantity
        | Type::Time
        | Type::MicroTime
        | Type::IntOrString
        | Type::FieldsV1
        | Type::RawExtension
        | Type::Json
        | Type::JsonSchemaOr(_)
        | Type::Object(_) => reference(value.name().unwrap_or_default()),
    }
}
