//! Strategic merge patch: a merge patch that knows from the schema how lists merge.
//!
//! Source: Kubernetes documentation, "Update API Objects in Place Using kubectl patch", and
//! `strategicpatch` of apimachinery (v1.36). One difference: directives within parts that the object did
//! not have are dropped here, where upstream keeps some of them as unknown fields.

use serde_json::{Map, Value};

use super::lists;
use crate::schema::{Definition, PatchStrategy, Type};

pub(super) const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList";
const ELEMENT_ORDER: &str = "$setElementOrder";

pub(super) type Fields = Map<String, Value>;

/// Why a patch cannot be merged.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum StrategicError {
    #[error("invalid JSON document")]
    Document,
    #[error("invalid patch format of primitive list")]
    PrimitiveList,
    #[error("invalid patch format of retainKeys")]
    RetainKeys,
    #[error("invalid patch format of setElementOrder list")]
    ElementOrder,
    #[error("the order in patch list {patch} doesn't match $setElementOrder list {order}")]
    OrderMismatch { patch: Value, order: Value },
    #[error("lists of lists are not supported")]
    ListOfLists,
    #[error("list element types are not identical")]
    MixedList,
    #[error("map: {element} does not contain declared merge key: {key}")]
    NoMergeKey { element: Value, key: String },
    #[error("cannot merge lists without merge key for {0}")]
    NoKeyDeclared(String),
    #[error("expected a list, but received {0}")]
    Type(Value),
    #[error("unknown patch type: {directive} in map: {fields}")]
    Directive { directive: Value, fields: Value },
}

pub(super) fn apply(
    definition: &Definition,
    current: &Value,
    patch: &Value,
) -> Result<Value, StrategicError> {
    let (Value::Object(current), Value::Object(patch)) = (current, patch) else {
        return Err(StrategicError::Document);
    };
    merge(ObjectSchema::Fields(definition), current.clone(), patch.clone()).map(Value::Object)
}

/// What is known of the fields of an object.
#[derive(Clone, Copy)]
pub(super) enum ObjectSchema<'a> {
    Fields(&'a Definition),
    Map(&'a Type),
    Unknown,
}

/// What is known of one field.
#[derive(Clone, Copy)]
pub(super) struct FieldSchema<'a> {
    pub(super) value: Option<&'a Type>,
    pub(super) strategy: PatchStrategy,
    pub(super) merge_key: Option<&'a str>,
}

impl<'a> ObjectSchema<'a> {
    pub(super) fn of(value: Option<&'a Type>) -> Self {
        if let Some(Type::Object(id)) = value {
            Self::Fields(id.definition())
        } else if let Some(Type::Map(element)) = value {
            Self::Map(element)
        } else {
            Self::Unknown
        }
    }

    fn field(self, name: &str) -> FieldSchema<'a> {
        let unknown =
            FieldSchema { value: None, strategy: PatchStrategy::default(), merge_key: None };
        match self {
            Self::Fields(definition) => {
                definition.fields.get(name).map_or(unknown, |field| FieldSchema {
                    value: Some(&field.value),
                    strategy: field.patch_strategy,
                    merge_key: field.merge_key.as_deref(),
                })
            }
            Self::Map(element) => FieldSchema { value: Some(element), ..unknown },
            Self::Unknown => unknown,
        }
    }
}

/// Merges one object into another.
pub(super) fn merge(
    schema: ObjectSchema<'_>,
    mut original: Fields,
    mut patch: Fields,
) -> Result<Fields, StrategicError> {
    if let Some(directive) = patch.remove(DIRECTIVE) {
        return replace_or_delete(directive, patch);
    }
    if let Some(keys) = patch.remove(RETAIN_KEYS) {
        retain_keys(&keys, &mut original, &patch)?;
    }
    merge_ordered_lists(schema, &mut original, &mut patch)?;
    for (name, value) in patch {
        merge_field(schema, &mut original, name, value)?;
    }
    Ok(original)
}

fn replace_or_delete(directive: Value, patch: Fields) -> Result<Fields, StrategicError> {
    match directive.as_str() {
        Some("replace") => Ok(patch),
        Some("delete") => Ok(Fields::new()),
        _ => Err(StrategicError::Directive { directive, fields: Value::Object(patch) }),
    }
}

/// Only the fields that the patch names stay; it may not set others.
fn retain_keys(keys: &Value, original: &mut Fields, patch: &Fields) -> Result<(), StrategicError> {
    let keys = keys.as_array().ok_or(StrategicError::RetainKeys)?;
    let retained = |name: &str| keys.iter().any(|key| key == name);
    let sets_another = patch.iter().any(|(name, value)| {
        !value.is_null()
            && !name.starts_with(DELETE_FROM_LIST)
            && !name.starts_with(ELEMENT_ORDER)
            && !retained(name)
    });
    if sets_another {
        return Err(StrategicError::RetainKeys);
    }
    original.retain(|name, _| retained(name));
    Ok(())
}

/// Lists for which the patch gives the order. What it takes care of, it takes out of the patch.
fn merge_ordered_lists(
    schema: ObjectSchema<'_>,
    original: &mut Fields,
    patch: &mut Fields,
) -> Result<(), StrategicError> {
    let orders: Vec<String> =
        patch.keys().filter(|name| name.starts_with(ELEMENT_ORDER)).cloned().collect();
    for order_name in orders {
        let name = below(&order_name, ELEMENT_ORDER).ok_or(StrategicError::ElementOrder)?;
        let order = patch.remove(&order_name).map(list).transpose()?.unwrap_or_default();
        let old = original.get(name).cloned().map(list).transpose()?;
        let new = patch.remove(name).map(list).transpose()?;
        if let Some(merged) = lists::merge_ordered(schema.field(name), old, new, &order)? {
            original.insert(name.to_owned(), Value::Array(merged));
        }
    }
    Ok(())
}

fn list(value: Value) -> Result<Vec<Value>, StrategicError> {
    match value {
        Value::Array(items) => Ok(items),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Err(StrategicError::Type(value))
        }
    }
}

/// `finalizers` of `$deleteFromPrimitiveList/finalizers`.
fn below<'a>(name: &'a str, directive: &str) -> Option<&'a str> {
    name.strip_prefix(directive)?.strip_prefix('/')
}

fn merge_field(
    schema: ObjectSchema<'_>,
    original: &mut Fields,
    name: String,
    value: Value,
) -> Result<(), StrategicError> {
    if name.starts_with(DELETE_FROM_LIST) {
        let name = below(&name, DELETE_FROM_LIST).ok_or(StrategicError::PrimitiveList)?;
        delete_from_list(original, name, &value);
        return Ok(());
    }
    let merged = match (original.remove(&name), value) {
        (_, Value::Null) => None,
        (Some(Value::Object(old)), Value::Object(new)) => {
            Some(merge_object(schema.field(&name), old, new)?)
        }
        (Some(Value::Array(old)), Value::Array(new)) => {
            Some(Value::Array(lists::merge(schema.field(&name), old, new)?))
        }
        (_, value) => without_directives(value),
    };
    if let Some(merged) = merged {
        original.insert(name, merged);
    }
    Ok(())
}

fn merge_object(
    schema: FieldSchema<'_>,
    old: Fields,
    new: Fields,
) -> Result<Value, StrategicError> {
    if schema.strategy.replace {
        return Ok(Value::Object(new));
    }
    merge(ObjectSchema::of(schema.value), old, new).map(Value::Object)
}

fn delete_from_list(original: &mut Fields, name: &str, deleted: &Value) {
    if deleted.is_null() {
        original.remove(name);
        return;
    }
    let list = original.get_mut(name).and_then(Value::as_array_mut);
    if let (Some(list), Some(deleted)) = (list, deleted.as_array()) {
        list.retain(|item| !deleted.contains(item));
    }
}

/// The value without directives and nulls; `None` when it is itself a directive.
pub(super) fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(DIRECTIVE) => None,
        Value::Object(fields) => {
            let fields =
                fields.into_iter().filter(|(name, value)| !value.is_null() && !is_directive(name));
            let kept = fields.filter_map(|(name, value)| Some((name, without_directives(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => {
            Some(Value::Array(items.into_iter().filter_map(without_directives).collect()))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value),
    }
}

fn is_directive(name: &str) -> bool {
    name == RETAIN_KEYS
        || below(name, ELEMENT_ORDER).is_some()
        || below(name, DELETE_FROM_LIST).is_some()
}
