//! What a trace tells of an object: the fields that the model knows, nothing else.

use api::object::{at, controller_in, text};
use api::quantity::Quantity;
use api::trace::{CONTROLLER_UID, Event, Origin, key};
use api::{ApiResource, Key, resources};
use http::Method;
use serde_json::{Value, json};

use crate::call::{Call, Commit, Response};
use crate::route::{self, Target};

/// An event, and the uid of the object that it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The event, not numbered yet.
    pub event: Event,
    /// The object's uid; empty for none.
    pub uid: String,
}

/// What a trace tells of a commit, but for its revision: its object, then each that is written beside it.
pub fn committed(origin: &Origin, request: u64, commit: &Commit) -> Vec<Told> {
    let own = written(origin, request, (commit.resource, commit.action), &commit.object);
    let beside = commit
        .beside
        .iter()
        .map(|one| written(origin, request, (one.resource, one.action), &one.object));
    std::iter::once(own).chain(beside).collect()
}

/// What a trace tells of one object that was written, but for the revision.
pub fn written(
    origin: &Origin,
    request: u64,
    (resource, action): (&ApiResource, &str),
    object: &Value,
) -> Told {
    let field = |name: &str| text(object, &["metadata", name]);
    let name = Key::new(field("namespace"), field("name"));
    let event = Event {
        req: request,
        outcome: "ok".to_owned(),
        delta: delta(resource, object),
        ..origin.event(action, key(resource, &name))
    };
    Told { event, uid: field("uid").to_owned() }
}

/// What a trace tells of an answer without a commit: refusals of writes, nothing else.
pub fn refused(origin: &Origin, request: u64, call: &Call, response: &Response) -> Option<Told> {
    if call.method == Method::GET || response.code < 400 {
        return None;
    }
    let status: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
    let body: Value = serde_json::from_slice(&call.body).unwrap_or(Value::Null);
    let (action, object) = asked(call, &body)?;
    let outcome = status["reason"].as_str().unwrap_or("Unknown").to_owned();
    let uids = [&body["metadata"]["uid"], &body["preconditions"]["uid"]];
    let uid = uids.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned();
    Some(Told { event: Event { req: request, outcome, ..origin.event(action, object) }, uid })
}

/// What a request wanted, in the words of the trace.
fn asked(call: &Call, body: &Value) -> Option<(&'static str, String)> {
    let Ok(Target::Objects(target)) = route::route(&call.path) else { return None };
    let name = target.name.as_deref().unwrap_or_else(|| text(body, &["metadata", "name"]));
    let object = Key::new(target.namespace.as_deref().unwrap_or_default(), name);
    let action = match (target.subresource, &call.method) {
        ("binding", _) => "bind",
        ("status", _) => "update-status",
        ("scale", _) => "scale",
        (_, &Method::POST) => "create",
        (_, &Method::DELETE) => "delete",
        _ => "update",
    };
    Some((action, key(target.resource, &object)))
}

/// The fields of an object that the model knows; `null` for kinds that it does not know.
pub fn delta(resource: &ApiResource, object: &Value) -> Value {
    let deleting = at(object, &["metadata", "deletionTimestamp"]).is_some();
    let mut delta = if resource == &resources::PODS {
        pod(object)
    } else if resource == &resources::NODES {
        node(object)
    } else if resource == &resources::REPLICA_SETS {
        json!({"replicas": at(object, &["spec", "replicas"])})
    } else if resource == &resources::LEASES {
        json!({"holder": text(object, &["spec", "holderIdentity"])})
    } else {
        return Value::Null;
    };
    if deleting {
        delta["deleting"] = json!(true);
    }
    delta
}

fn pod(object: &Value) -> Value {
    let mut delta = json!({"phase": text(object, &["status", "phase"])});
    let node = text(object, &["spec", "nodeName"]);
    if !node.is_empty() {
        delta["node"] = json!(node);
    }
    if let Some(owner) = controller_in(object) {
        delta["controller"] = json!(owner);
        delta[CONTROLLER_UID] = json!(controller_uid(object));
    }
    if has_condition(object, "Ready", "True") {
        delta["ready"] = json!(true);
    }
    let owners = at(object, &["metadata", "ownerReferences"]).and_then(Value::as_array);
    if owners.into_iter().flatten().any(|owner| owner["controller"] != true) {
        delta["owned"] = json!(true);
    }
    let cpu = cpu_requests(object);
    if cpu > 0 {
        delta["cpu"] = json!(cpu);
    }
    delta
}

fn controller_uid(object: &Value) -> &str {
    let owners = at(object, &["metadata", "ownerReferences"]).and_then(Value::as_array);
    let controller = owners.into_iter().flatten().find(|owner| owner["controller"] == true);
    controller.map_or("", |owner| text(owner, &["uid"]))
}

/// What its containers request together, or the pod as a whole, in thousandths of a cpu.
fn cpu_requests(pod: &Value) -> i64 {
    let requests = |of: &Value| quantity(at(of, &["resources", "requests", "cpu"])).milli();
    match at(pod, &["spec", "resources", "requests", "cpu"]) {
        Some(whole) => quantity(Some(whole)).milli(),
        None => {
            let containers = at(pod, &["spec", "containers"]).and_then(Value::as_array);
            containers.into_iter().flatten().map(requests).sum()
        }
    }
}

fn quantity(value: Option<&Value>) -> Quantity {
    value.and_then(|value| Quantity::from_value(value).ok()).unwrap_or(Quantity::ZERO)
}

fn node(object: &Value) -> Value {
    let taints = at(object, &["spec", "taints"]).and_then(Value::as_array).into_iter().flatten();
    let taints: Vec<String> = taints
        .map(|taint| format!("{}:{}", text(taint, &["key"]), text(taint, &["effect"])))
        .collect();
    let mut delta = json!({"ready": has_condition(object, "Ready", "True"), "taints": taints});
    if let Some(allocatable) = at(object, &["status", "allocatable"]) {
        delta["pods"] = json!(quantity(allocatable.get("pods")).value());
        delta["cpu"] = json!(quantity(allocatable.get("cpu")).milli());
    }
    delta
}

fn has_condition(object: &Value, name: &str, status: &str) -> bool {
    let conditions = at(object, &["status", "conditions"]).and_then(Value::as_array);
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == name && condition["status"] == status)
}
