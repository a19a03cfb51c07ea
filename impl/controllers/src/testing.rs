//! What the tests of all controllers share: objects from JSON, a view to put them into, and a driver.

use api::object::metadata_mut;
use api::{AnyObject, ApiResource, Key, Reason, Request, Status, Timestamp, Verb, resources};
use client::{Change, View};
use serde_json::{Value, json};

use crate::{Controller, Plan};

/// A time this many seconds after the epoch.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// The text of a time this many seconds after the epoch.
pub(crate) fn time_text(seconds: i64) -> String {
    api::time::text(at(seconds))
}

/// A controller and the view it decides on.
pub(crate) struct World<C> {
    pub(crate) view: View,
    pub(crate) controller: C,
}

impl<C: Controller> World<C> {
    /// An empty view.
    pub(crate) fn new(controller: C) -> Self {
        Self { view: View::default(), controller }
    }

    /// Puts an object and tells the controller.
    pub(crate) fn put(&mut self, resource: &'static ApiResource, object: Value) -> Vec<Key> {
        let change = self.view.put(object_of(resource, object));
        self.controller.observe(&self.view, &change)
    }

    /// Removes an object and tells the controller.
    pub(crate) fn remove(&mut self, resource: &'static ApiResource, key: &Key) -> Vec<Key> {
        let change: Change = self.view.remove(resource, key).unwrap();
        self.controller.observe(&self.view, &change)
    }

    /// What the controller wants done about a key.
    pub(crate) fn reconcile(&mut self, key: &Key, now: Timestamp) -> Plan {
        self.controller.reconcile(&self.view, key, now)
    }

    /// Tells the controller that a request was granted.
    pub(crate) fn grant(&mut self, key: &Key, request: &Request, answer: Value) {
        self.controller.completed(key, request, &Ok(answer));
    }

    /// Tells the controller that a request was not sent.
    pub(crate) fn leave_out(&mut self, key: &Key, request: &Request) {
        self.controller.left_out(key, request);
    }

    /// Tells the controller that a request was refused.
    pub(crate) fn refuse(&mut self, key: &Key, request: &Request, reason: Reason) {
        self.controller.completed(key, request, &Err(Status::new(reason, "refused")));
    }
}

/// An object from JSON; the uid is `uid-NAME` when none is given.
pub(crate) fn object_of(resource: &'static ApiResource, mut object: Value) -> AnyObject {
    let metadata = metadata_mut(&mut object);
    let uid = format!("uid-{}", metadata["name"].as_str().unwrap());
    metadata.entry("uid").or_insert(Value::from(uid));
    metadata.entry("resourceVersion").or_insert(Value::from("1"));
    object["apiVersion"] = Value::from(resource.api_version());
    object["kind"] = Value::from(resource.kind);
    AnyObject::decode(resource, object.to_string().as_bytes()).unwrap()
}

/// The owner reference of a controller, as JSON.
pub(crate) fn owned_by(api_version: &str, kind: &str, name: &str) -> Value {
    json!([{
        "apiVersion": api_version, "kind": kind, "name": name, "uid": format!("uid-{name}"),
        "controller": true, "blockOwnerDeletion": true,
    }])
}

/// The names of the objects that these verbs touch.
pub(crate) fn names(plan: &Plan, verb: Verb, resource: &'static ApiResource) -> Vec<String> {
    let requests = plan.requests.iter();
    requests
        .filter(|request| request.verb == verb && request.resource == resource)
        .map(|request| request.key.name.clone())
        .collect()
}

/// The requests of this verb to this resource.
pub(crate) fn requests<'a>(
    plan: &'a Plan,
    verb: Verb,
    resource: &'static ApiResource,
) -> Vec<&'a Request> {
    let requests = plan.requests.iter();
    requests.filter(|request| request.verb == verb && request.resource == resource).collect()
}

/// `REASON: MESSAGE` of each new event.
pub(crate) fn events(plan: &Plan) -> Vec<String> {
    let events = requests(plan, Verb::Create, &resources::EVENTS);
    let texts = events.into_iter().map(|request| {
        let event = request.body.as_ref().unwrap();
        let text = |field: &str| event[field].as_str().unwrap();
        format!("{}: {}", text("reason"), text("message"))
    });
    texts.collect()
}
