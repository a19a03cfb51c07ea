//! Whether what is applied is of the type that it says.
//!
//! Source: `typed/validate.go` of structured-merge-diff v6.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::path::PathElement;
use super::shape::Shape;
use crate::schema::{Definition, Type};

/// What is wrong with an object that is to be applied, as one text; `None` when all is right.
pub(super) fn validate(definition: &Definition, applied: &Value) -> Option<String> {
    let mut validator = Validator { path: vec![], errors: vec![] };
    validator.object(definition, applied);
    match validator.errors.as_slice() {
        [] => None,
        [error] => Some(error.clone()),
        errors => Some(format!("errors:\n  {}", errors.join("\n  "))),
    }
}

struct Validator {
    path: Vec<String>,
    errors: Vec<String>,
}

impl Validator {
    fn object(&mut self, definition: &Definition, value: &Value) {
        let Some(fields) = self.map(value) else { return };
        for (name, value) in fields {
            self.path.push(PathElement::Field(name.clone()).to_string());
            match definition.fields.get(name) {
                Some(field) => self.value(&field.value, Shape::of_field(field), value),
                None => self.error("field not declared in schema"),
            }
            self.path.pop();
        }
    }

    fn value(&mut self, of: &Type, shape: Shape<'_>, value: &Value) {
        match of {
            Type::Object(id) => self.object(id.definition(), value),
            Type::List(element) => self.list(element, shape, value),
            Type::Map(element) => self.entries(element, value),
            Type::Int32 | Type::Int64 | Type::Number => self.number(value),
            Type::String | Type::Bytes | Type::Time | Type::MicroTime => self.text(value),
            Type::Boolean => self.check(value.is_boolean(), "boolean", value),
            Type::Quantity | Type::IntOrString => {
                let is_scalar = value.is_number() || value.is_string() || value.is_boolean();
                self.check(is_scalar, "any scalar", value);
            }
            Type::FieldsV1 | Type::RawExtension | Type::Json | Type::JsonSchemaOr(_) => {}
        }
    }

    fn entries(&mut self, element: &Type, value: &Value) {
        let Some(entries) = self.map(value) else { return };
        for (name, value) in entries {
            self.path.push(PathElement::Field(name.clone()).to_string());
            self.value(element, Shape::of_type(element), value);
            self.path.pop();
        }
    }

    fn list(&mut self, element: &Type, shape: Shape<'_>, value: &Value) {
        let Some(items) = value.as_array() else {
            return self.check(false, "list", value);
        };
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let identity = match shape {
                Shape::Set | Shape::KeyedList(..) => shape.identity(item),
                Shape::Whole | Shape::Object(_) | Shape::Map(_) => {
                    Ok(PathElement::Index(i64::try_from(index).unwrap_or(i64::MAX)))
                }
            };
            let identity = match identity {
                Ok(identity) => identity,
                Err(error) => return self.error(&format!("element {index}: {error}")),
            };
            let name = identity.to_string();
            if !seen.insert(identity) {
                self.error(&format!("duplicate entries for key {name}"));
            }
            self.path.push(name);
            self.value(element, Shape::of_type(element), item);
            self.path.pop();
        }
    }

    fn map<'a>(&mut self, value: &'a Value) -> Option<&'a Map<String, Value>> {
        self.check(value.is_object(), "map", value);
        value.as_object()
    }

    fn number(&mut self, value: &Value) {
        if !value.is_number() && !value.is_null() {
            let found = go_type(value);
            self.error(&format!("expected numeric (int or float), got {found}"));
        }
    }

    fn text(&mut self, value: &Value) {
        if !value.is_string() && !value.is_null() {
            let found = go_syntax(value);
            self.error(&format!("expected string, got &value.valueUnstructured{{Value:{found}}}"));
        }
    }

    /// A null is of every type.
    fn check(&mut self, fits: bool, expected: &str, value: &Value) {
        if !fits && !value.is_null() {
            self.error(&format!("expected {expected}, got &{{{}}}", plain(value)));
        }
    }

    fn error(&mut self, message: &str) {
        let path = self.path.concat();
        let error = if path.is_empty() { message.to_owned() } else { format!("{path}: {message}") };
        self.errors.push(error);
    }
}

/// What Go calls a JSON value.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A value as Go's `%v` prints it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}:{}", plain(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}

/// A value as Go's `%#v` prints it.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| format!("{name:?}:{}", go_syntax(value));
            let fields: Vec<String> = fields.iter().map(field).collect();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
    }
}
