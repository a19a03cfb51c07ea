//! What only an API server can say, in the place of what the model calls it: uids and resourceVersions.

use model::request::{CURRENT, OUTDATED, named_uid};
use serde_json::{Value, json};

use super::connection::Answer;
use super::replay::Replay;

impl Replay<'_> {
    /// A body with what it names: uids, nodes, and the resourceVersion of the object that was found.
    pub(super) fn filled(&self, body: &Value, found: &Answer) -> Value {
        let mut body = self.with_uids(body);
        for pointer in ["/metadata/resourceVersion", "/preconditions/resourceVersion"] {
            if let Some(version) = body.pointer_mut(pointer) {
                *version = json!(found.resource_version());
            }
        }
        if let Some(uid) = body.pointer_mut("/preconditions/uid") {
            let current = found.body["metadata"]["uid"].as_str().unwrap_or("gone");
            *uid = match uid.as_str() {
                Some(CURRENT) => json!(current),
                Some(OUTDATED) => json!(self.made.uid_before(current)),
                Some(_) | None => uid.clone(),
            };
        }
        for pointer in ["/spec/nodeName", "/target/name", "/status/nominatedNodeName"] {
            if let Some(Value::String(node)) = body.pointer_mut(pointer) {
                *node = self.node_name(node);
            }
        }
        body
    }

    fn with_uids(&self, body: &Value) -> Value {
        match body {
            Value::String(text) => match named_uid(text) {
                Some((number, resource, name)) => {
                    let uids = self.made.uids.get(&(resource.to_owned(), name.to_owned()));
                    let uid = uids.and_then(|uids| uids.get(number.checked_sub(1)?));
                    json!(uid.map_or("gone", String::as_str))
                }
                None => body.clone(),
            },
            Value::Array(items) => items.iter().map(|item| self.with_uids(item)).collect(),
            Value::Object(fields) => {
                let filled = fields.iter().map(|(key, value)| (key.clone(), self.with_uids(value)));
                Value::Object(filled.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => body.clone(),
        }
    }

    /// A resourceVersion of a list: a number of a write, or what stands there.
    pub(super) fn write_named(&self, version: &Value) -> String {
        let text = version.as_str().unwrap_or_default();
        let number = text.strip_prefix("write ").and_then(|number| number.parse::<usize>().ok());
        match number.and_then(|number| self.made.writes.get(number.checked_sub(1)?)) {
            Some(version) => version.clone(),
            None => text.to_owned(),
        }
    }
}
