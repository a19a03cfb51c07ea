//! Merges what is applied into an object: what is applied counts, the rest stays.
//!
//! Source: `typed/merge.go` of structured-merge-diff v6.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::path::PathElement;
use super::shape::Shape;

/// The object with what is applied. Both are of this shape, and what is applied has no duplicates.
pub(super) fn merge(shape: Shape<'_>, live: &Value, applied: &Value) -> Value {
    merged(shape, Some(live), Some(applied)).unwrap_or(Value::Null)
}

fn merged(shape: Shape<'_>, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
    match shape {
        Shape::Object(_) | Shape::Map(_) if has_children(live) || has_children(applied) => {
            fields(shape, live, applied)
        }
        Shape::Set | Shape::KeyedList(..) if has_children(live) || has_children(applied) => {
            elements(shape, live, applied)
        }
        Shape::Whole | Shape::Object(_) | Shape::Map(_) | Shape::Set | Shape::KeyedList(..) => {
            applied.or(live).cloned()
        }
    }
}

fn has_children(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => false,
    }
}

fn fields(shape: Shape<'_>, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
    let empty = Map::new();
    let live = live.and_then(Value::as_object).unwrap_or(&empty);
    let applied = applied.and_then(Value::as_object).unwrap_or(&empty);
    let mut out = Map::new();
    for name in live.keys().chain(applied.keys()).collect::<BTreeSet<_>>() {
        let child = shape.field(name).unwrap_or(Shape::Whole);
        if let Some(value) = merged(child, live.get(name), applied.get(name)) {
            out.insert(name.clone(), value);
        }
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

fn elements(shape: Shape<'_>, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
    let (live, applied) = (Elements::of(shape, live), Elements::of(shape, applied));
    let merging = Merging { shape, live: &live, applied: &applied };
    let out = merging.in_order();
    (!out.is_empty()).then_some(Value::Array(out))
}

/// The elements of a list with their identities, in order.
struct Elements<'a> {
    items: Vec<(PathElement, &'a Value)>,
    /// The element with an identity; none where several have it.
    unique: BTreeMap<PathElement, Option<&'a Value>>,
}

impl<'a> Elements<'a> {
    fn of(shape: Shape<'_>, list: Option<&'a Value>) -> Self {
        let items = list.and_then(Value::as_array).into_iter().flatten();
        let items: Vec<(PathElement, &Value)> = items
            .filter_map(|item| shape.identity(item).ok().map(|identity| (identity, item)))
            .collect();
        let mut unique = BTreeMap::new();
        for (identity, item) in &items {
            unique.entry(identity.clone()).and_modify(|found| *found = None).or_insert(Some(*item));
        }
        Self { items, unique }
    }

    fn has(&self, identity: &PathElement) -> bool {
        self.unique.contains_key(identity)
    }
}

struct Merging<'a> {
    shape: Shape<'a>,
    live: &'a Elements<'a>,
    applied: &'a Elements<'a>,
}

impl Merging<'_> {
    /// Elements that are applied come in their own order. Those that only the live list has stay before
    /// the element that both have and that they stood before.
    fn in_order(&self) -> Vec<Value> {
        let mut shared = self
            .applied
            .items
            .iter()
            .map(|(identity, _)| identity)
            .filter(|identity| self.live.has(identity));
        let mut next_shared = shared.next();
        let mut done = BTreeSet::new();
        let (mut out, mut l, mut a) = (vec![], 0, 0);
        let (live, applied) = (&self.live.items, &self.applied.items);
        while l < live.len() || a < applied.len() {
            let at_live = live.get(l).map(|(identity, _)| identity);
            let at_applied = applied.get(a).map(|(identity, _)| identity);
            if let (Some(identity), Some(other)) = (at_live, at_applied) {
                if identity == other {
                    out.extend(self.both(identity));
                    done.insert(identity);
                    next_shared = shared.next();
                    (l, a) = (l + 1, a + 1);
                    continue;
                }
                let waits = next_shared.is_some_and(|next| next != identity);
                if self.applied.has(identity) && waits {
                    l += 1;
                    continue;
                }
            }
            if let Some((identity, item)) = live.get(l) {
                if !self.applied.has(identity) {
                    out.extend(self.item(Some(item), None));
                    l += 1;
                    continue;
                }
                l += usize::from(done.contains(identity));
            }
            if let Some(identity) = at_applied {
                out.extend(self.both(identity));
                done.insert(identity);
                a += 1;
                if next_shared == Some(identity) {
                    next_shared = shared.next();
                }
            }
        }
        out
    }

    fn both(&self, identity: &PathElement) -> Option<Value> {
        let of =
            |elements: &Elements<'_>| elements.unique.get(identity).copied().flatten().cloned();
        let (live, applied) = (of(self.live), of(self.applied));
        self.item(live.as_ref(), applied.as_ref())
    }

    fn item(&self, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
        merged(self.shape.element().unwrap_or(Shape::Whole), live, applied)
    }
}
