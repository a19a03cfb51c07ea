//! From an object to a message.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;

use super::ProtobufError;
use super::wire::Writer;
use crate::schema::{Alternative, Definition, Type};

/// A value, its type, and the numbers under which it lies.
type Numbered<'a> = (&'a [u32], &'a Type, &'a Value);

/// The message of an object. Fields that the schema does not know are left out, and so are nulls.
pub(super) fn message(definition: &Definition, object: &Value) -> Result<Vec<u8>, ProtobufError> {
    let fields = object.as_object().into_iter().flatten();
    let numbered = fields.filter_map(|(name, value)| {
        let field = definition.fields.get(name)?;
        Some((field.number.as_slice(), &field.value, value))
    });
    numbered_message(numbered.collect())
}

/// A message whose fields with more than one number lie in embedded messages.
fn numbered_message(fields: Vec<Numbered<'_>>) -> Result<Vec<u8>, ProtobufError> {
    let mut own = Writer::default();
    let mut embedded: BTreeMap<u32, Vec<Numbered<'_>>> = BTreeMap::new();
    for (numbers, kind, value) in fields {
        match numbers {
            [] => {}
            [number] => write(&mut own, *number, kind, value)?,
            [outer, inner @ ..] => embedded.entry(*outer).or_default().push((inner, kind, value)),
        }
    }
    for (number, fields) in embedded {
        own.bytes(number, &numbered_message(fields)?);
    }
    Ok(own.into_bytes())
}

fn write(
    writer: &mut Writer,
    number: u32,
    kind: &Type,
    value: &Value,
) -> Result<(), ProtobufError> {
    match (kind, value) {
        (_, Value::Null) => {}
        (Type::List(element), Value::Array(items)) => {
            for item in items {
                scalar(writer, number, element, item)?;
            }
        }
        (Type::Map(element), Value::Object(entries)) => {
            for (key, value) in entries {
                let mut entry = Writer::default();
                entry.bytes(1, key.as_bytes());
                scalar(&mut entry, 2, element, value)?;
                writer.bytes(number, &entry.into_bytes());
            }
        }
        (kind, value) => scalar(writer, number, kind, value)?,
    }
    Ok(())
}

fn scalar(
    writer: &mut Writer,
    number: u32,
    kind: &Type,
    value: &Value,
) -> Result<(), ProtobufError> {
    match (kind, value) {
        (Type::String, Value::String(text)) => writer.bytes(number, text.as_bytes()),
        (Type::Bytes, Value::String(text)) => {
            let bytes = STANDARD.decode(text).map_err(|_| ProtobufError::WrongType(Type::Bytes))?;
            writer.bytes(number, &bytes);
        }
        (Type::Boolean, Value::Bool(value)) => writer.varint(number, u64::from(*value)),
        (Type::Int32 | Type::Int64, value) => writer.varint(number, integer(kind, value)?),
        (Type::Number, Value::Number(value)) => {
            writer.fixed64(number, value.as_f64().unwrap_or_default().to_bits());
        }
        (kind, value) => writer.bytes(number, &nested(kind, value)?),
    }
    Ok(())
}

/// Values that are messages of their own.
fn nested(kind: &Type, value: &Value) -> Result<Vec<u8>, ProtobufError> {
    let mut writer = Writer::default();
    match (kind, value) {
        (Type::Object(id), Value::Object(_)) => return message(id.definition(), value),
        (Type::Quantity, Value::String(text)) => writer.bytes(1, text.as_bytes()),
        (Type::Time | Type::MicroTime, Value::String(text)) => {
            let at: Timestamp = text.parse().map_err(|_| ProtobufError::WrongType(kind.clone()))?;
            let (seconds, nanoseconds) = seconds_and_nanoseconds(at);
            writer.varint(1, seconds as u64);
            writer.varint(2, nanoseconds as u64);
        }
        (Type::IntOrString, Value::String(text)) => {
            writer.varint(1, 1);
            writer.varint(2, 0);
            writer.bytes(3, text.as_bytes());
        }
        (Type::IntOrString, value) => {
            writer.varint(1, 0);
            writer.varint(2, integer(kind, value)?);
            writer.bytes(3, b"");
        }
        (Type::JsonSchemaOr(other), value @ Value::Object(_)) => {
            write(&mut writer, other.numbers().0, &Alternative::schema(), value)?;
        }
        (Type::JsonSchemaOr(other), value) => {
            write(&mut writer, other.numbers().1, &other.value(), value)?;
        }
        (Type::FieldsV1 | Type::RawExtension | Type::Json, value) => {
            writer.bytes(1, value.to_string().as_bytes());
        }
        // Such as `ExtraValue`: a list that is the value of a map is a message of its own.
        (list @ Type::List(_), value @ Value::Array(_)) => write(&mut writer, 1, list, value)?,
        (kind, _) => return Err(ProtobufError::WrongType(kind.clone())),
    }
    Ok(writer.into_bytes())
}

/// Nanoseconds count forward, also before 1970.
fn seconds_and_nanoseconds(at: Timestamp) -> (i64, i64) {
    let (seconds, nanoseconds) = (at.as_second(), i64::from(at.subsec_nanosecond()));
    if nanoseconds < 0 {
        (seconds - 1, nanoseconds + 1_000_000_000)
    } else {
        (seconds, nanoseconds)
    }
}

/// Negative numbers are written as their two's complement of 64 bits.
fn integer(kind: &Type, value: &Value) -> Result<u64, ProtobufError> {
    let number = value.as_i64().ok_or_else(|| ProtobufError::WrongType(kind.clone()))?;
    Ok(number as u64)
}
