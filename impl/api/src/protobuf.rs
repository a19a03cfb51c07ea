//! Objects as `application/vnd.kubernetes.protobuf`, by the field numbers of their schemas.
//!
//! Source: `runtime.Unknown` and the protobuf serializer of apimachinery (v1.36). A body is the magic
//! bytes, then an `Unknown` that names a kind and carries the object. Leaves out kinds that are not built in.

use serde_json::Value;

use crate::object::text;
use crate::schema::{Definition, Schema, Type};

mod decode;
mod encode;
mod partial;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod tests;
mod wire;

pub use wire::Writer;
use wire::{Reader, Wire};

/// What every body opens with.
pub const MAGIC: &[u8] = b"k8s\0";

/// Why bytes are no object, or an object cannot be bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtobufError {
    /// The body does not open with the magic bytes.
    #[error("provided data does not appear to be a protobuf message, expected prefix \"k8s\\0\"")]
    Magic,
    /// The bytes end within a field.
    #[error("unexpected end of protobuf message")]
    Truncated,
    /// The bytes are no protobuf.
    #[error("malformed protobuf message")]
    Malformed,
    /// A field has another wire type, or a JSON value another type, than the schema says.
    #[error("wrong type for a field of type {0:?}")]
    WrongType(Type),
    /// Messages lie in messages, too deep.
    #[error("protobuf message exceeds the maximum depth")]
    TooDeep,
    /// The object is encoded in another way.
    #[error("unsupported content type or encoding {0:?} in a protobuf message")]
    Content(String),
    /// The kind is not built in.
    #[error("no kind \"{kind}\" is registered for version \"{api_version}\"")]
    UnknownKind {
        /// `apps/v1`.
        api_version: String,
        /// `Deployment`.
        kind: String,
    },
}

/// Decodes a body of any built-in kind to JSON with `apiVersion` and `kind`.
pub fn decode_any(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let message = bytes.strip_prefix(MAGIC).ok_or(ProtobufError::Magic)?;
    let envelope = Envelope::read(message)?;
    let definition = definition(&envelope.api_version, &envelope.kind)?;
    let mut fields = decode::message(definition, envelope.raw, 0)?;
    fields.insert("apiVersion".to_owned(), Value::String(envelope.api_version));
    fields.insert("kind".to_owned(), Value::String(envelope.kind));
    Ok(Value::Object(fields))
}

/// Encodes an object or list of a built-in kind, which its `apiVersion` and `kind` name.
pub fn encode(object: &Value) -> Result<Vec<u8>, ProtobufError> {
    let (api_version, kind) = (text(object, &["apiVersion"]), text(object, &["kind"]));
    let raw = match partial::message(api_version, kind, object) {
        Some(message) => message?,
        None => encode::message(definition(api_version, kind)?, object)?,
    };
    let mut type_meta = Writer::default();
    type_meta.bytes(1, api_version.as_bytes());
    type_meta.bytes(2, kind.as_bytes());
    let mut unknown = Writer::default();
    unknown.bytes(1, &type_meta.into_bytes());
    unknown.bytes(2, &raw);
    Ok([MAGIC, &unknown.into_bytes()].concat())
}

/// One frame of a watch: `ADDED` and the like with an object, led by its length in four bytes.
pub fn watch_event(event: &str, object: &Value) -> Result<Vec<u8>, ProtobufError> {
    let mut extension = Writer::default();
    extension.bytes(1, &encode(object)?);
    let mut message = Writer::default();
    message.bytes(1, event.as_bytes());
    message.bytes(2, &extension.into_bytes());
    let message = message.into_bytes();
    let length = u32::try_from(message.len()).map_err(|_| ProtobufError::Malformed)?;
    Ok([&length.to_be_bytes()[..], &message].concat())
}

fn definition(api_version: &str, kind: &str) -> Result<&'static Definition, ProtobufError> {
    Schema::of_kind(api_version, kind).ok_or_else(|| ProtobufError::UnknownKind {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
    })
}

/// `runtime.Unknown`.
#[derive(Default)]
struct Envelope<'a> {
    api_version: String,
    kind: String,
    raw: &'a [u8],
}

impl<'a> Envelope<'a> {
    fn read(message: &'a [u8]) -> Result<Self, ProtobufError> {
        let mut envelope = Self::default();
        let mut reader = Reader::new(message);
        while let Some((number, wire)) = reader.next()? {
            match (number, wire) {
                (1, Wire::Bytes(type_meta)) => envelope.read_type_meta(type_meta)?,
                (2, Wire::Bytes(raw)) => envelope.raw = raw,
                (3, Wire::Bytes(encoding)) if !encoding.is_empty() => {
                    return Err(content(encoding));
                }
                (4, Wire::Bytes(kind)) if !CONTENT_TYPES.contains(&kind) => {
                    return Err(content(kind));
                }
                _ => {}
            }
        }
        Ok(envelope)
    }

    fn read_type_meta(&mut self, message: &[u8]) -> Result<(), ProtobufError> {
        let mut reader = Reader::new(message);
        while let Some((number, wire)) = reader.next()? {
            match number {
                1 => self.api_version = wire.text()?.to_owned(),
                2 => self.kind = wire.text()?.to_owned(),
                _ => {}
            }
        }
        Ok(())
    }
}

const CONTENT_TYPES: &[&[u8]] = &[b"", b"application/vnd.kubernetes.protobuf"];

fn content(found: &[u8]) -> ProtobufError {
    ProtobufError::Content(String::from_utf8_lossy(found).into_owned())
}
