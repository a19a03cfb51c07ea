//! The Namespace controller: empties a namespace that is being deleted, then lets it go.
//!
//! Pods go first, then the rest. Source: pkg/controller/namespace/deletion (v1.36), KEP-5080. A cache may
//! not know of every object, so the API server is asked before the last step. Left out: conditions that tell
//! of failures, because a cache knows of none.

use std::collections::{BTreeMap, BTreeSet};

use api::{ApiResource, Key, Reason, Request, Timestamp, Verb, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{Namespace, NamespaceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use crate::ownership::uid;
use crate::{Controller, Plan, after_seconds};

mod conditions;

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

    fn backoff(&self) -> client::Backoff {
        client::Backoff { first_milliseconds: 5, most_milliseconds: 60_000 }
    }

    fn workers(&self) -> usize {
        10
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
        let is_empty = match outcome {
            Ok(list) => list["items"].as_array().is_some_and(Vec::is_empty),
            // A kind that this API server does not serve.
            Err(status) => status.reason == Reason::NotFound,
        };
        if is_empty {
            self.empty.entry(key.clone()).or_default().insert(request.resource);
        }
    }
}

impl NamespaceController {
    fn empty_or_finalize(&mut self, view: &View, namespace: &Namespace, now: Timestamp) -> Plan {
        let key = Key::of(&namespace.metadata);
        let left = Left::of(view, &key.name);
        let known_empty = self.empty.remove(&key).unwrap_or_default();
        if !left.is_empty() {
            let deletions = left.deletions();
            let told = deletions.is_empty().then(|| conditions::tell(namespace, &left, now));
            let requests = deletions.into_iter().chain(told.flatten()).collect();
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

/// What a namespace still has, as far as the cache knows.
struct Left<'a> {
    objects: Vec<(&'static ApiResource, &'a ObjectMeta)>,
}

impl<'a> Left<'a> {
    fn of(view: &'a View, namespace: &str) -> Self {
        let is_in = |(resource, metadata): &(&ApiResource, &ObjectMeta)| {
            resource.namespaced && metadata.namespace.as_deref() == Some(namespace)
        };
        Self { objects: view.all().filter(is_in).collect() }
    }

    fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    fn has_pods(&self) -> bool {
        self.objects.iter().any(|(resource, _)| *resource == &resources::PODS)
    }

    /// Deletes what is not being deleted yet; only Pods while there are any.
    fn deletions(&self) -> Vec<Request> {
        let pods_only = self.has_pods();
        let goes = |(resource, metadata): &&(&ApiResource, &ObjectMeta)| {
            metadata.deletion_timestamp.is_none() && (!pods_only || *resource == &resources::PODS)
        };
        let delete = |(resource, metadata): &(&'static ApiResource, &ObjectMeta)| {
            let options = json!({"propagationPolicy": "Background"});
            Request::delete(resource, Key::of(metadata), uid(metadata), options)
        };
        self.objects.iter().filter(goes).map(delete).collect()
    }
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
    fn pods_go_before_anything_else() {
        let mut world = world(true);
        let in_old = |name: &str| json!({"metadata": {"name": name, "namespace": "old"}});
        let mut pod = in_old("web");
        world.put(&resources::PODS, pod.clone());
        world.put(&resources::CONFIG_MAPS, in_old("map"));

        let first = world.reconcile(&key(), at(10));
        pod["metadata"]["deletionTimestamp"] = Value::from("1970-01-01T00:00:10Z");
        world.put(&resources::PODS, pod);
        let second = world.reconcile(&key(), at(11));
        world.remove(&resources::PODS, &Key::new("old", "web"));
        let third = world.reconcile(&key(), at(12));

        assert_eq!(names(&first, Verb::Delete, &resources::PODS), ["web"]);
        assert_eq!(first.requests.len(), 1);
        assert_eq!(names(&second, Verb::Delete, &resources::CONFIG_MAPS), [""; 0]);
        assert_eq!(names(&third, Verb::Delete, &resources::CONFIG_MAPS), ["map"]);
    }

    #[test]
    fn what_stays_is_told_once_with_its_finalizers() {
        let mut world = world(true);
        let metadata = json!({"name": "map", "namespace": "old", "finalizers": ["a.b/c"],
            "deletionTimestamp": "1970-01-01T00:00:06Z"});
        world.put(&resources::CONFIG_MAPS, json!({"metadata": metadata}));

        let plan = world.reconcile(&key(), at(10));

        let body = plan.requests[0].body.clone().unwrap();
        let conditions = body["status"]["conditions"].as_array().unwrap();
        let told: Vec<_> = conditions
            .iter()
            .map(|condition| {
                (condition["type"].as_str().unwrap(), condition["status"].as_str().unwrap())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("NamespaceDeletionDiscoveryFailure", "False"),
                ("NamespaceDeletionGroupVersionParsingFailure", "False"),
                ("NamespaceDeletionContentFailure", "False"),
                ("NamespaceContentRemaining", "True"),
                ("NamespaceFinalizersRemaining", "True"),
            ]
        );
        assert_eq!(
            conditions[3]["message"],
            "Some resources are remaining: configmaps. has 1 resource instances"
        );
        assert_eq!(
            conditions[4]["message"],
            "Some content in the namespace has finalizers remaining: a.b/c in 1 resource instances"
        );
        world.put(&resources::NAMESPACES, body);
        assert_eq!(world.reconcile(&key(), at(11)).requests, []);
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
    fn a_kind_that_the_api_server_does_not_serve_holds_nothing_up() {
        let mut world = world(true);

        let question = world.reconcile(&key(), at(10));
        for request in &question.requests {
            match request.resource == &resources::RESOURCE_CLAIMS {
                true => world.refuse(&key(), request, Reason::NotFound),
                false => world.grant(&key(), request, json!({"items": []})),
            }
        }
        let plan = world.reconcile(&key(), at(10));

        assert_eq!(plan.requests[0].path(), "/api/v1/namespaces/old/finalize");
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
