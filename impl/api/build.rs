//! Makes the table of schemas that `src/schema.rs` reads.
//!
//! `k8s-openapi` gives definitions, properties and descriptions; the sources of `k8s-pb` give protobuf
//! field numbers and Go's markers for lists, maps and patches; `build/go.rs` gives what neither knows.

use std::path::Path;
use std::{env, fs};

use serde_json::{Value, json};

use crate::definitions::{Definition, Definitions, Field};

#[path = "build/definitions.rs"]
mod definitions;
#[path = "build/go.rs"]
mod go;
#[path = "build/messages.rs"]
mod messages;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");

    let mut definitions = definitions::all();
    messages::join(&mut definitions);
    go::join(&mut definitions);

    write("schema.json", &table(&definitions));
    write("descriptions.json", &descriptions(&definitions));
}

fn write(name: &str, value: &Value) {
    let folder = env::var("OUT_DIR").expect("cargo sets OUT_DIR for a build script");
    let path = Path::new(&folder).join(name);
    fs::write(&path, value.to_string()).expect("OUT_DIR can be written");
}

/// Definitions without properties (`Quantity`, `Time` …) are types of their own to `schema.rs`, but for one
/// that only says by being there what it has to say.
fn table(definitions: &Definitions) -> Value {
    let says_nothing = |name: &str| name.ends_with(".CustomResourceSubresourceStatus");
    definitions
        .iter()
        .filter(|(name, definition)| !definition.fields.is_empty() || says_nothing(name))
        .map(|(name, definition)| (name.clone(), definition_value(definition)))
        .collect()
}

fn definition_value(definition: &Definition) -> Value {
    let fields: Value = definition
        .fields
        .iter()
        .map(|(name, field)| (name.clone(), without_defaults(field_value(field))))
        .collect();
    without_defaults(
        json!({"kinds": definition.kinds, "atomic": definition.atomic, "fields": fields}),
    )
}

fn field_value(field: &Field) -> Value {
    json!({
        "type": field.notation, "required": field.required, "pointer": field.pointer,
        "alwaysWritten": field.always_written,
        "number": field.number, "atomic": field.atomic, "listType": field.list_type,
        "default": field.default, "keys": field.keys, "strategy": field.strategy, "mergeKey": field.merge_key,
    })
}

fn without_defaults(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, field| {
            *field != json!(false) && *field != json!("") && *field != json!([])
        });
    }
    value
}

/// The description of a definition stands under the empty name.
fn descriptions(definitions: &Definitions) -> Value {
    let of_definition = |definition: &Definition| {
        let own = [(String::new(), Value::from(definition.description.as_str()))];
        let fields = definition.fields.iter();
        let fields =
            fields.map(|(name, field)| (name.clone(), Value::from(field.description.as_str())));
        own.into_iter().chain(fields).collect::<Value>()
    };
    definitions.iter().map(|(name, definition)| (name.clone(), of_definition(definition))).collect()
}
