//! A request as an API server sees it, with as much of its body as the model knows.
//!
//! Bodies are Kubernetes' JSON. What only an API server can say is named in them: a uid as [`uid`] writes
//! it, a resourceVersion as [`CURRENT`], [`OUTDATED`] or [`version_of_write`]. What a kind requires beside
//! and the model does not have is left out: the containers of a Pod, the selector of a Deployment.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The resourceVersion that an object has when the request is handled; in `preconditions`, or its uid.
pub const CURRENT: &str = "current";
/// A resourceVersion that an object had before it was changed; in `preconditions`, or the uid of an
/// earlier object of its name.
pub const OUTDATED: &str = "outdated";
/// What [`Request::takes`] where an API server's cache has not caught up.
pub const A_LAGGING_SERVER: &str = "an API server that lags behind";

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// What is asked for.
    pub verb: Verb,
    /// The resource with its group and its subresource: `pods/binding`, `deployments.apps/status`.
    pub resource: String,
    /// `metadata.name`; empty for a list.
    pub name: String,
    /// The object, what is to be other in it, `DeleteOptions` or the options of a list.
    pub body: Value,
    /// The code with which it is refused, if it is and that is neither 404 nor 409.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<u16>,
    /// What it takes beside one API server that works, for the outcome that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<String>,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// A new object, or a subresource that is created: a Binding, an Eviction.
    Create,
    /// An object as it is, but for what the body says.
    Update,
    /// A strategic merge patch.
    Patch,
    /// The end of an object.
    Delete,
    /// All objects of a resource.
    List,
}

impl Request {
    /// A request to create an object.
    pub fn create(resource: &str, name: impl ToString, body: Value) -> Self {
        Request::new(Verb::Create, resource, name, body)
    }

    /// A request to update an object.
    pub fn update(resource: &str, name: impl ToString, body: Value) -> Self {
        Request::new(Verb::Update, resource, name, body)
    }

    /// A request to patch an object.
    pub fn patch(resource: &str, name: impl ToString, body: Value) -> Self {
        Request::new(Verb::Patch, resource, name, body)
    }

    /// A request to delete an object.
    pub fn delete(resource: &str, name: impl ToString, options: Value) -> Self {
        Request::new(Verb::Delete, resource, name, options)
    }

    /// A request to create a Pod, on a Node if one is named.
    pub fn create_pod(name: impl ToString, node: Option<String>) -> Self {
        Request::create("pods", name, json!({"spec": {"nodeName": node}}))
    }

    /// A request to say how a Pod is, as its kubelet does.
    pub fn report(pod: impl ToString, phase: &str, ready: bool) -> Self {
        let ready = if ready { "True" } else { "False" };
        let conditions = json!([{"type": "Ready", "status": ready}]);
        let status = json!({"phase": phase, "conditions": conditions});
        Request::patch("pods/status", pod, json!({"status": status}))
    }

    /// A request to delete a Pod that nothing waits for any more.
    pub fn remove_pod(name: impl ToString) -> Self {
        Request::delete("pods", name, json!({"gracePeriodSeconds": 0}))
    }

    /// A request to list the objects of a resource.
    pub fn list(resource: &str, options: Value) -> Self {
        Request::new(Verb::List, resource, "", options)
    }

    /// A request to bind a Pod to a Node.
    pub fn bind(pod: impl ToString, node: impl ToString) -> Self {
        let target = json!({"apiVersion": "v1", "kind": "Node", "name": node.to_string()});
        Request::create("pods/binding", pod, json!({"target": target}))
    }

    /// The requests to register so many Nodes, `node-0` first.
    pub fn nodes(count: usize) -> impl Iterator<Item = Self> {
        (0..count).map(|node| Request::create("nodes", format!("node-{node}"), json!({})))
    }

    /// The same request, refused with this code if it is refused.
    #[must_use]
    pub fn refused_with(self, code: u16) -> Self {
        Request { refusal: Some(code), ..self }
    }

    /// The same request, whose outcome takes something beside one API server.
    #[must_use]
    pub fn taking(self, what: &str) -> Self {
        Request { takes: Some(what.to_owned()), ..self }
    }

    /// The request as it is written into walks.
    pub fn written(&self) -> Value {
        serde_json::to_value(self).expect("a request is JSON")
    }

    fn new(verb: Verb, resource: &str, name: impl ToString, body: Value) -> Self {
        let (resource, name) = (resource.to_owned(), name.to_string());
        Request { verb, resource, name, body, refusal: None, takes: None }
    }
}

/// Names the uid of an object: the first of its name is number 1.
///
/// ```
/// use model::request::{named_uid, uid};
///
/// assert_eq!(uid(1, "pods", "pod-0"), "uid 1 of pods pod-0");
/// assert_eq!(named_uid("uid 1 of pods pod-0"), Some((1, "pods", "pod-0")));
/// assert_eq!(named_uid("pod-0"), None);
/// ```
pub fn uid(number: usize, resource: &str, name: impl ToString) -> String {
    format!("uid {number} of {resource} {}", name.to_string())
}

/// What [`uid`] has named: number, resource and name.
pub fn named_uid(text: &str) -> Option<(usize, &str, &str)> {
    let (number, object) = text.strip_prefix("uid ")?.split_once(" of ")?;
    let (resource, name) = object.split_once(' ')?;
    Some((number.parse().ok()?, resource, name))
}

/// Names the resourceVersion of a write of the walk; the first is number 1.
pub fn version_of_write(number: u8) -> String {
    format!("write {number}")
}
