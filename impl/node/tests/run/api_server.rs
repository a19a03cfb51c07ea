//! Enough of an API server for one node: objects, one watch of pods, merges that replace lists.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect has failed")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use host::transport::{Body, BoxError, BoxFuture, Transport};
use http::{Method, Request, Response};
use http_body_util::channel::{Channel, Sender};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// There are none, and none come.
const SERVICES: &str = "/api/v1/services";

#[derive(Clone, Default)]
pub(crate) struct ApiServer(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    revision: u64,
    objects: BTreeMap<String, Value>,
    watches: Vec<Sender<Bytes, BoxError>>,
}

impl ApiServer {
    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        self.0.state.lock().unwrap().objects.get(key).cloned()
    }

    pub(crate) fn pod(&self, name: &str) -> Option<Value> {
        self.get(&format!("pods/default/{name}"))
    }

    pub(crate) fn put_pod(&self, pod: Value) {
        let key = format!("pods/default/{}", pod["metadata"]["name"].as_str().unwrap());
        self.put(&key, pod);
    }

    /// Waits until something holds.
    pub(crate) async fn wait(&self, holds: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.0.changed.notified();
            if holds(self) {
                return;
            }
            changed.await;
        }
    }

    fn put(&self, key: &str, mut object: Value) -> Value {
        let mut state = self.0.state.lock().unwrap();
        state.revision += 1;
        object["metadata"]["resourceVersion"] = json!(state.revision.to_string());
        let old = state.objects.insert(key.to_owned(), object.clone());
        if key.starts_with("pods/") {
            state.tell(if old.is_some() { "MODIFIED" } else { "ADDED" }, &object);
        }
        self.0.changed.notify_waiters();
        object
    }

    fn remove(&self, key: &str) -> Option<Value> {
        let mut state = self.0.state.lock().unwrap();
        state.revision += 1;
        let mut object = state.objects.remove(key)?;
        object["metadata"]["resourceVersion"] = json!(state.revision.to_string());
        state.tell("DELETED", &object);
        self.0.changed.notify_waiters();
        Some(object)
    }

    fn serve(&self, request: &Request<Bytes>) -> Option<Response<Body>> {
        let query = request.uri().query().unwrap_or_default();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let key = key(request.uri().path(), &body);
        if request.uri().path() == SERVICES {
            let metadata = json!({"resourceVersion": "1"});
            return Some(answer(200, &json!({"metadata": metadata, "items": []})));
        }
        if query.contains("watch=1") {
            return Some(self.watch());
        }
        if query.contains("fieldSelector=spec.nodeName%3Dnode-1") {
            return Some(self.list());
        }
        let found = self.get(&key);
        let object = match *request.method() {
            Method::POST => self.put(&key, body),
            Method::GET => found?,
            Method::DELETE => self.remove(&key)?,
            _ => {
                let mut object = found?;
                merge(&mut object, &body);
                self.put(&key, object)
            }
        };
        Some(answer(200, &object))
    }

    fn list(&self) -> Response<Body> {
        let state = self.0.state.lock().unwrap();
        let items: Vec<&Value> = state.pods().collect();
        answer(
            200,
            &json!({"metadata": {"resourceVersion": state.revision.to_string()}, "items": items}),
        )
    }

    fn watch(&self) -> Response<Body> {
        let (sender, body) = Channel::new(1024);
        let mut state = self.0.state.lock().unwrap();
        state.watches = vec![sender];
        // There is no history: a watch begins with all that there is.
        let pods: Vec<Value> = state.pods().cloned().collect();
        pods.iter().for_each(|pod| state.tell("ADDED", pod));
        Response::new(body.boxed_unsync())
    }
}

impl State {
    fn pods(&self) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(|(key, _)| key.starts_with("pods/")).map(|(_, pod)| pod)
    }

    fn tell(&mut self, event: &str, object: &Value) {
        let line = format!("{}\n", json!({"type": event, "object": object}));
        for watch in &mut self.watches {
            watch.try_send(hyper::body::Frame::data(Bytes::from(line.clone()))).unwrap();
        }
    }
}

impl Transport for ApiServer {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Body>, BoxError>> {
        let is_watch = request.uri().query().unwrap_or_default().contains("watch=1");
        if request.uri().path() == SERVICES && is_watch {
            return Box::pin(std::future::pending());
        }
        let missing = || answer(404, &json!({"reason": "NotFound", "message": "not found"}));
        let response = self.serve(&request).unwrap_or_else(missing);
        Box::pin(std::future::ready(Ok(response)))
    }
}

fn answer(code: u16, body: &Value) -> Response<Body> {
    let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {});
    Response::builder().status(code).body(body.boxed_unsync()).unwrap()
}

/// `/api/v1/namespaces/default/pods/web/status` is `pods/default/web`.
fn key(path: &str, body: &Value) -> String {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let below = if parts[0] == "api" { &parts[2..] } else { &parts[3..] };
    let own = body["metadata"]["name"].as_str().unwrap_or_default();
    match below {
        ["namespaces", namespace, plural] => format!("{plural}/{namespace}/{own}"),
        ["namespaces", namespace, plural, name, ..] => format!("{plural}/{namespace}/{name}"),
        [plural] => format!("{plural}/{own}"),
        [plural, name, ..] => format!("{plural}/{name}"),
        [] => String::new(),
    }
}

fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (field, value) in patch {
                merge(into.entry(field.clone()).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}
