//! Which fields two objects of a type differ in.
//!
//! Source: `typed/compare.go` of structured-merge-diff v6.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::field_set::FieldSet;
use super::path::PathElement;
use super::shape::Shape;

/// The fields that differ; no field is in two of the sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// Fields that only the old object has.
    pub(super) removed: FieldSet,
    /// Fields that both have, with other values.
    pub(super) modified: FieldSet,
    /// Fields that only the new object has.
    pub(super) added: FieldSet,
}

impl Comparison {
    /// Whether the objects are the same.
    pub(super) fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.modified.is_empty() && self.added.is_empty()
    }

    /// The same without these fields and all below them.
    pub(super) fn without(self, fields: &FieldSet) -> Self {
        if fields.is_empty() {
            return self;
        }
        Self {
            removed: self.removed.recursive_difference(fields),
            modified: self.modified.recursive_difference(fields),
            added: self.added.recursive_difference(fields),
        }
    }

    /// What the new object says otherwise.
    pub(super) fn changed(&self) -> FieldSet {
        self.modified.union(&self.added)
    }

    fn put(&mut self, element: PathElement, change: Change) {
        let Change { own, below } = change;
        self.removed.put(element.clone(), own == Some(Own::Removed), below.removed);
        self.modified.put(element.clone(), own == Some(Own::Modified), below.modified);
        self.added.put(element, own == Some(Own::Added), below.added);
    }
}

/// How a value differs, itself and below.
#[derive(Default)]
struct Change {
    own: Option<Own>,
    below: Comparison,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Own {
    Removed,
    Modified,
    Added,
}

/// Compares two objects of a shape.
pub(super) fn compare(shape: Shape<'_>, old: &Value, new: &Value) -> Comparison {
    change(shape, Some(old), Some(new)).below
}

fn change(shape: Shape<'_>, old: Option<&Value>, new: Option<&Value>) -> Change {
    let both_empty = is_empty(old) && is_empty(new);
    let own = match (old, new) {
        (None, Some(_)) => Some(Own::Added),
        (Some(_), None) => Some(Own::Removed),
        (old, new) => {
            let is_leaf = both_empty || matches!(shape, Shape::Whole);
            (is_leaf && old != new).then_some(Own::Modified)
        }
    };
    let below = match shape {
        _ if both_empty => Comparison::default(),
        Shape::Whole => Comparison::default(),
        Shape::Object(_) | Shape::Map(_) => fields(shape, old, new),
        Shape::Set | Shape::KeyedList(..) => elements(shape, old, new),
    };
    Change { own, below }
}

/// Whether a value has no children.
fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) => false,
    }
}

fn fields(shape: Shape<'_>, old: Option<&Value>, new: Option<&Value>) -> Comparison {
    let empty = Map::new();
    let old = old.and_then(Value::as_object).unwrap_or(&empty);
    let new = new.and_then(Value::as_object).unwrap_or(&empty);
    let only_new = new.keys().filter(|name| !old.contains_key(*name));
    let mut comparison = Comparison::default();
    for name in old.keys().chain(only_new) {
        let Some(child) = shape.field(name) else { continue };
        let change = change(child, old.get(name), new.get(name));
        if change.own.is_some() || !change.below.is_empty() {
            comparison.put(PathElement::Field(name.clone()), change);
        }
    }
    comparison
}

fn elements(shape: Shape<'_>, old: Option<&Value>, new: Option<&Value>) -> Comparison {
    let mut comparison = Comparison::default();
    let Some(element) = shape.element().filter(|_| old != new) else { return comparison };
    let (old, new) = (by_identity(shape, old), by_identity(shape, new));
    let identities: BTreeSet<&PathElement> = old.keys().chain(new.keys()).collect();
    for identity in identities {
        let old = old.get(identity).map_or(&[][..], Vec::as_slice);
        let new = new.get(identity).map_or(&[][..], Vec::as_slice);
        for change in element_changes(element, old, new) {
            comparison.put(identity.clone(), change);
        }
    }
    comparison
}

/// The elements of a list that have the same identity, mostly one.
type Elements<'a> = BTreeMap<PathElement, Vec<&'a Value>>;

fn by_identity<'a>(shape: Shape<'_>, list: Option<&'a Value>) -> Elements<'a> {
    let mut found = Elements::new();
    for item in list.and_then(Value::as_array).into_iter().flatten() {
        if let Ok(identity) = shape.identity(item) {
            found.entry(identity).or_default().push(item);
        }
    }
    found
}

/// Compares elements with the same identity. Where there are several, they are owned as a whole.
fn element_changes(element: Shape<'_>, old: &[&Value], new: &[&Value]) -> Vec<Change> {
    let whole = |own| Change { own: Some(own), below: Comparison::default() };
    match (old, new) {
        ([] | [_], [] | [_]) => vec![change(element, old.first().copied(), new.first().copied())],
        ([_, _, ..], [_, _, ..]) if old == new => vec![],
        ([_, _, ..], [_, _, ..]) => vec![whole(Own::Modified)],
        ([_, _, ..], []) => vec![whole(Own::Removed)],
        ([_, _, ..], [new]) => vec![change(element, None, Some(new)), whole(Own::Removed)],
        ([], _) => vec![whole(Own::Added)],
        ([old], _) => vec![change(element, Some(old), None), whole(Own::Added)],
    }
}
