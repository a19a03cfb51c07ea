//! The rows of Events.

use api::Timestamp;
use api::object::{at, text};
use serde_json::{Value, json};

use super::{duration, int};

/// The cells of an Event.
pub(super) fn cells(object: &Value, now: Timestamp) -> Vec<Value> {
    let of = |path: &[&str]| text(object, path);
    let first = first_of([of(&["firstTimestamp"]), of(&["eventTime"])]);
    let series = at(object, &["series"]).filter(|series| !series.is_null());
    let last = match series {
        Some(series) => text(series, &["lastObservedTime"]),
        None => first_of([of(&["lastTimestamp"]), first]),
    };
    let count = match series {
        Some(series) => int(series, &["count"]),
        None => int(object, &["count"]).max(1),
    };
    vec![
        json!(duration::since(last, now)),
        json!(of(&["type"])),
        json!(of(&["reason"])),
        json!(event_target(object)),
        json!(of(&["involvedObject", "fieldPath"])),
        json!(event_source(object)),
        json!(of(&["message"]).trim()),
        json!(duration::since(first, now)),
        json!(count),
        json!(of(&["metadata", "name"])),
    ]
}

fn event_target(event: &Value) -> String {
    let kind = text(event, &["involvedObject", "kind"]).to_lowercase();
    match text(event, &["involvedObject", "name"]) {
        "" => kind,
        name => format!("{kind}/{name}"),
    }
}

fn event_source(event: &Value) -> String {
    let component =
        first_of([text(event, &["source", "component"]), text(event, &["reportingComponent"])]);
    let host = first_of([text(event, &["source", "host"]), text(event, &["reportingInstance"])]);
    if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") }
}

fn first_of(texts: [&str; 2]) -> &str {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}
