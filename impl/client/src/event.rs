//! Events: what a component tells people about an object. Repeats of one are counted, not listed.
//!
//! Source: client-go's `tools/record` (v1.36), without its spam filter.

use std::collections::BTreeMap;

use api::{AnyObject, Key, Request, Timestamp, resources};
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

/// `Normal` or `Warning`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    /// Nothing is wrong.
    Normal,
    /// Something may be.
    Warning,
}

/// What a component says about an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// `Normal` or `Warning`.
    pub event_type: EventType,
    /// `Scheduled`, `FailedScheduling`, `Pulled` …
    pub reason: String,
    /// The sentence a person reads.
    pub message: String,
}

impl Note {
    /// Nothing is wrong.
    pub fn normal(reason: &str, message: impl Into<String>) -> Self {
        Self { event_type: EventType::Normal, reason: reason.to_owned(), message: message.into() }
    }

    /// Something may be wrong.
    pub fn warning(reason: &str, message: impl Into<String>) -> Self {
        Self { event_type: EventType::Warning, reason: reason.to_owned(), message: message.into() }
    }
}

/// The object that an event is about.
pub fn reference(object: &AnyObject, field_path: &str) -> ObjectReference {
    let metadata = object.metadata();
    ObjectReference {
        api_version: Some(object.resource().api_version()),
        kind: Some(object.resource().kind.to_owned()),
        name: metadata.name.clone(),
        namespace: metadata.namespace.clone(),
        uid: metadata.uid.clone(),
        resource_version: metadata.resource_version.clone(),
        field_path: (!field_path.is_empty()).then(|| field_path.to_owned()),
    }
}

/// Writes one component's events: the first as a new object, repeats as a higher count on it.
#[derive(Clone, Debug)]
pub struct Recorder {
    source: EventSource,
    written: BTreeMap<(String, String, Note), (Key, i32)>,
    /// How many events it has written first: two of one instant get different names.
    first: u64,
}

/// How many events a recorder remembers for counting; upstream's cache holds as many.
const WRITTEN_MAX: usize = 4096;

impl Recorder {
    /// The recorder of a component (`kubelet`) on a host (a node's name, or empty).
    pub fn new(component: &str, host: &str) -> Self {
        let host = (!host.is_empty()).then(|| host.to_owned());
        let source = EventSource { component: Some(component.to_owned()), host };
        Self { source, written: BTreeMap::new(), first: 0 }
    }

    /// The request that writes this note about an object.
    pub fn record(&mut self, about: ObjectReference, note: Note, now: Timestamp) -> Request {
        let uid = about.uid.clone().unwrap_or_default();
        let identity = (uid, about.field_path.clone().unwrap_or_default(), note);
        if let Some((key, count)) = self.written.get_mut(&identity) {
            *count += 1;
            let patch = json!({"count": *count, "lastTimestamp": api::time::text(now)});
            return Request::merge_patch(&resources::EVENTS, key.clone(), patch);
        }
        let event = self.first(about, &identity.2, now);
        if self.written.len() >= WRITTEN_MAX {
            self.written.clear();
        }
        self.written.insert(identity, (Key::of(&event.metadata), 1));
        Request::create(&event)
    }

    fn first(&mut self, about: ObjectReference, note: &Note, now: Timestamp) -> Event {
        let namespace = about.namespace.clone().unwrap_or_else(|| "default".to_owned());
        let name = about.name.as_deref().unwrap_or_default();
        self.first += 1;
        let suffix = now.as_nanosecond().wrapping_add(i128::from(self.first));
        Event {
            metadata: ObjectMeta {
                name: Some(format!("{name}.{suffix:x}")),
                namespace: Some(namespace),
                ..ObjectMeta::default()
            },
            involved_object: about,
            reason: Some(note.reason.clone()),
            message: Some(note.message.clone()),
            type_: Some(format!("{:?}", note.event_type)),
            count: Some(1),
            first_timestamp: Some(api::time::time(now)),
            last_timestamp: Some(api::time::time(now)),
            reporting_component: self.source.component.clone(),
            reporting_instance: self.source.host.clone(),
            source: Some(self.source.clone()),
            ..Event::default()
        }
    }
}
