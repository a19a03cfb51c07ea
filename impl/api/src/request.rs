//! What a component asks of the API server, as a value that a host can perform and a simulator can delay.

use serde_json::{Value, json};

use crate::kind::{ApiResource, Kind};
use crate::object::{Key, to_value};

/// What is done to an object. Source: Kubernetes API concepts, "Resource URIs" and "verbs".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// POST.
    Create,
    /// GET one.
    Get,
    /// GET all.
    List,
    /// PUT.
    Update,
    /// PATCH with a merge patch (RFC 7386).
    MergePatch,
    /// PATCH with a strategic merge patch.
    StrategicMergePatch,
    /// PATCH by server-side apply, over whatever others have applied.
    Apply,
    /// DELETE one.
    Delete,
}

/// A request of a component. Writes carry the object or patch in `body`.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is done.
    pub verb: Verb,
    /// To which resource.
    pub resource: &'static ApiResource,
    /// To which object. The name is empty for `Create` and `List`; the namespace is empty for a list of
    /// all namespaces.
    pub key: Key,
    /// `status`, `binding` …; empty for the object itself.
    pub subresource: &'static str,
    /// Who applies; empty for what is no `Apply`.
    pub field_manager: &'static str,
    /// The object, patch, `Binding` or `DeleteOptions`.
    pub body: Option<Value>,
    /// The revision of the cache that this was decided on, for the trace. 0 when it decided on none.
    pub observed_revision: u64,
}

impl Request {
    fn new(verb: Verb, resource: &'static ApiResource, key: Key, body: Option<Value>) -> Self {
        Self { verb, resource, key, subresource: "", field_manager: "", body, observed_revision: 0 }
    }

    /// Creates an object; `metadata.generateName` gives a name when there is none.
    pub fn create<K: Kind>(object: &K) -> Self {
        let mut key = Key::of(object.metadata());
        key.name.clear();
        Self::new(Verb::Create, K::RESOURCE, key, Some(to_value(object)))
    }

    /// Creates an object of a resource without a typed view and without namespaces.
    pub fn create_value(resource: &'static ApiResource, object: Value) -> Self {
        Self::new(Verb::Create, resource, Key::default(), Some(object))
    }

    /// Replaces an object; refused when its `resourceVersion` is not the current one.
    pub fn update<K: Kind>(object: &K) -> Self {
        Self::new(Verb::Update, K::RESOURCE, Key::of(object.metadata()), Some(to_value(object)))
    }

    /// Replaces only the status of an object.
    pub fn update_status<K: Kind>(object: &K) -> Self {
        Self::update(object).to_subresource("status")
    }

    /// Whether it may be on its way beside another one of the same plan: creations may, and deletions.
    pub fn travels_with(&self, other: &Self) -> bool {
        self.verb == other.verb && matches!(self.verb, Verb::Create | Verb::Delete)
    }

    /// Merges `patch` into an object (RFC 7386).
    pub fn merge_patch(resource: &'static ApiResource, key: Key, patch: Value) -> Self {
        Self::new(Verb::MergePatch, resource, key, Some(patch))
    }

    /// Merges `patch` into an object by the strategies of its schema.
    pub fn strategic_merge_patch(resource: &'static ApiResource, key: Key, patch: Value) -> Self {
        Self::new(Verb::StrategicMergePatch, resource, key, Some(patch))
    }

    /// Applies `object` as `field_manager`, who takes what others have applied.
    pub fn apply(
        resource: &'static ApiResource,
        key: Key,
        (field_manager, mut object): (&'static str, Value),
    ) -> Self {
        object["apiVersion"] = Value::from(resource.api_version());
        object["kind"] = Value::from(resource.kind);
        object["metadata"] = json!({"name": key.name});
        Self { field_manager, ..Self::new(Verb::Apply, resource, key, Some(object)) }
    }

    /// Deletes an object if it still has this uid. `options` are further fields of `DeleteOptions`.
    pub fn delete(resource: &'static ApiResource, key: Key, uid: &str, options: Value) -> Self {
        let mut body = json!({"kind": "DeleteOptions", "apiVersion": "v1"});
        if !uid.is_empty() {
            body["preconditions"] = json!({"uid": uid});
        }
        if let (Some(body), Some(options)) = (body.as_object_mut(), options.as_object()) {
            body.extend(options.clone());
        }
        Self::new(Verb::Delete, resource, key, Some(body))
    }

    /// Reads one object.
    pub fn get(resource: &'static ApiResource, key: Key) -> Self {
        Self::new(Verb::Get, resource, key, None)
    }

    /// Reads all objects of a namespace.
    pub fn list(resource: &'static ApiResource, namespace: &str) -> Self {
        Self::new(Verb::List, resource, Key::new(namespace, ""), None)
    }

    /// Binds a pod to a node through `pods/binding`.
    pub fn bind(pod: Key, uid: &str, node: &str) -> Self {
        let body = json!({
            "apiVersion": "v1", "kind": "Binding",
            "metadata": {"name": pod.name, "namespace": pod.namespace, "uid": uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        });
        Self::new(Verb::Create, &crate::resources::PODS, pod, Some(body)).to_subresource("binding")
    }

    /// Asks for a token of a service account through `serviceaccounts/token`.
    pub fn token(service_account: Key, spec: &Value) -> Self {
        let body =
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
        Self::new(Verb::Create, &crate::resources::SERVICE_ACCOUNTS, service_account, Some(body))
            .to_subresource("token")
    }

    /// The same request to a subresource.
    #[must_use]
    pub fn to_subresource(mut self, subresource: &'static str) -> Self {
        self.subresource = subresource;
        self
    }

    /// The same request, decided on a cache that had read up to `revision`.
    #[must_use]
    pub fn observed_at(mut self, revision: u64) -> Self {
        self.observed_revision = revision;
        self
    }

    /// What a client sends beside the path, as names and values.
    pub fn query(&self) -> Vec<(String, String)> {
        if self.verb != Verb::Apply {
            return vec![];
        }
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![pair("fieldManager", self.field_manager), pair("force", "true")]
    }

    /// The path that a client sends.
    pub fn path(&self) -> String {
        let mut path = self.resource.path(self.key.namespace());
        for segment in [self.key.name.as_str(), self.subresource] {
            if !segment.is_empty() {
                path.push('/');
                path.push_str(segment);
            }
        }
        path
    }
}
