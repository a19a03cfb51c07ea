//! From a message to the fields of an object.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use super::ProtobufError;
use super::wire::{Reader, Wire};
use crate::schema::{Alternative, Definition, Field, Type};
use crate::time;

const DEPTH_MAX: usize = 64;

/// Up to here every whole number is a floating point number, and is told apart from the next.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

type Fields = Map<String, Value>;

/// The fields of a message. Go always writes fields that it holds by value, so their zeros are dropped.
pub(super) fn message(
    definition: &'static Definition,
    bytes: &[u8],
    depth: usize,
) -> Result<Fields, ProtobufError> {
    if depth > DEPTH_MAX {
        return Err(ProtobufError::TooDeep);
    }
    let mut decoder = Decoder { definition, depth, fields: Fields::new() };
    decoder.read(&[], bytes)?;
    let mut fields = decoder.fields;
    fields
        .retain(|name, value| definition.fields.get(name).is_some_and(|field| keeps(field, value)));
    Ok(fields)
}

fn keeps(field: &Field, value: &Value) -> bool {
    let held_by_value = !field.pointer && !field.required;
    let empty_message =
        matches!(field.value, Type::Object(_)) && value.as_object().is_some_and(Map::is_empty);
    field.keeps(value) && !(held_by_value && empty_message)
}

struct Decoder {
    definition: &'static Definition,
    depth: usize,
    fields: Fields,
}

impl Decoder {
    /// Reads a message, or one that is embedded at these numbers. Unknown numbers are skipped.
    fn read(&mut self, outer: &[u32], bytes: &[u8]) -> Result<(), ProtobufError> {
        let definition = self.definition;
        let fields = &definition.fields;
        let mut reader = Reader::new(bytes);
        while let Some((number, wire)) = reader.next()? {
            let number = [outer, &[number]].concat();
            if let Some((name, field)) = fields.iter().find(|(_, field)| field.number == number) {
                self.set(name, field, wire)?;
            } else if fields.values().any(|field| field.number.starts_with(&number)) {
                self.read(&number, wire.bytes()?)?;
            }
        }
        Ok(())
    }

    fn set(&mut self, name: &str, field: &Field, wire: Wire<'_>) -> Result<(), ProtobufError> {
        let value = if let Type::List(element) = &field.value {
            let mut list = self.taken(name, &field.value);
            let items = self.items(element, wire)?;
            list.as_array_mut().expect("the zero of a list is a list").extend(items);
            list
        } else if let Type::Map(element) = &field.value {
            let mut map = self.taken(name, &field.value);
            let (key, value) = self.entry(element, wire)?;
            map[key] = value;
            map
        } else {
            self.value(&field.value, wire)?
        };
        self.fields.insert(name.to_owned(), value);
        Ok(())
    }

    /// What was read of a field so far.
    fn taken(&mut self, name: &str, kind: &Type) -> Value {
        self.fields.get_mut(name).map_or_else(|| kind.zero(), Value::take)
    }

    /// One element, or a packed list of numbers.
    fn items(&self, element: &Type, wire: Wire<'_>) -> Result<Vec<Value>, ProtobufError> {
        match (element, wire) {
            (Type::Int32 | Type::Int64 | Type::Boolean, Wire::Bytes(packed)) => {
                let numbers = Reader::new(packed).varints()?.into_iter();
                numbers.map(|number| self.value(element, Wire::Varint(number))).collect()
            }
            (element, wire) => Ok(vec![self.value(element, wire)?]),
        }
    }

    /// A message with the key as field 1 and the value as field 2; either is left out when it is zero.
    fn entry(&self, element: &Type, wire: Wire<'_>) -> Result<(String, Value), ProtobufError> {
        let (mut key, mut value) = (String::new(), element.zero());
        let mut reader = Reader::new(wire.bytes()?);
        while let Some((number, wire)) = reader.next()? {
            match number {
                1 => key = wire.text()?.to_owned(),
                2 => value = self.value(element, wire)?,
                _ => {}
            }
        }
        Ok((key, value))
    }

    fn value(&self, kind: &Type, wire: Wire<'_>) -> Result<Value, ProtobufError> {
        match (kind, wire) {
            (Type::String, wire) => wire.text().map(Value::from),
            (Type::Bytes, Wire::Bytes(bytes)) => Ok(Value::from(STANDARD.encode(bytes))),
            (Type::Int32, Wire::Varint(number)) => Ok(Value::from(number as i32)),
            (Type::Int64, Wire::Varint(number)) => Ok(Value::from(number as i64)),
            (Type::Boolean, Wire::Varint(number)) => Ok(Value::from(number != 0)),
            (Type::Number, Wire::Fixed64(bits)) => float(f64::from_bits(bits)),
            (Type::Quantity, Wire::Bytes(message)) => {
                let text = last(message, 1)?.map_or(Ok(""), Wire::text)?;
                Ok(Value::from(text))
            }
            (Type::Time, Wire::Bytes(message)) => {
                Ok(timestamp(message)?.map_or(Value::Null, |at| json(time::time(at))))
            }
            (Type::MicroTime, Wire::Bytes(message)) => {
                Ok(timestamp(message)?.map_or(Value::Null, |at| json(time::micro_time(at))))
            }
            (Type::IntOrString, Wire::Bytes(message)) => int_or_string(message),
            (Type::FieldsV1 | Type::RawExtension | Type::Json, Wire::Bytes(message)) => {
                raw(message)
            }
            (Type::JsonSchemaOr(other), Wire::Bytes(message)) => {
                self.json_schema_or(*other, message)
            }
            (Type::Object(id), Wire::Bytes(bytes)) => {
                message(id.definition(), bytes, self.depth + 1).map(Value::Object)
            }
            (Type::List(element), Wire::Bytes(message)) => self.list(element, message),
            (kind, _) => Err(ProtobufError::WrongType(kind.clone())),
        }
    }

    /// A list that is the value of a map, such as `ExtraValue`: a message of its own.
    fn list(&self, element: &Type, message: &[u8]) -> Result<Value, ProtobufError> {
        let mut items = vec![];
        let mut reader = Reader::new(message);
        while let Some((number, wire)) = reader.next()? {
            if number == 1 {
                items.extend(self.items(element, wire)?);
            }
        }
        Ok(Value::Array(items))
    }
}

impl Decoder {
    /// A schema, or what stands in its place.
    fn json_schema_or(&self, other: Alternative, message: &[u8]) -> Result<Value, ProtobufError> {
        let (schema, instead) = other.numbers();
        if let Some(wire) = last(message, schema)? {
            return self.value(&Alternative::schema(), wire);
        }
        let Type::List(element) = other.value() else {
            let allows = number(message, instead)? != 0;
            return Ok(Value::from(allows));
        };
        let mut items = vec![];
        let mut reader = Reader::new(message);
        while let Some((number, wire)) = reader.next()? {
            if number == instead {
                items.push(self.value(&element, wire)?);
            }
        }
        Ok(Value::Array(items))
    }
}

/// The last value of a field in a small message.
fn last(message: &[u8], wanted: u32) -> Result<Option<Wire<'_>>, ProtobufError> {
    let mut found = None;
    let mut reader = Reader::new(message);
    while let Some((number, wire)) = reader.next()? {
        if number == wanted {
            found = Some(wire);
        }
    }
    Ok(found)
}

fn number(message: &[u8], wanted: u32) -> Result<i64, ProtobufError> {
    Ok(last(message, wanted)?.map_or(Ok(0), Wire::varint)? as i64)
}

/// Seconds and nanoseconds; an empty message is a time that was never set.
fn timestamp(message: &[u8]) -> Result<Option<Timestamp>, ProtobufError> {
    if message.is_empty() {
        return Ok(None);
    }
    let nanoseconds = i32::try_from(number(message, 2)?).map_err(|_| ProtobufError::Malformed)?;
    let timestamp = Timestamp::new(number(message, 1)?, nanoseconds);
    timestamp.map(Some).map_err(|_| ProtobufError::Malformed)
}

/// A floating point number; `2`, not `2.0`, as Go writes it where it is a whole one.
fn float(number: f64) -> Result<Value, ProtobufError> {
    let is_whole = number.fract() == 0.0 && number.abs() < WHOLE_MAX;
    if is_whole && (number != 0.0 || number.is_sign_positive()) {
        return Ok(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number).ok_or(ProtobufError::Malformed)
}

fn json(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("a time is JSON")
}

/// Which of the two it is, the number, the text.
fn int_or_string(message: &[u8]) -> Result<Value, ProtobufError> {
    if number(message, 1)? == 0 {
        return Ok(Value::from(number(message, 2)? as i32));
    }
    let text = last(message, 3)?.map_or(Ok(""), Wire::text)?;
    Ok(Value::from(text))
}

/// JSON as bytes.
fn raw(message: &[u8]) -> Result<Value, ProtobufError> {
    match last(message, 1)?.map_or(Ok(&[][..]), Wire::bytes)? {
        [] => Ok(Value::Object(Map::new())),
        bytes => serde_json::from_slice(bytes).map_err(|_| ProtobufError::Malformed),
    }
}
