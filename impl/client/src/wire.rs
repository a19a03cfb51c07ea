//! Lists, watch events and refusals as they come over the wire, and as components take them.

use api::{AnyObject, ApiResource, Reason, Status};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::reflector::WatchEvent;

/// Why an answer is no list or watch event.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It is not the JSON that it should be.
    #[error("an answer of the API server is malformed: {0}")]
    Json(#[from] serde_json::Error),
    /// Its `resourceVersion` is no number.
    #[error("resourceVersion \"{0}\" is no number")]
    Revision(String),
    /// A watch event has a type that does not exist.
    #[error("a watch event cannot be of type {0}")]
    Type(String),
}

/// A list whose objects are not read yet: a long one would take many times its length as values.
#[derive(Deserialize)]
struct List<'a> {
    metadata: Value,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

/// A list, or the part of one that an answer holds.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The revision of the whole list.
    pub revision: u64,
    /// In the order of their keys.
    pub objects: Vec<AnyObject>,
    /// What to ask on with, as `continue`; empty with the last chunk.
    pub next: String,
}

/// Reads a chunk of a list.
pub fn read_chunk(resource: &'static ApiResource, list: &[u8]) -> Result<Chunk, WireError> {
    let List { metadata, items } = serde_json::from_slice(list)?;
    let next = metadata["continue"].as_str().unwrap_or_default().to_owned();
    let revision = revision(&json!({"metadata": metadata}))?;
    let decode = |item: &RawValue| AnyObject::decode(resource, item.get().as_bytes());
    let items = items.unwrap_or_default().into_iter();
    Ok(Chunk { revision, objects: items.map(decode).collect::<Result<_, _>>()?, next })
}

/// Reads a list that was asked for as a whole: its revision and its objects.
pub fn read_list(
    resource: &'static ApiResource,
    list: &[u8],
) -> Result<(u64, Vec<AnyObject>), WireError> {
    read_chunk(resource, list).map(|chunk| (chunk.revision, chunk.objects))
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Reads a line of a watch, and its word for the trace.
pub fn read_event(
    resource: &'static ApiResource,
    line: &[u8],
) -> Result<(&'static str, WatchEvent), WireError> {
    let line: Line<'_> = serde_json::from_slice(line)?;
    let object = line.object.get();
    let decode = || AnyObject::decode(resource, object.as_bytes());
    Ok(match line.kind {
        "ADDED" => ("added", WatchEvent::Put(decode()?)),
        "MODIFIED" => ("modified", WatchEvent::Put(decode()?)),
        "DELETED" => ("deleted", WatchEvent::Deleted(decode()?)),
        "BOOKMARK" => ("bookmark", WatchEvent::Bookmark(revision(&serde_json::from_str(object)?)?)),
        "ERROR" => ("expired", WatchEvent::Expired),
        other => return Err(WireError::Type(other.to_owned())),
    })
}

fn revision(object: &Value) -> Result<u64, WireError> {
    let text = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    text.parse().map_err(|_| WireError::Revision(text.to_owned()))
}

/// What an error says: that of an API server, or one as client-go makes it of whatever else answers.
///
/// Source: `NewGenericServerResponse` in staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go (v1.36).
pub fn refusal(code: u16, body: &[u8]) -> Status {
    match serde_json::from_slice::<Value>(body) {
        Ok(status) if status.is_object() => Status::from_value(&status),
        _ if code == 404 => Status::no_such_path(),
        _ => {
            let said = String::from_utf8_lossy(body);
            let said = said.trim();
            let message = format!(
                "an error on the server ({said:?}) has prevented the request from succeeding"
            );
            Status::new(Reason::InternalError, message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_no_api_server_is_quoted() {
        let missing = refusal(404, b"404 page not found\n");
        let broken = refusal(502, b"no route\n");
        let told = refusal(403, br#"{"reason": "Forbidden", "message": "no"}"#);

        assert_eq!(missing, Status::no_such_path());
        let why = "an error on the server (\"no route\") has prevented the request from succeeding";
        assert_eq!(broken, Status::new(Reason::InternalError, why));
        assert_eq!(told, Status::new(Reason::Forbidden, "no"));
    }
}
