//! How a strategic merge patch merges lists, and in which order the elements then stand.
//!
//! Elements that the patch names come in the patch's order, the others in the order they had; where both
//! orders leave a choice, the old list decides. Source: the design "preserve order in strategic merge
//! patch", and `strategicpatch` of apimachinery (v1.36).

use serde_json::Value;

use super::strategic::{
    DIRECTIVE, FieldSchema, Fields, ObjectSchema, StrategicError, merge as merge_objects,
    without_directives,
};
use crate::schema::Type;

/// Merges a list, or replaces it when the schema does not say `merge`.
pub(super) fn merge(
    schema: FieldSchema<'_>,
    old: Vec<Value>,
    new: Vec<Value>,
) -> Result<Vec<Value>, StrategicError> {
    if !schema.strategy.merge || (old.is_empty() && new.is_empty()) {
        return Ok(new);
    }
    if are_objects(&old, &new)? {
        merge_by_key(schema, old, new)
    } else {
        let merged = distinct(old.iter().chain(&new));
        arrange(merged, &Order { first: &new, old: &old, key: None })
    }
}

/// Merges a list for which the patch gives the order; `None` when there is neither old nor new.
pub(super) fn merge_ordered(
    schema: FieldSchema<'_>,
    old: Option<Vec<Value>>,
    new: Option<Vec<Value>>,
    order: &[Value],
) -> Result<Option<Vec<Value>>, StrategicError> {
    check_order(new.as_deref().unwrap_or_default(), order, schema.merge_key)?;
    let before = old.clone().unwrap_or_default();
    let merged = match (old, new) {
        (None, None) => return Ok(None),
        (Some(old), None) => old,
        (None, Some(new)) => new.into_iter().filter_map(without_directives).collect(),
        (Some(old), Some(new)) => merge(schema, old, new)?,
    };
    arrange(merged, &Order { first: order, old: &before, key: schema.merge_key }).map(Some)
}

/// Elements of the patch stand in the given order, and none is missing there.
fn check_order(new: &[Value], order: &[Value], key: Option<&str>) -> Result<(), StrategicError> {
    if new.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut rest = order.iter();
    for item in new.iter().filter(|item| item.get(DIRECTIVE).is_none()) {
        let wanted = identity(item, key)?;
        let mut found = false;
        for next in rest.by_ref() {
            found = identity(next, key)? == wanted;
            if found {
                break;
            }
        }
        if !found {
            let (patch, order) = (Value::from(new.to_vec()), Value::from(order.to_vec()));
            return Err(StrategicError::OrderMismatch { patch, order });
        }
    }
    Ok(())
}

fn are_objects(old: &[Value], new: &[Value]) -> Result<bool, StrategicError> {
    let mut items = old.iter().chain(new);
    if items.clone().any(Value::is_array) {
        return Err(StrategicError::ListOfLists);
    }
    let objects = items.clone().any(Value::is_object);
    if objects && !items.all(Value::is_object) {
        return Err(StrategicError::MixedList);
    }
    Ok(objects)
}

fn merge_by_key(
    schema: FieldSchema<'_>,
    old: Vec<Value>,
    new: Vec<Value>,
) -> Result<Vec<Value>, StrategicError> {
    let key = schema.merge_key.ok_or_else(|| no_key_declared(schema))?;
    let (old, new) = obey_directives(old, new, key)?;
    let element = ObjectSchema::of(element_type(schema));
    let mut merged = old.clone();
    for item in &new {
        let wanted = identity(item, Some(key))?;
        let found = merged.iter_mut().find(|item| item.get(key) == Some(wanted));
        match found {
            Some(found) => {
                let (old, new) = (fields(found), fields(&mut item.clone()));
                *found = Value::Object(merge_objects(element, old, new)?);
            }
            None => merged.extend(without_directives(item.clone())),
        }
    }
    arrange(merged, &Order { first: &new, old: &old, key: Some(key) })
}

fn no_key_declared(schema: FieldSchema<'_>) -> StrategicError {
    let name = element_type(schema).and_then(Type::name).unwrap_or("list");
    StrategicError::NoKeyDeclared(name.rsplit('.').next().unwrap_or_default().to_owned())
}

fn element_type(schema: FieldSchema<'_>) -> Option<&Type> {
    if let Some(Type::List(element)) = schema.value { Some(element) } else { None }
}

fn fields(value: &mut Value) -> Fields {
    value.as_object_mut().map(std::mem::take).unwrap_or_default()
}

/// The old list without what the patch deletes or replaces, and the patch without its directives.
fn obey_directives(
    mut old: Vec<Value>,
    new: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), StrategicError> {
    let (directives, plain): (Vec<_>, Vec<_>) =
        new.into_iter().partition(|item| item.get(DIRECTIVE).is_some());
    let mut replaced = false;
    for item in directives {
        match item[DIRECTIVE].as_str() {
            Some("delete") => {
                let deleted = identity(&item, Some(key))?;
                old.retain(|item| item.get(key) != Some(deleted));
            }
            Some("replace") => replaced = true,
            _ => {
                let directive = item[DIRECTIVE].clone();
                return Err(StrategicError::Directive { directive, fields: item });
            }
        }
    }
    Ok(if replaced { (plain, vec![]) } else { (old, plain) })
}

fn distinct<'a>(items: impl Iterator<Item = &'a Value>) -> Vec<Value> {
    let mut seen: Vec<Value> = vec![];
    for item in items {
        if !seen.contains(item) {
            seen.push(item.clone());
        }
    }
    seen
}

/// What tells elements of a list apart: the value of the key, or the scalar itself.
fn identity<'a>(item: &'a Value, key: Option<&str>) -> Result<&'a Value, StrategicError> {
    let Some(key) = key else { return Ok(item) };
    item.get(key)
        .ok_or_else(|| StrategicError::NoMergeKey { element: item.clone(), key: key.to_owned() })
}

/// In which order the elements of a merged list stand.
struct Order<'a> {
    /// The elements that the patch orders.
    first: &'a [Value],
    /// The list as it was.
    old: &'a [Value],
    key: Option<&'a str>,
}

impl Order<'_> {
    fn position(&self, list: &[Value], item: &Value) -> Option<usize> {
        let wanted = identity(item, self.key).ok();
        list.iter().position(|item| wanted.is_some() && identity(item, self.key).ok() == wanted)
    }

    fn stood_before(&self, left: &Value, right: &Value) -> bool {
        match (self.position(self.old, left), self.position(self.old, right)) {
            (Some(left), Some(right)) => left < right,
            (None, _) | (_, None) => false,
        }
    }
}

fn arrange(merged: Vec<Value>, order: &Order<'_>) -> Result<Vec<Value>, StrategicError> {
    for item in &merged {
        identity(item, order.key)?;
    }
    let (mut ordered, mut others): (Vec<_>, Vec<_>) =
        merged.into_iter().partition(|item| order.position(order.first, item).is_some());
    ordered.sort_by_key(|item| order.position(order.first, item));
    others.sort_by_key(|item| order.position(order.old, item));
    Ok(interleave(others, ordered, order))
}

/// Each of the others comes before the first ordered element that it stood before.
fn interleave(others: Vec<Value>, ordered: Vec<Value>, order: &Order<'_>) -> Vec<Value> {
    let mut result = Vec::with_capacity(others.len() + ordered.len());
    let mut others = others.into_iter().peekable();
    for item in ordered {
        while let Some(other) = others.next_if(|other| order.stood_before(other, &item)) {
            result.push(other);
        }
        result.push(item);
    }
    result.extend(others);
    result
}
