//! Documents as messages of gnostic, whose protobuf clients take.
//!
//! Source: gnostic-models, as of Kubernetes v1.36.

use api::protobuf::Writer;
use serde_json::{Map, Value};

#[cfg(test)]
pub(super) mod reading;

/// A message being written, and the JSON object that it says.
pub(super) struct Message<'a> {
    fields: Option<&'a Map<String, Value>>,
    pub(super) writer: Writer,
}

impl<'a> Message<'a> {
    /// Of an object, with nothing written yet.
    pub(super) fn of(value: &'a Value) -> Self {
        Self { fields: value.as_object(), writer: Writer::default() }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.and_then(|fields| fields.get(name))
    }

    /// One text, or each of several.
    pub(super) fn text(&mut self, number: u32, name: &str) -> &mut Self {
        let found = self.get(name);
        let list = found.and_then(Value::as_array).into_iter().flatten();
        for text in list.chain(found).filter_map(Value::as_str) {
            self.writer.bytes(number, text.as_bytes());
        }
        self
    }

    /// What is true; what is not is left out.
    pub(super) fn flag(&mut self, number: u32, name: &str) -> &mut Self {
        if self.get(name) == Some(&Value::Bool(true)) {
            self.writer.varint(number, 1);
        }
        self
    }

    /// A message of one value.
    pub(super) fn one(
        &mut self,
        number: u32,
        name: &str,
        encode: impl Fn(&'a Value) -> Self,
    ) -> &mut Self {
        if let Some(value) = self.get(name) {
            self.writer.bytes(number, &encode(value).into_bytes());
        }
        self
    }

    /// A message of each of several values.
    pub(super) fn each(
        &mut self,
        number: u32,
        name: &str,
        encode: impl Fn(&'a Value) -> Self,
    ) -> &mut Self {
        let list = self.get(name).and_then(Value::as_array);
        for value in list.into_iter().flatten() {
            self.writer.bytes(number, &encode(value).into_bytes());
        }
        self
    }

    /// `x-kubernetes-…`, as YAML, which JSON is.
    pub(super) fn vendor_extensions(&mut self, number: u32) -> &mut Self {
        let fields = self.fields.into_iter().flatten();
        for (name, value) in fields.filter(|(name, _)| name.starts_with("x-")) {
            let mut any = Writer::default();
            any.bytes(2, value.to_string().as_bytes());
            self.writer.bytes(number, &pair(name, any));
        }
        self
    }

    /// What is written.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.writer.into_bytes()
    }
}

/// A message that has nothing but one field.
pub(super) fn wrapped(number: u32, inner: Message<'_>) -> Message<'_> {
    let mut writer = Writer::default();
    writer.bytes(number, &inner.into_bytes());
    Message { fields: None, writer }
}

fn pair(name: &str, value: Writer) -> Vec<u8> {
    let mut pair = Writer::default();
    pair.bytes(1, name.as_bytes());
    pair.bytes(2, &value.into_bytes());
    pair.into_bytes()
}

/// A map, as pairs of a name and a message.
pub(super) fn named<'a>(
    number: u32,
    map: &'a Value,
    encode: impl Fn(&'a Value) -> Message<'a>,
) -> Message<'a> {
    let mut message = Message { fields: None, writer: Writer::default() };
    for (name, value) in map.as_object().into_iter().flatten() {
        message.writer.bytes(number, &pair(name, encode(value).writer));
    }
    message
}
