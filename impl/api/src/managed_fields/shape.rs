//! How the fields of a type are owned: one by one, or as a whole.
//!
//! Source: Kubernetes documentation, "Server-Side Apply", merge strategy; `schemaconv` of kube-openapi.

use serde_json::Value;

use super::path::{PathElement, Scalar};
use crate::schema::{Definition, Field, ListType, Type};

/// How a value is owned.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape<'a> {
    /// As a whole: scalars, atomic lists, atomic maps and objects.
    Whole,
    /// Field by field.
    Object(&'a Definition),
    /// Entry by entry.
    Map(&'a Type),
    /// Element by element, each a scalar.
    Set,
    /// Element by element, told apart by these keys; each element as its definition says.
    KeyedList(&'a [String], &'a Definition),
}

/// Keys that an element of a list has when it does not say: definition, field, value.
/// Source: `+default` of `ContainerPort` and `ServicePort` in `core/v1/types.go` (v1.36).
const KEY_DEFAULTS: [(&str, &str, &str); 2] =
    [("ContainerPort", "protocol", "TCP"), ("ServicePort", "protocol", "TCP")];

impl<'a> Shape<'a> {
    /// That of a field.
    pub(super) fn of_field(field: &'a Field) -> Self {
        match (&field.value, &field.list_type) {
            _ if field.atomic => Self::Whole,
            (Type::List(_), Some(ListType::Set)) => Self::Set,
            (Type::List(element), Some(ListType::Map { keys })) => {
                if let Type::Object(id) = element.as_ref() {
                    Self::KeyedList(keys, id.definition())
                } else {
                    Self::Whole
                }
            }
            (value, _) => Self::of_type(value),
        }
    }

    /// That of an entry of a map, or of an element of a list.
    pub(super) fn of_type(value: &'a Type) -> Self {
        if let Type::Object(id) = value {
            Self::of_definition(id.definition())
        } else if let Type::Map(element) = value {
            Self::Map(element)
        } else {
            Self::Whole
        }
    }

    /// That of an object.
    pub(super) fn of_definition(definition: &'a Definition) -> Self {
        if definition.atomic { Self::Whole } else { Self::Object(definition) }
    }

    /// That of a child of a value of this shape; `None` when the schema does not know it.
    pub(super) fn child(self, element: &PathElement) -> Option<Shape<'a>> {
        match (self, element) {
            (Self::Object(definition), PathElement::Field(name)) => {
                definition.fields.get(name).map(Self::of_field)
            }
            (Self::Map(value), PathElement::Field(_)) => Some(Self::of_type(value)),
            (Self::KeyedList(_, definition), PathElement::Key(_)) => {
                Some(Self::of_definition(definition))
            }
            (Self::Set, PathElement::Value(_)) => Some(Self::Whole),
            _ => None,
        }
    }

    /// That of a named child.
    pub(super) fn field(self, name: &str) -> Option<Shape<'a>> {
        match self {
            Self::Object(definition) => definition.fields.get(name).map(Self::of_field),
            Self::Map(value) => Some(Self::of_type(value)),
            Self::Whole | Self::Set | Self::KeyedList(..) => None,
        }
    }

    /// That of each element of a list that is owned element by element.
    pub(super) fn element(self) -> Option<Shape<'a>> {
        match self {
            Self::Set => Some(Self::Whole),
            Self::KeyedList(_, definition) => Some(Self::of_definition(definition)),
            Self::Whole | Self::Object(_) | Self::Map(_) => None,
        }
    }

    /// What tells an element of a list of this shape apart from others.
    pub(super) fn identity(self, item: &Value) -> Result<PathElement, Unidentified> {
        match self {
            Self::KeyedList(keys, definition) => identity_by_keys(keys, definition, item),
            Self::Set => Scalar::of(item).map(PathElement::Value).ok_or(match item {
                Value::Object(_) => Unidentified::MapInSet,
                Value::Array(_) => Unidentified::ListInSet,
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                    Unidentified::NullInSet
                }
            }),
            Self::Whole | Self::Object(_) | Self::Map(_) => Err(Unidentified::NotAssociative),
        }
    }
}

/// Why an element of a list cannot be told apart from others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unidentified {
    #[error("associative list with keys may not have a null element")]
    Null,
    #[error("associative list with keys may not have non-map elements")]
    NotAMap,
    #[error(
        "associative list with keys has an element that omits all key fields {keys:?} (and doesn't have default values for any key fields)"
    )]
    NoKeys { keys: Vec<String> },
    #[error("associative list without keys has an element that's a map type")]
    MapInSet,
    #[error("not supported: associative list with lists as elements")]
    ListInSet,
    #[error("associative list without keys has an element that's an explicit null")]
    NullInSet,
    #[error("invalid indexing of non-associative list")]
    NotAssociative,
}

fn identity_by_keys(
    keys: &[String],
    definition: &Definition,
    item: &Value,
) -> Result<PathElement, Unidentified> {
    if item.is_null() {
        return Err(Unidentified::Null);
    }
    let fields = item.as_object().ok_or(Unidentified::NotAMap)?;
    let mut identity: Vec<(String, Scalar)> = keys
        .iter()
        .filter_map(|key| {
            let value = match fields.get(key) {
                Some(value) => Scalar::of(value),
                None => key_default(definition, key),
            };
            value.map(|value| (key.clone(), value))
        })
        .collect();
    if identity.is_empty() {
        return Err(Unidentified::NoKeys { keys: keys.to_vec() });
    }
    identity.sort();
    Ok(PathElement::Key(identity))
}

/// The key of an element that does not say: its default, or the zero of what Go always writes.
fn key_default(definition: &Definition, key: &str) -> Option<Scalar> {
    let named = (definition.short_name(), key);
    let found = KEY_DEFAULTS.iter().find(|(of, field, _)| (*of, *field) == named);
    match found {
        Some((_, _, value)) => Some(Scalar::String((*value).to_owned())),
        None => {
            let field = definition.fields.get(key)?;
            (field.is_written() && !field.pointer).then(|| Scalar::of(&field.value.zero()))?
        }
    }
}
