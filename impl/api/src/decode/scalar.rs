//! Values that are not made of other values: their types, and the form of the texts among them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;

use super::DecodeError;
use super::prune::At;
use crate::quantity::Quantity;
use crate::schema::Type;
use crate::time;

/// The value in the form in which it is kept: quantities canonical, times in UTC.
pub(super) fn scalar(kind: &Type, value: Value, at: At<'_>) -> Result<Value, DecodeError> {
    match (kind, value) {
        (Type::String | Type::IntOrString, value @ Value::String(_))
        | (Type::Boolean, value @ Value::Bool(_))
        | (Type::Number, value @ Value::Number(_)) => Ok(value),
        (Type::Int32 | Type::IntOrString, value) if is_int32(&value) => Ok(value),
        (Type::Int64, value) if value.is_i64() => Ok(value),
        (Type::Bytes, Value::String(text)) => bytes(text),
        (Type::Quantity, value) => quantity(&value),
        (Type::Time, Value::String(text)) => timestamp(&text, "").map(|at| json(time::time(at))),
        (Type::MicroTime, Value::String(text)) => {
            timestamp(&text, ".000000").map(|at| json(time::micro_time(at)))
        }
        (kind, value) => Err(mismatch(kind, &value, at)),
    }
}

/// What Go calls a JSON value.
pub(super) fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn mismatch(kind: &Type, value: &Value, at: At<'_>) -> DecodeError {
    let integer = matches!(kind, Type::Int32 | Type::Int64 | Type::IntOrString);
    let found = match found(value) {
        "number" if integer => format!("number {value}"),
        found => found.to_owned(),
    };
    DecodeError::Type { found, target: at.target(), expected: go_type(kind) }
}

fn go_type(kind: &Type) -> String {
    match kind {
        Type::String => "string".to_owned(),
        Type::Bytes => "[]uint8".to_owned(),
        Type::Int32 => "int32".to_owned(),
        Type::Int64 => "int64".to_owned(),
        Type::Number => "float64".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::Quantity => "resource.Quantity".to_owned(),
        Type::Time => "v1.Time".to_owned(),
        Type::MicroTime => "v1.MicroTime".to_owned(),
        Type::IntOrString => "intstr.IntOrString".to_owned(),
        Type::FieldsV1 => "v1.FieldsV1".to_owned(),
        Type::RawExtension => "runtime.RawExtension".to_owned(),
        Type::Json | Type::JsonSchemaOr(_) => {
            let name = kind.name().unwrap_or_default();
            format!("v1.{}", name.rsplit('.').next().unwrap_or_default())
        }
        Type::Object(id) => id.definition().go_name().to_owned(),
        Type::List(element) => format!("[]{}", go_type(element)),
        Type::Map(element) => format!("map[string]{}", go_type(element)),
    }
}

fn is_int32(value: &Value) -> bool {
    value.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
}

fn json(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("a time is JSON")
}

/// Go skips line breaks in base64.
fn bytes(text: String) -> Result<Value, DecodeError> {
    let text: String = text.chars().filter(|letter| !matches!(letter, '\r' | '\n')).collect();
    match STANDARD.decode(&text) {
        Ok(_) => Ok(Value::String(text)),
        Err(error) => {
            let at = match error {
                base64::DecodeError::InvalidByte(at, _)
                | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                base64::DecodeError::InvalidLength(at) => at,
                base64::DecodeError::InvalidPadding => text.len(),
            };
            Err(DecodeError::Text(format!("illegal base64 data at input byte {at}")))
        }
    }
}

fn timestamp(text: &str, fraction: &str) -> Result<Timestamp, DecodeError> {
    text.parse().map_err(|_| {
        DecodeError::Text(format!(
            "parsing time \"{text}\" as \"2006-01-02T15:04:05{fraction}Z07:00\": cannot parse \"{text}\" as \"2006\""
        ))
    })
}

fn quantity(value: &Value) -> Result<Value, DecodeError> {
    let quantity = Quantity::from_value(value);
    quantity
        .map(|quantity| Value::from(quantity.to_string()))
        .map_err(|error| DecodeError::Text(error.to_string()))
}
