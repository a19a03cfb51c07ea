//! The stored form of an object: canonical JSON without its `resourceVersion`, which the store gives.
//!
//! `apiVersion`, `kind` and `metadata` come first, so that the revision can be put in by copying bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use api::ApiResource;
use api::object::metadata_mut;
use api::schema::Schema;
use serde::Deserialize;
use serde_json::Value;
use store::{Bytes, KeyValue, Revision};

/// Groups whose objects upstream stores as JSON, and all others as protobuf.
const STORED_AS_JSON: [&str; 2] = ["apiextensions.k8s.io", "apiregistration.k8s.io"];

/// What stands before the first field of `metadata` in every stored object of a resource.
#[derive(Clone, Debug)]
pub struct Prefix {
    with_type: String,
    type_bytes: usize,
}

impl Prefix {
    /// The prefix of a resource's objects.
    pub fn of(resource: &ApiResource) -> Self {
        let type_meta = format!(
            "{{\"apiVersion\":\"{}\",\"kind\":\"{}\",",
            resource.api_version(),
            resource.kind
        );
        Self { type_bytes: type_meta.len(), with_type: format!("{type_meta}\"metadata\":{{") }
    }

    /// Appends a stored object with its revision, and with its type unless it stands in a list.
    pub fn copy(&self, found: &KeyValue, revision: Revision, in_list: bool, out: &mut Vec<u8>) {
        if in_list {
            out.push(b'{');
            out.extend_from_slice(&self.with_type.as_bytes()[self.type_bytes..]);
        } else {
            out.extend_from_slice(self.with_type.as_bytes());
        }
        out.extend_from_slice(format!("\"resourceVersion\":\"{revision}\",").as_bytes());
        out.extend_from_slice(&found.value[self.with_type.len()..]);
    }
}

/// An object with all that upstream would write of it, which is what clients see.
pub fn explicit(resource: &ApiResource, object: Value) -> Value {
    match Schema::of(resource) {
        Some(definition) if STORED_AS_JSON.contains(&resource.group) => definition.explicit(object),
        Some(definition) => definition.explicit_as_stored(object),
        None => object,
    }
}

/// The bytes to store.
pub fn encode(resource: &ApiResource, object: &Value) -> Bytes {
    let mut out = Prefix::of(resource).with_type.into_bytes();
    let empty = serde_json::Map::new();
    let metadata = object.get("metadata").and_then(Value::as_object).unwrap_or(&empty);
    let stored = metadata.iter().filter(|(field, _)| *field != "resourceVersion");
    append_fields(&mut out, stored);
    out.push(b'}');
    let is_type = |field: &str| matches!(field, "apiVersion" | "kind" | "metadata");
    let rest = object.as_object().into_iter().flatten().filter(|(field, _)| !is_type(field));
    let before = out.len();
    out.push(b',');
    append_fields(&mut out, rest);
    if out.len() == before + 1 {
        out.pop();
    }
    out.push(b'}');
    out.into()
}

fn append_fields<'a>(out: &mut Vec<u8>, fields: impl Iterator<Item = (&'a String, &'a Value)>) {
    for (index, (field, value)) in fields.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let field = Value::from(field.as_str());
        out.extend_from_slice(format!("{field}:{value}").as_bytes());
    }
}

/// The object that is stored, with its revision.
pub fn decode(found: &KeyValue) -> Value {
    decode_at(found, found.mod_revision)
}

/// The object that is stored, with a revision of the caller's.
pub fn decode_at(found: &KeyValue, revision: Revision) -> Value {
    let object = serde_json::from_slice(&found.value).expect("only `encode` writes objects");
    with_revision(object, revision)
}

/// What a selector asks about.
#[derive(Default, Deserialize)]
struct Labelled {
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// The labels of the object that is stored. What stands behind its metadata is not read.
pub fn labels(found: &KeyValue) -> BTreeMap<String, String> {
    const FIELD: &[u8] = b"\"metadata\":";
    let value: &[u8] = &found.value;
    let field = value.windows(FIELD.len()).position(|window| window == FIELD);
    let metadata = field.map_or(&b"{}"[..], |at| &value[at + FIELD.len()..]);
    let mut metadata = serde_json::Deserializer::from_slice(metadata);
    Labelled::deserialize(&mut metadata).expect("only `encode` writes objects").labels
}

/// What a field selector asks about.
#[derive(Deserialize)]
struct Placed<'a> {
    #[serde(borrow, default)]
    spec: Option<Place<'a>>,
}

#[derive(Deserialize)]
struct Place<'a> {
    #[serde(rename = "nodeName", borrow, default)]
    node_name: Option<Cow<'a, str>>,
}

/// The node that a stored object names, `spec.nodeName`: nothing where it names none, `None` where that cannot be told.
pub fn node_of(found: &KeyValue) -> Option<String> {
    let placed: Placed<'_> = serde_json::from_slice(&found.value).ok()?;
    let name = placed.spec.and_then(|spec| spec.node_name);
    Some(name.map(Cow::into_owned).unwrap_or_default())
}

/// The object with a revision.
pub fn with_revision(mut object: Value, revision: Revision) -> Value {
    metadata_mut(&mut object)
        .insert("resourceVersion".to_owned(), Value::from(revision.to_string()));
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::resources;
    use serde_json::json;

    #[test]
    fn a_stored_object_is_copied_with_its_revision() {
        let object = json!({"data": {"a": "\"metadata\":{"}, "kind": "ConfigMap", "apiVersion": "v1",
            "metadata": {"name": "a", "resourceVersion": "9"}});
        let value = encode(&resources::CONFIG_MAPS, &object);
        let found = KeyValue {
            key: Bytes::from(&b"k"[..]),
            value,
            create_revision: Revision(3),
            mod_revision: Revision(4),
            version: 2,
            lease: store::LeaseId::NONE,
        };

        let mut copied = vec![];
        Prefix::of(&resources::CONFIG_MAPS).copy(&found, Revision(4), false, &mut copied);

        let copied: Value = serde_json::from_slice(&copied).unwrap();
        assert_eq!(copied, decode(&found));
        assert_eq!(copied["metadata"]["resourceVersion"], "4");
        assert_eq!(copied["data"], object["data"]);
    }
}
