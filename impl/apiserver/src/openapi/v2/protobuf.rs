//! The OpenAPI v2 document in protobuf, which is the only form that client-go asks for.
//!
//! Source: gnostic-models/openapiv2/OpenAPIv2.proto, for the fields that our documents have.

use serde_json::Value;

use crate::openapi::gnostic::{Message, named, wrapped};

/// The document as an `openapi.v2.Document`.
pub(in crate::openapi) fn encode(document: &Value) -> Vec<u8> {
    let mut message = Message::of(document);
    message.text(1, "swagger");
    message.one(2, "info", |info| {
        let mut message = Message::of(info);
        message.text(1, "title").text(2, "version");
        message
    });
    message.one(8, "paths", |paths| named(2, paths, path_item));
    message.one(9, "definitions", |definitions| named(1, definitions, schema));
    message.each(12, "security", |requirement| named(1, requirement, strings));
    message.one(13, "securityDefinitions", |definitions| {
        named(1, definitions, |definition| wrapped(2, api_key(definition)))
    });
    message.into_bytes()
}

fn strings(list: &Value) -> Message<'_> {
    let mut message = Message::of(list);
    for text in list.as_array().into_iter().flatten().filter_map(Value::as_str) {
        message.writer.bytes(1, text.as_bytes());
    }
    message
}

fn api_key(definition: &Value) -> Message<'_> {
    let mut message = Message::of(definition);
    message.text(1, "type").text(2, "name").text(3, "in").text(4, "description");
    message
}

fn path_item(item: &Value) -> Message<'_> {
    let mut message = Message::of(item);
    for (number, verb) in [(2, "get"), (3, "put"), (4, "post"), (5, "delete"), (6, "options")] {
        message.one(number, verb, operation);
    }
    message.one(7, "head", operation).one(8, "patch", operation);
    message.each(9, "parameters", |parameter| wrapped(1, any_parameter(parameter)));
    message
}

fn operation(operation: &Value) -> Message<'_> {
    let mut message = Message::of(operation);
    message.text(1, "tags").text(3, "description").text(5, "operationId");
    message.text(6, "produces").text(7, "consumes");
    message.each(8, "parameters", |parameter| wrapped(1, any_parameter(parameter)));
    message
        .one(9, "responses", |responses| named(1, responses, |value| wrapped(1, response(value))));
    message.text(10, "schemes").vendor_extensions(13);
    message
}

fn any_parameter(value: &Value) -> Message<'_> {
    match value["in"].as_str() {
        Some("body") => wrapped(1, body_parameter(value)),
        Some("path") => wrapped(2, wrapped(4, parameter(value, 0))),
        // Those of a query have one field more, in the middle.
        _ => wrapped(2, wrapped(3, parameter(value, 1))),
    }
}

fn body_parameter(parameter: &Value) -> Message<'_> {
    let mut message = Message::of(parameter);
    message.text(1, "description").text(2, "name").text(3, "in").flag(4, "required");
    message.one(5, "schema", schema);
    message
}

fn parameter(parameter: &Value, shift: u32) -> Message<'_> {
    let mut message = Message::of(parameter);
    message.flag(1, "required").text(2, "in").text(3, "description").text(4, "name");
    message.text(5 + shift, "type").flag(19 + shift, "uniqueItems");
    message
}

fn response(response: &Value) -> Message<'_> {
    let mut message = Message::of(response);
    message.text(1, "description").one(2, "schema", |value| wrapped(1, schema(value)));
    message
}

fn schema(value: &Value) -> Message<'_> {
    let mut message = Message::of(value);
    message.text(1, "$ref").text(2, "format").text(4, "description");
    message.text(19, "required");
    message.one(21, "additionalProperties", |value| wrapped(1, schema(value)));
    message.one(22, "type", type_item);
    message.one(23, "items", |value| wrapped(1, schema(value)));
    message.one(25, "properties", |properties| named(1, properties, schema));
    message.vendor_extensions(31);
    message
}

fn type_item(name: &Value) -> Message<'_> {
    let mut message = Message::of(name);
    message.writer.bytes(1, name.as_str().unwrap_or_default().as_bytes());
    message
}
