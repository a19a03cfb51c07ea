//! The OpenAPI v3 documents in protobuf.
//!
//! Source: gnostic-models/openapiv3/OpenAPIv3.proto, for the fields that our documents have.

use serde_json::Value;

use super::gnostic::{Message, named, wrapped};

#[cfg(test)]
mod tests;

/// A document as an `openapi.v3.Document`.
pub(super) fn protobuf(document: &Value) -> Vec<u8> {
    let mut message = Message::of(document);
    message.text(1, "openapi");
    message.one(2, "info", |info| {
        let mut message = Message::of(info);
        message.text(1, "title").text(6, "version");
        message
    });
    message.one(4, "paths", |paths| named(1, paths, path_item));
    message.one(5, "components", |components| {
        let mut message = Message::of(components);
        message.one(1, "schemas", |schemas| named(1, schemas, schema_or_reference));
        message.one(7, "securitySchemes", |schemes| {
            named(1, schemes, |scheme| wrapped(1, security_scheme(scheme)))
        });
        message
    });
    message.into_bytes()
}

fn security_scheme(scheme: &Value) -> Message<'_> {
    let mut message = Message::of(scheme);
    message.text(1, "type").text(2, "description").text(3, "name").text(4, "in");
    message
}

fn path_item(item: &Value) -> Message<'_> {
    let mut message = Message::of(item);
    for (number, verb) in [(4, "get"), (5, "put"), (6, "post"), (7, "delete"), (8, "options")] {
        message.one(number, verb, operation);
    }
    message.one(9, "head", operation).one(10, "patch", operation);
    message.each(13, "parameters", |value| wrapped(1, parameter(value)));
    message
}

fn operation(operation: &Value) -> Message<'_> {
    let mut message = Message::of(operation);
    message.text(1, "tags").text(3, "description").text(5, "operationId");
    message.each(6, "parameters", |value| wrapped(1, parameter(value)));
    message.one(7, "requestBody", |body| wrapped(1, request_body(body)));
    message
        .one(8, "responses", |responses| named(2, responses, |value| wrapped(1, response(value))));
    message.vendor_extensions(13);
    message
}

fn parameter(parameter: &Value) -> Message<'_> {
    let mut message = Message::of(parameter);
    message.text(1, "name").text(2, "in").text(3, "description").flag(4, "required");
    message.one(10, "schema", schema_or_reference);
    message
}

fn request_body(body: &Value) -> Message<'_> {
    let mut message = Message::of(body);
    message.one(2, "content", media_types).flag(3, "required");
    message
}

fn response(response: &Value) -> Message<'_> {
    let mut message = Message::of(response);
    message.text(1, "description").one(3, "content", media_types);
    message
}

fn media_types(content: &Value) -> Message<'_> {
    named(1, content, |media_type| {
        let mut message = Message::of(media_type);
        message.one(1, "schema", schema_or_reference);
        message
    })
}

fn schema_or_reference(value: &Value) -> Message<'_> {
    let mut reference = Message::of(value);
    if value.get("$ref").is_none() {
        return wrapped(1, schema(value));
    }
    reference.text(1, "$ref");
    wrapped(2, reference)
}

fn schema(value: &Value) -> Message<'_> {
    let mut message = Message::of(value);
    message.flag(20, "uniqueItems").text(23, "required").text(25, "type");
    message.each(26, "allOf", schema_or_reference).each(27, "oneOf", schema_or_reference);
    message.one(30, "items", |items| wrapped(1, schema_or_reference(items)));
    message.one(31, "properties", |properties| named(1, properties, schema_or_reference));
    message.one(32, "additionalProperties", |value| wrapped(1, schema_or_reference(value)));
    message.one(33, "default", default_type);
    message.text(34, "description").text(35, "format").vendor_extensions(36);
    message
}

/// A number, a flag or a text. An object is none of them, and says nothing.
fn default_type(value: &Value) -> Message<'_> {
    let mut message = Message::of(value);
    match value {
        Value::Number(number) => {
            message.writer.fixed64(1, number.as_f64().unwrap_or_default().to_bits());
        }
        Value::Bool(flag) => message.writer.varint(2, u64::from(*flag)),
        Value::String(text) => message.writer.bytes(3, text.as_bytes()),
        Value::Null | Value::Array(_) | Value::Object(_) => {}
    }
    message
}
