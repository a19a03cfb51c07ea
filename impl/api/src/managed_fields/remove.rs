//! Takes fields out of an object.
//!
//! Source: `typed/remove.go` of structured-merge-diff v6.

use serde_json::{Map, Value, json};

use super::field_set::FieldSet;
use super::path::PathElement;
use super::shape::Shape;

/// The object without these fields. What holds one of them stays, empty if need be.
pub(super) fn remove(shape: Shape<'_>, value: &Value, fields: &FieldSet) -> Value {
    match (shape, value) {
        (Shape::Object(_) | Shape::Map(_), Value::Object(entries)) => {
            remove_fields(shape, entries, fields)
        }
        (Shape::Set | Shape::KeyedList(..), Value::Array(items)) => {
            remove_elements(shape, items, fields)
        }
        (Shape::Whole, Value::Object(_) | Value::Array(_)) => Value::Null,
        (_, value) => value.clone(),
    }
}

fn remove_fields(shape: Shape<'_>, entries: &Map<String, Value>, fields: &FieldSet) -> Value {
    let kept = entries.iter().filter_map(|(name, value)| {
        let element = PathElement::Field(name.clone());
        let child = shape.field(name).unwrap_or(Shape::Whole);
        kept(child, &element, value, fields).map(|value| (name.clone(), value))
    });
    let kept: Map<String, Value> = kept.collect();
    if kept.is_empty() { Value::Null } else { Value::Object(kept) }
}

fn remove_elements(shape: Shape<'_>, items: &[Value], fields: &FieldSet) -> Value {
    let child = shape.element().unwrap_or(Shape::Whole);
    let kept = items.iter().filter_map(|item| match shape.identity(item) {
        Ok(identity) => kept(child, &identity, item, fields),
        Err(_) => Some(item.clone()),
    });
    let kept: Vec<Value> = kept.collect();
    if kept.is_empty() { Value::Null } else { Value::Array(kept) }
}

/// What stays of a child; `None` when it goes.
fn kept(
    child: Shape<'_>,
    element: &PathElement,
    value: &Value,
    fields: &FieldSet,
) -> Option<Value> {
    if fields.has(element) {
        return None;
    }
    let Some(below) = fields.below(element) else { return Some(value.clone()) };
    Some(match (remove(child, value, below), value) {
        (Value::Null, Value::Object(_)) => json!({}),
        (Value::Null, Value::Array(_)) => json!([]),
        (rest, _) => rest,
    })
}
