//! Keeps of a value what its schema knows, and checks that it is of the right types.
//!
//! As in Go, null is the same as absence, and so is the zero of a field that is held by value.

use serde_json::{Map, Value};

use super::DecodeError;
use super::path::Path;
use super::scalar;
use crate::schema::{Alternative, Definition, Type};

/// The pruned object, and the paths of unknown fields.
pub(super) fn prune(
    definition: &Definition,
    value: Value,
) -> Result<(Value, Vec<String>), DecodeError> {
    let mut pruner = Pruner { unknown: vec![] };
    let Value::Object(fields) = value else {
        return Err(DecodeError::Type {
            found: scalar::found(&value).to_owned(),
            target: "value".to_owned(),
            expected: definition.go_name().to_owned(),
        });
    };
    let object = pruner.object(definition, fields, &Path::Root)?;
    Ok((object, pruner.unknown))
}

/// Where a value stands, and the type whose field that is.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) path: &'a Path<'a>,
    pub(super) holder: &'a str,
}

impl At<'_> {
    /// `struct field DeploymentSpec.spec.replicas`.
    pub(super) fn target(self) -> String {
        format!("struct field {}.{}", self.holder, self.path.fields())
    }
}

struct Pruner {
    unknown: Vec<String>,
}

impl Pruner {
    fn object(
        &mut self,
        definition: &Definition,
        fields: Map<String, Value>,
        path: &Path<'_>,
    ) -> Result<Value, DecodeError> {
        let mut kept = Map::new();
        for (name, value) in fields {
            let path = Path::Field(path, &name);
            let Some(field) = definition.fields.get(&name) else {
                self.unknown.push(path.to_string());
                continue;
            };
            if value.is_null() {
                continue;
            }
            let at = At { path: &path, holder: definition.short_name() };
            let value = self.value(&field.value, value, at)?;
            if field.keeps(&value) {
                kept.insert(name, value);
            }
        }
        Ok(Value::Object(kept))
    }

    fn value(&mut self, kind: &Type, value: Value, at: At<'_>) -> Result<Value, DecodeError> {
        match (kind, value) {
            (Type::Object(id), Value::Object(fields)) => {
                self.object(id.definition(), fields, at.path)
            }
            (Type::List(element), Value::Array(items)) => self.list(element, items, at),
            (Type::Map(element), Value::Object(entries)) => self.map(element, entries, at),
            (Type::FieldsV1 | Type::RawExtension, value @ Value::Object(_)) => Ok(value),
            (Type::Json, value) => Ok(value),
            (Type::JsonSchemaOr(_), value @ Value::Object(_)) => {
                self.value(&Alternative::schema(), value, at)
            }
            (Type::JsonSchemaOr(other), value @ (Value::Bool(_) | Value::Array(_))) => {
                self.value(&other.value(), value, at)
            }
            (kind, Value::Null) => Ok(kind.zero()),
            (kind, value) => scalar::scalar(kind, value, at),
        }
    }

    fn list(
        &mut self,
        element: &Type,
        items: Vec<Value>,
        at: At<'_>,
    ) -> Result<Value, DecodeError> {
        let items = items.into_iter().enumerate().map(|(index, item)| {
            let path = Path::Index(at.path, index);
            self.value(element, item, At { path: &path, holder: at.holder })
        });
        items.collect::<Result<Vec<_>, _>>().map(Value::Array)
    }

    fn map(
        &mut self,
        element: &Type,
        entries: Map<String, Value>,
        at: At<'_>,
    ) -> Result<Value, DecodeError> {
        let mut kept = Map::new();
        for (key, value) in entries {
            let path = Path::Key(at.path, &key);
            let value = self.value(element, value, At { path: &path, holder: at.holder })?;
            kept.insert(key, value);
        }
        Ok(Value::Object(kept))
    }
}
