//! Reads the table that `build.rs` made.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Alternative, Definition, DefinitionId, Field, ListType, PatchStrategy, Schema, Type};

const TABLE: &str = include_str!(concat!(env!("OUT_DIR"), "/schema.json"));
const DESCRIPTIONS: &str = include_str!(concat!(env!("OUT_DIR"), "/descriptions.json"));

/// The definition of a JSON schema.
pub(super) const JSON_SCHEMA: &str =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

/// Definitions whose JSON is not an object with properties.
pub(super) static SPECIAL: [(&str, Type); 10] = [
    ("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON", Type::Json),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
        Type::JsonSchemaOr(Alternative::Schemas),
    ),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
        Type::JsonSchemaOr(Alternative::Boolean),
    ),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray",
        Type::JsonSchemaOr(Alternative::Strings),
    ),
    ("io.k8s.apimachinery.pkg.api.resource.Quantity", Type::Quantity),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", Type::FieldsV1),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime", Type::MicroTime),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.Time", Type::Time),
    ("io.k8s.apimachinery.pkg.runtime.RawExtension", Type::RawExtension),
    ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", Type::IntOrString),
];

type Ids = BTreeMap<String, DefinitionId>;

#[derive(Deserialize)]
struct DefinitionRow {
    #[serde(default)]
    kinds: Vec<(String, String)>,
    #[serde(default)]
    atomic: bool,
    fields: BTreeMap<String, FieldRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldRow {
    #[serde(rename = "type")]
    notation: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    pointer: bool,
    #[serde(default)]
    always_written: bool,
    #[serde(default)]
    number: Vec<u32>,
    #[serde(default)]
    atomic: bool,
    #[serde(default)]
    list_type: String,
    #[serde(default)]
    keys: Vec<String>,
    #[serde(default)]
    strategy: String,
    #[serde(default)]
    merge_key: String,
    #[serde(default)]
    default: String,
}

pub(super) fn read() -> Schema {
    let rows: BTreeMap<String, DefinitionRow> =
        serde_json::from_str(TABLE).expect("build.rs wrote the table");
    let ids: Ids =
        rows.keys().enumerate().map(|(index, name)| (name.clone(), DefinitionId(index))).collect();
    let kinds = rows
        .iter()
        .flat_map(|(name, row)| {
            let id = ids[name];
            row.kinds.iter().map(move |kind| (kind.clone(), id))
        })
        .collect();
    let definitions = rows.into_iter().map(|(name, row)| definition(name, row, &ids)).collect();
    Schema { definitions, kinds }
}

pub(super) fn descriptions() -> BTreeMap<String, BTreeMap<String, String>> {
    serde_json::from_str(DESCRIPTIONS).expect("build.rs wrote the descriptions")
}

fn definition(name: String, row: DefinitionRow, ids: &Ids) -> Definition {
    let fields: BTreeMap<String, Field> =
        row.fields.into_iter().map(|(name, row)| (name, field(row, ids))).collect();
    let implied = fields.iter().filter(|(_, field)| field.is_implied());
    let implied = implied.map(|(name, _)| name.clone()).collect();
    Definition { name, kinds: row.kinds, atomic: row.atomic, fields, implied }
}

fn field(row: FieldRow, ids: &Ids) -> Field {
    Field {
        value: type_of(&row.notation, ids),
        required: row.required,
        pointer: row.pointer,
        always_written: row.always_written,
        number: row.number,
        atomic: row.atomic,
        list_type: list_type(&row.list_type, row.keys),
        patch_strategy: patch_strategy(&row.strategy),
        default: serde_json::from_str(&row.default).ok(),
        merge_key: (!row.merge_key.is_empty()).then_some(row.merge_key),
    }
}

fn type_of(notation: &str, ids: &Ids) -> Type {
    if let Some(element) = notation.strip_prefix('[') {
        return Type::List(Box::new(type_of(element, ids)));
    }
    if let Some(element) = notation.strip_prefix('{') {
        return Type::Map(Box::new(type_of(element, ids)));
    }
    if let Some(name) = notation.strip_prefix('#') {
        let special = SPECIAL.iter().find(|(special, _)| *special == name);
        return special.map_or_else(|| Type::Object(ids[name]), |(_, special)| special.clone());
    }
    match notation {
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "number" => Type::Number,
        "boolean" => Type::Boolean,
        other => panic!("build.rs writes no type {other}"),
    }
}

fn list_type(list_type: &str, keys: Vec<String>) -> Option<ListType> {
    match list_type {
        "atomic" => Some(ListType::Atomic),
        "set" => Some(ListType::Set),
        "map" => Some(ListType::Map { keys }),
        _ => None,
    }
}

fn patch_strategy(text: &str) -> PatchStrategy {
    let has = |strategy| text.split(',').any(|part| part == strategy);
    PatchStrategy { merge: has("merge"), replace: has("replace"), retain_keys: has("retainKeys") }
}
