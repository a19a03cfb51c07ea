//! Events: what a component tells people about an object. Repeats of one are counted, not listed; many that are alike
//! are told as one; and of what it tells about one object, most is left out once it is much.
//!
//! Source: client-go's `tools/record` (v1.36).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

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
    written: BTreeMap<Identity, (Key, i32)>,
    /// The messages of events that differ in nothing else, and when the last of them was told.
    alike: BTreeMap<Alike, (BTreeSet<String>, Timestamp)>,
    /// Of what has been told about an object and how bad it was: until when that would have taken at an even pace.
    told_until: BTreeMap<(About, EventType), Timestamp>,
    /// How many events it has written first: two of one instant get different names.
    first: u64,
}

/// The kind, the namespace, the name and the uid of an object.
type About = [String; 4];
/// An object, how bad it is, and the reason.
type Alike = (About, EventType, String);
/// Which events are the same: also the part of the object and the message, unless many are told as one.
type Identity = (Alike, Option<(String, String)>);

/// How many events a recorder remembers for counting; upstream's cache holds as many.
const WRITTEN_MAX: usize = 4096;

/// How many events that are alike are told one by one, within so much time, and how the message begins that tells of
/// more. Source: `defaultAggregateMaxEvents` and what follows it.
const ALIKE_MAX: usize = 10;
const ALIKE_SECONDS: i64 = 600;
const COMBINED: &str = "(combined from similar events): ";

/// How many events are told about an object at once, and how long it takes until one more may be. Source:
/// `defaultSpamBurst`, `defaultSpamQPS`.
const BURST: u32 = 25;
const ONE_MORE: Duration = Duration::from_secs(300);

impl Recorder {
    /// The recorder of a component (`kubelet`) on a host (a node's name, or empty).
    pub fn new(component: &str, host: &str) -> Self {
        let host = (!host.is_empty()).then(|| host.to_owned());
        let source = EventSource { component: Some(component.to_owned()), host };
        Self {
            source,
            written: BTreeMap::new(),
            alike: BTreeMap::new(),
            told_until: BTreeMap::new(),
            first: 0,
        }
    }

    /// The request that writes this note about an object, whatever was told before, as upstream's recorders of the
    /// events.k8s.io API do.
    pub fn record_each(&mut self, about: ObjectReference, note: &Note, now: Timestamp) -> Request {
        let identity = (alike(&about, note), Some(part(&about, note)));
        self.write(identity, about, (note, now))
    }

    /// The request that writes this note about an object, if it is to be told.
    pub fn record(
        &mut self,
        about: ObjectReference,
        note: Note,
        now: Timestamp,
    ) -> Option<Request> {
        let (identity, note) = self.combined(&about, note, now);
        if self.is_too_much(&identity, now) {
            if let Some((_, count)) = self.written.get_mut(&identity) {
                *count += 1;
            }
            return None;
        }
        Some(self.write(identity, about, (&note, now)))
    }

    /// The event as which this is told: itself, or one of all that are alike.
    fn combined(
        &mut self,
        about: &ObjectReference,
        note: Note,
        now: Timestamp,
    ) -> (Identity, Note) {
        let alike = alike(about, &note);
        forget_all_of_many(&mut self.alike);
        let (messages, last) =
            self.alike.entry(alike.clone()).or_insert_with(|| (BTreeSet::new(), now));
        if api::time::seconds_between(*last, now) > ALIKE_SECONDS {
            messages.clear();
        }
        messages.insert(note.message.clone());
        *last = now;
        if messages.len() < ALIKE_MAX {
            return ((alike, Some(part(about, &note))), note);
        }
        messages.pop_first();
        let message = format!("{COMBINED}{}", note.message);
        ((alike, None), Note { message, ..note })
    }

    /// Whether so much was told about the object that this is left out.
    fn is_too_much(&mut self, ((about, event_type, _), _): &Identity, now: Timestamp) -> bool {
        forget_all_of_many(&mut self.told_until);
        let until = self.told_until.entry((about.clone(), *event_type)).or_insert(now);
        let next = (*until).max(now) + ONE_MORE;
        let is_too_much = next > now + ONE_MORE * BURST;
        if !is_too_much {
            *until = next;
        }
        is_too_much
    }

    fn write(
        &mut self,
        identity: Identity,
        about: ObjectReference,
        (note, now): (&Note, Timestamp),
    ) -> Request {
        if let Some((key, count)) = self.written.get_mut(&identity) {
            *count += 1;
            let mut patch = json!({"count": *count, "lastTimestamp": api::time::text(now)});
            if identity.1.is_none() {
                patch["message"] = json!(note.message);
            }
            return Request::merge_patch(&resources::EVENTS, key.clone(), patch);
        }
        let event = self.first(about, note, now);
        forget_all_of_many(&mut self.written);
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

fn alike(about: &ObjectReference, note: &Note) -> Alike {
    let fields = [&about.kind, &about.namespace, &about.name, &about.uid];
    let about = fields.map(|field| field.clone().unwrap_or_default());
    (about, note.event_type, note.reason.clone())
}

/// The part of the object, and the message.
fn part(about: &ObjectReference, note: &Note) -> (String, String) {
    (about.field_path.clone().unwrap_or_default(), note.message.clone())
}

fn forget_all_of_many<K, V>(remembered: &mut BTreeMap<K, V>) {
    if remembered.len() >= WRITTEN_MAX {
        remembered.clear();
    }
}

#[cfg(test)]
mod tests {
    use api::Verb;
    use serde_json::Value;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn about(name: &str) -> ObjectReference {
        ObjectReference { name: Some(name.to_owned()), ..ObjectReference::default() }
    }

    fn bodies(
        recorder: &mut Recorder,
        messages: impl Iterator<Item = String>,
    ) -> Vec<(Verb, Value)> {
        let notes = messages.map(|message| Note::warning("Failed", message));
        let requests = notes.filter_map(|note| recorder.record(about("web"), note, at(10)));
        requests.map(|request| (request.verb, request.body.unwrap_or_default())).collect()
    }

    #[test]
    fn the_tenth_that_is_alike_is_told_of_all() {
        let mut recorder = Recorder::new("controller", "");

        let told = bodies(&mut recorder, (0..12).map(|number| format!("no {number}")));

        assert_eq!(told[8].1["message"], "no 8");
        assert_eq!(told[9].1["message"], "(combined from similar events): no 9");
        assert_eq!((told[10].0, &told[10].1["count"]), (Verb::MergePatch, &json!(2)));
        assert_eq!(told[11].1["message"], "(combined from similar events): no 11");
    }

    #[test]
    fn of_much_about_an_object_the_first_is_told_and_one_more_each_five_minutes() {
        let mut recorder = Recorder::new("controller", "");
        let note = || Note::warning("Failed", "no");

        let told = bodies(&mut recorder, std::iter::repeat_n("no".to_owned(), 30));
        let early = recorder.record(about("web"), note(), at(309));
        let late = recorder.record(about("web"), note(), at(310));
        let more = recorder.record(about("web"), note(), at(310));

        assert_eq!(told.len(), 25);
        assert!(early.is_none() && more.is_none());
        assert_eq!(late.unwrap().body.unwrap()["count"], 32);
        assert!(recorder.record(about("db"), note(), at(310)).is_some());
        assert!(recorder.record(about("web"), Note::normal("Ok", "yes"), at(310)).is_some());
    }

    #[test]
    fn each_is_told_where_that_is_wanted() {
        let mut recorder = Recorder::new("scheduler", "");

        let told: Vec<Request> = (0..40)
            .map(|number| {
                let note = Note::warning("Failed", format!("no {number}"));
                recorder.record_each(about("web"), &note, at(10))
            })
            .collect();

        let last = told[39].body.clone().unwrap();
        assert_eq!((told.len(), &last["message"]), (40, &json!("no 39")));
    }
}
