//! The fields that an object says something about.
//!
//! Source: `typed/tofieldset.go` of structured-merge-diff v6.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field_set::FieldSet;
use super::path::PathElement;
use super::shape::Shape;

/// Every leaf, every element of a list and every entry of a map.
pub(super) fn fields_of(shape: Shape<'_>, value: &Value) -> FieldSet {
    below(shape, value)
}

/// Whether the value itself is in the set, whatever its parent thinks.
fn is_leaf(shape: Shape<'_>) -> bool {
    matches!(shape, Shape::Whole)
}

fn below(shape: Shape<'_>, value: &Value) -> FieldSet {
    match (shape, value) {
        (Shape::Object(_) | Shape::Map(_), Value::Object(fields)) => {
            let mut set = FieldSet::default();
            for (name, value) in fields {
                let child = shape.field(name).unwrap_or(Shape::Whole);
                let is_member = is_leaf(child) || is_bare(value) || matches!(shape, Shape::Map(_));
                set.put(PathElement::Field(name.clone()), is_member, below(child, value));
            }
            set
        }
        (Shape::Set | Shape::KeyedList(..), Value::Array(items)) => elements(shape, items),
        _ => FieldSet::default(),
    }
}

/// Whether a value says only that it is there.
fn is_bare(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(|fields| fields.is_empty())
}

/// Elements that stand there more than once are owned as a whole.
fn elements(shape: Shape<'_>, items: &[Value]) -> FieldSet {
    let element = shape.element().unwrap_or(Shape::Whole);
    let mut found: BTreeMap<PathElement, Option<&Value>> = BTreeMap::new();
    for item in items {
        let Ok(identity) = shape.identity(item) else { continue };
        found.entry(identity).and_modify(|item| *item = None).or_insert(Some(item));
    }
    let mut set = FieldSet::default();
    for (identity, item) in found {
        let below = item.map_or_else(FieldSet::default, |item| below(element, item));
        set.put(identity, true, below);
    }
    set
}

/// The same set, and each field of an object that has something of the set below it.
/// Source: `EnsureNamedFieldsAreMembers` in `fieldpath/set.go`.
pub(super) fn with_named_fields(shape: Option<Shape<'_>>, set: &FieldSet) -> FieldSet {
    let is_named = |element: &PathElement| match (shape, element) {
        (Some(Shape::Object(definition)), PathElement::Field(name)) => {
            definition.fields.contains_key(name)
        }
        _ => false,
    };
    set.with_implied(is_named, |element, below| {
        with_named_fields(shape.and_then(|shape| shape.child(element)), below)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kind::resources::PODS;
    use crate::schema::Schema;

    #[test]
    fn an_entry_of_a_map_is_owned_and_what_is_in_it() {
        let spec = &Schema::of(&PODS).unwrap().fields["spec"].value;

        let fields = fields_of(Shape::Map(spec), &json!({"a": {"nodeName": "n"}}));

        assert_eq!(fields.to_value(), json!({"f:a": {".": {}, "f:nodeName": {}}}));
    }
}
