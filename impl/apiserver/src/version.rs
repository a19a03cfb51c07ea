//! Versions that are served beside the one that is stored: the same object under other names.
//!
//! Reads convert what is stored, writes convert what is sent; between the two there is the stored version
//! only. Source: `pkg/apis/events/v1/conversion.go` (v1.36).

mod autoscaler;
mod ordered;

use api::{ApiResource, resources};
use serde_json::{Map, Value, json};

pub(crate) use autoscaler::drop_annotations;

/// A version, and how it becomes the one that is stored.
#[derive(Debug, PartialEq, Eq)]
pub struct Version {
    /// As it is served.
    pub served: &'static ApiResource,
    /// As it is stored.
    pub stored: &'static ApiResource,
    conversion: Conversion,
}

#[derive(Debug, PartialEq, Eq)]
enum Conversion {
    /// Fields are called otherwise: as served, and as stored.
    Renames(&'static [(&'static str, &'static str)]),
    /// `autoscaling/v1`, whose annotations hold what it has no fields for.
    Autoscaler,
}

static EVENTS: Version = Version {
    served: &resources::EVENTS_V1,
    stored: &resources::EVENTS,
    conversion: Conversion::Renames(&[
        ("deprecatedCount", "count"),
        ("deprecatedFirstTimestamp", "firstTimestamp"),
        ("deprecatedLastTimestamp", "lastTimestamp"),
        ("deprecatedSource", "source"),
        ("note", "message"),
        ("regarding", "involvedObject"),
        ("reportingController", "reportingComponent"),
    ]),
};

static AUTOSCALERS: Version = Version {
    served: &resources::HORIZONTAL_POD_AUTOSCALERS_V1,
    stored: &resources::HORIZONTAL_POD_AUTOSCALERS,
    conversion: Conversion::Autoscaler,
};

/// The version that a resource is, if it is stored as another one.
pub(crate) fn of(resource: &ApiResource) -> Option<&'static Version> {
    [&EVENTS, &AUTOSCALERS].into_iter().find(|version| version.served == resource)
}

/// An object in another version of its group; `None` when it is not served there.
pub(crate) fn convert(object: &Value, api_version: &str) -> Option<Value> {
    if object["apiVersion"] == api_version {
        return Some(object.clone());
    }
    let is = |resource: &ApiResource, version: &Value| *version == resource.api_version();
    let (from, to) = (&object["apiVersion"], &json!(api_version));
    let version = [&EVENTS, &AUTOSCALERS].into_iter().find(|version| {
        object["kind"] == version.stored.kind && version.stored.group == version.served.group
    })?;
    if is(version.stored, from) && is(version.served, to) {
        Some(version.serve(object))
    } else {
        (is(version.served, from) && is(version.stored, to)).then(|| version.store(object))
    }
}

impl Version {
    /// What is stored, as it is served.
    pub(crate) fn serve(&self, stored: &Value) -> Value {
        let served = match self.conversion {
            Conversion::Renames(fields) => {
                renamed(stored, fields.iter().map(|(served, stored)| (*stored, *served)))
            }
            Conversion::Autoscaler => autoscaler::serve(stored),
        };
        typed(served, self.served)
    }

    /// What is served, as it is stored.
    pub(crate) fn store(&self, served: &Value) -> Value {
        let stored = match self.conversion {
            Conversion::Renames(fields) => renamed(served, fields.iter().copied()),
            Conversion::Autoscaler => autoscaler::store(served),
        };
        typed(stored, self.stored)
    }
}

fn renamed<'a>(object: &Value, names: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Value {
    let fields = object.as_object().into_iter().flatten();
    let renamed = fields.map(|(field, value)| {
        let name =
            names.clone().find(|(from, _)| from == field).map_or(field.as_str(), |(_, to)| to);
        (name.to_owned(), value.clone())
    });
    Value::Object(renamed.collect::<Map<String, Value>>())
}

fn typed(mut object: Value, resource: &ApiResource) -> Value {
    object["apiVersion"] = json!(resource.api_version());
    object["kind"] = json!(resource.kind);
    object
}

#[cfg(test)]
mod tests {
    use http::Method;
    use store::{Store, Transaction};

    use super::*;
    use crate::call::{Call, Context, Decision};
    use crate::{keys, object};

    #[test]
    fn an_event_is_the_same_there_and_back() {
        let stored = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"},
            "involvedObject": {"name": "p"}, "message": "m", "reason": "r", "count": 2,
            "source": {"component": "c"}, "reportingComponent": "c", "firstTimestamp": "t"});

        let served = EVENTS.serve(&stored);

        assert_eq!(served["apiVersion"], "events.k8s.io/v1");
        assert_eq!((&served["note"], &served["regarding"]["name"]), (&json!("m"), &json!("p")));
        assert_eq!(served["deprecatedSource"]["component"], "c");
        assert_eq!(served.get("message"), None);
        assert_eq!(EVENTS.store(&served), stored);
    }

    const NEW: &str = "/apis/events.k8s.io/v1";
    const OLD: &str = "/api/v1";

    /// A request on events, or on the one that its body names where it is a patch.
    fn call(method: Method, version: &str, body: &Value) -> Call {
        let all = format!("{version}/namespaces/default/events");
        let name = body["metadata"]["name"].as_str().unwrap_or_default();
        let (path, content_type) = match method {
            Method::PATCH => (format!("{all}/{name}"), "application/merge-patch+json"),
            _ => (all, "application/json"),
        };
        Call { content_type: content_type.to_owned(), ..Call::of_tests(method, path, body) }
    }

    /// What a request is answered; a write is committed.
    fn answer(store: &mut Store, call: &Call) -> Value {
        let context = Context::of_tests();
        let response = match crate::decide(store, call, &context) {
            Decision::Commit(commit) => {
                let revision = store.commit(&commit.transaction).expect("it makes sense").revision;
                commit.respond(revision, context.now)
            }
            Decision::Respond(response) => response,
            Decision::Each(..) | Decision::Watch(_) | Decision::Node(_) | Decision::Proxy(_) => {
                panic!("no answer")
            }
        };
        serde_json::from_slice(&response.body).expect("an answer is JSON")
    }

    /// A store with the namespace `default`, and an event that was made in the new version.
    fn store_with_event() -> (Store, Value) {
        let mut store = Store::default();
        let namespace = json!({"metadata": {"name": "default"}});
        let namespace = object::encode(&resources::NAMESPACES, &namespace);
        let key = keys::key(&resources::NAMESPACES, None, "default");
        store.commit(&Transaction::create(key, namespace)).expect("it makes sense");
        let event = json!({"metadata": {"name": "e", "namespace": "default"}, "type": "Normal",
            "regarding": {"kind": "Pod", "name": "p", "namespace": "default"}, "note": "m",
            "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "c",
            "reportingInstance": "i", "action": "Binding", "reason": "Bound"});
        let made = answer(&mut store, &call(Method::POST, NEW, &event));
        (store, made)
    }

    #[test]
    fn an_event_is_made_in_one_version_and_read_in_both() {
        let (mut store, made) = store_with_event();
        let mut list = |version| answer(&mut store, &call(Method::GET, version, &Value::Null));

        assert_eq!((&made["apiVersion"], &made["note"]), (&json!("events.k8s.io/v1"), &json!("m")));
        let (old, new) = (list(OLD), list(NEW));
        assert_eq!((&old["kind"], &old["apiVersion"]), (&json!("EventList"), &json!("v1")));
        assert_eq!(old["items"][0]["message"], "m");
        assert_eq!(new["apiVersion"], "events.k8s.io/v1");
        assert_eq!(new["items"][0]["regarding"]["name"], "p");
    }

    #[test]
    fn a_patch_means_the_version_that_it_is_sent_to() {
        let (mut store, _) = store_with_event();
        let patch = json!({"metadata": {"name": "e"},
            "series": {"count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}});
        let lasting = json!({"metadata": {"name": "e"}, "note": "other"});

        let patched = answer(&mut store, &call(Method::PATCH, NEW, &patch));
        let refused = answer(&mut store, &call(Method::PATCH, NEW, &lasting));

        assert_eq!(patched["series"]["count"], 2);
        assert_eq!(refused["code"], 422);
    }

    #[test]
    fn a_row_carries_the_version_that_is_asked_for() {
        let (mut store, _) = store_with_event();
        let table = Call {
            accept: "application/json;as=Table;g=meta.k8s.io;v=v1".to_owned(),
            query: vec![("includeObject".to_owned(), "Object".to_owned())],
            ..call(Method::GET, NEW, &Value::Null)
        };

        let table = answer(&mut store, &table);

        assert_eq!(table["rows"][0]["object"]["note"], "m");
    }
}
