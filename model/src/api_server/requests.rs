//! What an API server sees of clients that write and delete: the objects are Pods on a Node.
//!
//! Another spec is another image. A name that the API server makes up is one that is free.

use super::{Action, Collector, HARD, Object, Refusal, Request as Asked, State, Verb};
use crate::request::{CURRENT, OUTDATED, Request};
use serde_json::{Value, json};

const FINALIZER: &str = "kanon.invalid/finalizer";

pub(super) fn at_start(state: &State) -> Vec<Request> {
    let objects =
        (0..).zip(state.objects).filter_map(|(name, object)| object.map(|_| create(name)));
    let quota = state.quota.map(|_| {
        let hard = json!({"pods": HARD.to_string()});
        Request::create("resourcequotas", "quota", json!({"spec": {"hard": hard}}))
    });
    Request::nodes(1).chain(objects).chain(quota).collect()
}

pub(super) fn request(before: &State, action: Action, after: &State) -> Option<Request> {
    match action {
        Action::Handle { client } => {
            let request = handled(before, before.request(client)?, client, after)?;
            Some(match after.client(client).refused {
                Some(Refusal::Invalid) => request.refused_with(422),
                Some(Refusal::Forbidden) => request.refused_with(403),
                Some(Refusal::AlreadyExists | Refusal::NotFound | Refusal::Conflict) | None => {
                    request
                }
            })
        }
        Action::ReadQuota { client } | Action::ChargeQuota { client } => {
            after.client(client).refused?;
            let request = create(1).refused_with(403);
            let is_charged_only = before.quota?.created < HARD;
            let what = "a request between the admission of another and its creation";
            Some(if is_charged_only { request.taking(what) } else { request })
        }
        Action::Read { .. }
        | Action::Send { .. }
        | Action::ReadToPatch { .. }
        | Action::CacheQuota
        | Action::LoseRequest { .. } => None,
    }
}

fn handled(before: &State, asked: Asked, client: u8, after: &State) -> Option<Request> {
    let read = before.client(client).read;
    let object = before.objects[0];
    let version = |is_current: bool| if is_current { CURRENT } else { OUTDATED };
    let same = |of: fn(&Object) -> u8, read: Option<u8>| version(object.as_ref().map(of) == read);
    let read_version = same(|object| object.resource_version, read.map(|(_, version)| version));
    let read_uid = same(|object| object.uid, read.map(|(uid, _)| uid));
    let named = json!({"resourceVersion": read_version});
    Some(match asked.verb {
        Verb::Create => create(0),
        Verb::GenerateName => {
            let is_new = |name: &usize| before.objects[*name] != after.objects[*name];
            create((0..after.objects.len()).find(is_new).unwrap_or(1))
        }
        Verb::Update => update(json!({"metadata": named, "spec": other_spec(object)})),
        Verb::UpdateAny => update(json!({"spec": other_spec(object)})),
        Verb::UpdateNothing => update(json!({"metadata": named})),
        Verb::UpdateStatus => {
            let message = if object.is_some_and(|object| object.status) { "0" } else { "1" };
            let body = json!({"metadata": named, "status": {"message": message}});
            Request::update("pods/status", name(0), body)
        }
        Verb::Patch => {
            let label = if object.is_some_and(|object| object.label) { "0" } else { "1" };
            patch(json!({"labels": {"label": label}}))
        }
        Verb::AddFinalizer => {
            patch(json!({"resourceVersion": read_version, "finalizers": [FINALIZER]}))
        }
        Verb::RemoveFinalizers => patch(json!({"finalizers": null})),
        Verb::Delete => delete(object, json!({"gracePeriodSeconds": 0})),
        Verb::DeleteSoon => delete(object, json!({"gracePeriodSeconds": 100})),
        Verb::DeleteLater => delete(object, json!({"gracePeriodSeconds": 200})),
        Verb::DeleteUid => {
            delete(object, json!({"gracePeriodSeconds": 0, "preconditions": {"uid": read_uid}}))
        }
        Verb::DeleteResourceVersion => {
            delete(object, json!({"gracePeriodSeconds": 0, "preconditions": named}))
        }
        Verb::DeleteForeground => {
            delete(object, json!({"gracePeriodSeconds": 0, "propagationPolicy": "Foreground"}))
        }
        Verb::DeleteOrphan => {
            delete(object, json!({"gracePeriodSeconds": 0, "propagationPolicy": "Orphan"}))
        }
        Verb::DeleteDryRun => delete(object, json!({"gracePeriodSeconds": 0, "dryRun": ["All"]})),
    })
}

fn create(number: usize) -> Request {
    let spec = json!({"nodeName": "node-0", "containers": [container("1")]});
    Request::create("pods", name(number), json!({"spec": spec}))
}

fn update(body: Value) -> Request {
    Request::update("pods", name(0), body)
}

fn patch(metadata: Value) -> Request {
    Request::patch("pods", name(0), json!({"metadata": metadata}))
}

/// A deletion that names no policy is one of `Background`, which takes the finalizers of other policies
/// away. Nobody can hold what is being deleted already: a garbage collector lets it go at once.
fn delete(object: Option<Object>, mut options: Value) -> Request {
    let policy = options["propagationPolicy"].as_str().unwrap_or("Background").to_owned();
    let is_deleted = object.is_some_and(|object| object.deletion.is_some());
    let is_collected = object.is_some_and(|object| object.collector != Collector::None);
    let waits = is_collected || is_deleted && policy != "Background";
    options["propagationPolicy"] = json!(policy);
    let request = Request::delete("pods", name(0), options);
    if waits { request.taking("a garbage collector that waits") } else { request }
}

fn other_spec(object: Option<Object>) -> Value {
    let version = if object.is_some_and(|object| object.spec) { "1" } else { "2" };
    json!({"containers": [container(version)]})
}

fn container(version: &str) -> Value {
    json!({"name": "c", "image": format!("kanon.invalid/none:{version}")})
}

fn name(number: usize) -> String {
    format!("object-{number}")
}
