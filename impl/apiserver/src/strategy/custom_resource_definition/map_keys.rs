//! The keys by which the elements of a list are told apart.

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{flag, get, items, or_null};

const LIST_TYPE: &str = "x-kubernetes-list-type";
const KEYS: &str = "x-kubernetes-list-map-keys";

/// What the keys of a list break.
pub(super) fn causes(path: &str, list: &Value) -> Vec<Cause> {
    let (keys, list_type) = (items(list, &[KEYS]), get(list, &[LIST_TYPE]).and_then(Value::as_str));
    let mut causes = vec![];
    if !keys.is_empty() && list_type != Some("map") {
        let rule = format!("must be map if {KEYS} is non-empty");
        let field = format!("{path}.{LIST_TYPE}");
        causes.push(match list_type {
            None => Cause::required(field, &rule),
            Some(other) => Cause::invalid(field, &json!(other), &rule),
        });
    }
    if list_type == Some("map") {
        causes.extend(map_causes(path, list, keys));
    }
    causes.extend(element_causes(path, list, keys));
    causes
}

fn map_causes(path: &str, list: &Value, keys: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    if keys.is_empty() {
        let why = format!("must not be empty if {LIST_TYPE} is map");
        causes.push(Cause::required(format!("{path}.{KEYS}"), &why));
    }
    let field = format!("{path}.items");
    match get(list, &["items"]) {
        None => {
            let why = format!("must have a schema if {LIST_TYPE} is map");
            causes.push(Cause::required(field, &why));
        }
        Some(Value::Array(_)) => {
            let rule = format!("must only have a single schema if {LIST_TYPE} is map");
            causes.push(Cause::invalid(field, or_null(list, &["items"]), &rule));
        }
        Some(element) => match text(element, &["type"]) {
            "object" => causes.extend(key_causes(path, element, keys)),
            other => {
                let rule = format!("must be object if parent array's {LIST_TYPE} is map");
                causes.push(Cause::invalid(format!("{field}.type"), &json!(other), &rule));
            }
        },
    }
    causes
}

fn key_causes(path: &str, element: &Value, keys: &[Value]) -> Vec<Cause> {
    let field = format!("{path}.{KEYS}");
    let mut causes = vec![];
    for (index, key) in keys.iter().enumerate() {
        let name = key.as_str().unwrap_or_default();
        match get(element, &["properties", name]).map(|property| text(property, &["type"])) {
            Some("array" | "object") => {
                // Upstream shows the type of the element.
                let rule = format!("must be a scalar type if parent array's {LIST_TYPE} is map");
                let field = format!("{path}.items.properties[{name}].type");
                causes.push(Cause::invalid(field, or_null(element, &["type"]), &rule));
            }
            Some(_) => {}
            None => {
                let rule = "entries must all be names of item properties";
                causes.push(Cause::invalid(field.clone(), &json!(keys), rule));
            }
        }
        if keys[..index].contains(key) {
            let rule = "must not contain duplicate entries";
            causes.push(Cause::invalid(field.clone(), &json!(keys), rule));
        }
    }
    causes
}

/// Elements that are told apart are there, and so are their keys.
fn element_causes(path: &str, list: &Value, keys: &[Value]) -> Vec<Cause> {
    let list_type = text(list, &[LIST_TYPE]);
    let element = get(list, &["items"]).filter(|element| element.is_object());
    let Some(element) = element.filter(|_| matches!(list_type, "set" | "map")) else {
        return vec![];
    };
    let mut causes = vec![];
    if flag(element, &["nullable"]) {
        let why = format!("cannot be nullable when {LIST_TYPE} is {list_type}");
        causes.push(Cause::forbidden(format!("{path}.items.nullable"), &why));
    }
    let keys = if list_type == "map" { keys } else { &[] };
    for key in keys {
        let name = key.as_str().unwrap_or_default();
        let Some(property) = get(element, &["properties", name]) else { continue };
        let path = format!("{path}.items.properties[{name}]");
        let is_required = items(element, &["required"]).contains(key);
        if !is_required && get(property, &["default"]).is_none() {
            let why = format!(
                "this property is in {KEYS}, so it must have a default or be a required property"
            );
            causes.push(Cause::required(format!("{path}.default"), &why));
        }
        if flag(property, &["nullable"]) {
            let why = format!("this property is in {KEYS}, so it cannot be nullable");
            causes.push(Cause::forbidden(format!("{path}.nullable"), &why));
        }
    }
    causes
}
