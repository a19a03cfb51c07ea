//! The Namespace controller: empties a namespace that is being deleted, then lets it go.
//!
//! Source: pkg/controller/namespace/deletion (v1.36). Left out: the conditions that say what is still
//! there. A cache may not know of every object, so the API server is asked before the last step.

use std::collections::{BTreeMap, BTreeSet};

use api::{ApiResource, Key, Request, Timestamp, Verb, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{Namespace, NamespaceSpec};
use serde_json::json;

use crate::ownership::uid;
use crate::{Controller, Plan, after_seconds};

const FINALIZER: &str = "kubernetes";

/// How long it waits before it asks again what is left, if no deletion is seen before.
const ASK_AGAIN_SECONDS: i64 = 5;

/// Deletes what is in namespaces that are being deleted.
#[derive(Clone, Debug, Default)]
pub struct NamespaceController {
    /// Per namespace, the resources of which the API server has said that there are none.
    empty: BTreeMap<Key, BTreeSet<&'static ApiResource>>,
}

impl Controller for NamespaceController {
    fn name(&self) -> &'static str {
        "namespace-controller"
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let object = change.object();
        if object.resource() == &resources::NAMESPACES {
            return vec![object.key()];
        }
        let key = Key::cluster(&object.key().namespace);
        let terminating = view.namespaces.get(&key).is_some_and(|found| is_terminating(found));
        if terminating { vec![key] } else { vec![] }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let namespace = view.namespaces.get(key).filter(|found| is_terminating(found));
        let Some(namespace) = namespace else {
            self.empty.remove(key);
            return Plan::default();
        };
        self.empty_or_finalize(view, namespace, now).observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if request.verb != Verb::List {
            return;
        }
        let items = outcome.as_ref().ok().and_then(|list| list["items"].as_array());
        if items.is_some_and(Vec::is_empty) {
            self.empty.entry(key.clone()).or_default().insert(request.resource);
        }
    }
}

impl NamespaceController {
    fn empty_or_finalize(&mut self, view: &View, namespace: &Namespace, now: Timestamp) -> Plan {
        let key = Key::of(&namespace.metadata);
        let deletions = deletions(view, &key.name);
        let known_empty = self.empty.remove(&key).unwrap_or_default();
        if let Some(requests) = deletions {
            return Plan { requests, look_again: None };
        }
        let unknown: Vec<_> = namespaced().filter(|found| !known_empty.contains(found)).collect();
        if unknown.is_empty() {
            return Plan { requests: vec![finalize(namespace)], look_again: None };
        }
        let first = known_empty.is_empty();
        let look_again = if first { now } else { after_seconds(now, ASK_AGAIN_SECONDS) };
        let requests = namespaced().map(|resource| Request::list(resource, &key.name)).collect();
        Plan { requests, look_again: Some(look_again) }
    }
}

fn is_terminating(namespace: &Namespace) -> bool {
    let mut finalizers = namespace.spec.iter().flat_map(|spec| spec.finalizers.iter().flatten());
    namespace.metadata.deletion_timestamp.is_some()
        && finalizers.any(|finalizer| finalizer == FINALIZER)
}

fn namespaced() -> impl Iterator<Item = &'static ApiResource> {
    resources::ALL.iter().copied().filter(|resource| resource.namespaced)
}

/// Deletes what is not being deleted yet; `None` when the cache has nothing left.
fn deletions(view: &View, namespace: &str) -> Option<Vec<Request>> {
    let mut is_empty = true;
    let mut requests = vec![];
    for (resource, metadata) in view.all() {
        if resource.namespaced && metadata.namespace.as_deref() == Some(namespace) {
            is_empty = false;
            if metadata.deletion_timestamp.is_none() {
                let options = json!({"propagationPolicy": "Background"});
                let key = Key::of(metadata);
                requests.push(Request::delete(resource, key, uid(metadata), options));
            }
        }
    }
    (!is_empty).then_some(requests)
}

fn finalize(namespace: &Namespace) -> Request {
    let mut namespace = namespace.clone();
    let finalizers = namespace.spec.take().and_then(|spec| spec.finalizers).unwrap_or_default();
    let others = finalizers.into_iter().filter(|finalizer| finalizer != FINALIZER).collect();
    namespace.spec = Some(NamespaceSpec { finalizers: Some(others) });
    Request::update(&namespace).to_subresource("finalize")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::testing::{World, at, names, requests};

    #[test]
    fn objects_of_a_deleted_namespace_are_deleted() {
        let mut world = world(true);
        world.put(&resources::PODS, json!({"metadata": {"name": "web", "namespace": "old"}}));
        world.put(&resources::PODS, json!({"metadata": {"name": "web", "namespace": "new"}}));

        let plan = world.reconcile(&key(), at(10));

        assert_eq!(plan.requests.len(), 1);
        assert_eq!(plan.requests[0].key, Key::new("old", "web"));
        assert_eq!(names(&plan, Verb::Delete, &resources::PODS), ["web"]);
    }

    #[test]
    fn a_namespace_is_finalized_when_the_api_server_says_that_it_is_empty() {
        let mut world = world(true);

        let question = world.reconcile(&key(), at(10));
        for request in &question.requests {
            world.grant(&key(), request, json!({"items": []}));
        }
        let plan = world.reconcile(&key(), at(10));

        assert_eq!(plan.requests.len(), 1);
        assert_eq!(plan.requests[0].path(), "/api/v1/namespaces/old/finalize");
        let body: Value = plan.requests[0].body.clone().unwrap();
        assert_eq!(body["spec"]["finalizers"], json!([]));
    }

    #[test]
    fn a_namespace_with_an_object_that_the_cache_lacks_is_not_finalized() {
        let mut world = world(true);

        let question = world.reconcile(&key(), at(10));
        for request in &question.requests {
            let is_pods = request.resource == &resources::PODS;
            let items = if is_pods { json!([{}]) } else { json!([]) };
            world.grant(&key(), request, json!({"items": items}));
        }
        let plan = world.reconcile(&key(), at(10));

        assert!(requests(&plan, Verb::Update, &resources::NAMESPACES).is_empty());
        assert_eq!(plan.look_again, Some(at(15)));
    }

    #[test]
    fn a_living_namespace_is_left_alone() {
        let mut world = world(false);
        world.put(&resources::PODS, json!({"metadata": {"name": "web", "namespace": "old"}}));

        assert_eq!(world.reconcile(&key(), at(10)), Plan::default());
    }

    fn key() -> Key {
        Key::cluster("old")
    }

    fn world(deleted: bool) -> World<NamespaceController> {
        let mut world = World::new(NamespaceController::default());
        let mut namespace =
            json!({"metadata": {"name": "old"}, "spec": {"finalizers": ["kubernetes"]}});
        if deleted {
            namespace["metadata"]["deletionTimestamp"] = Value::from("1970-01-01T00:00:05Z");
        }
        world.put(&resources::NAMESPACES, namespace);
        world
    }
}
