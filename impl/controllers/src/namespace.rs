//! The Namespace controller: empties a namespace that is being deleted, then lets it go.
//!
//! Pods go first, then the rest. Source: pkg/controller/namespace/deletion (v1.36), KEP-5080. A cache may
//! not know of every object, so the API server is asked before the last step. Left out: failures of discovery,
//! because nothing is discovered: the kinds are those that there are.

use std::collections::{BTreeMap, BTreeSet};

use api::{ApiResource, Key, Reason, Request, Timestamp, Verb, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{Namespace, NamespaceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use crate::ownership::uid;
use crate::{Controller, Plan, after_seconds};

mod conditions;
mod failures;

use failures::Failures;

const FINALIZER: &str = "kubernetes";

/// How long it waits before it asks again what is left, if no deletion is seen before.
const ASK_AGAIN_SECONDS: i64 = 5;

/// Deletes what is in namespaces that are being deleted.
#[derive(Clone, Debug, Default)]
pub struct NamespaceController {
    /// Per namespace, the resources of which the API server has said that there are none.
    empty: BTreeMap<Key, BTreeSet<&'static ApiResource>>,
    /// Per namespace, what the last attempt could not do.
    failures: BTreeMap<Key, Failures>,
}

impl Controller for NamespaceController {
    fn name(&self) -> &'static str {
        "namespace-controller"
    }

    fn backoff(&self) -> client::Backoff {
        client::Backoff::milliseconds(5, 60_000)
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
            self.failures.remove(key);
            return Plan::default();
        };
        self.empty_or_finalize(view, namespace, now).observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if let (Verb::Delete | Verb::List, Some(why)) = (request.verb, failures::of(outcome)) {
            self.failures.entry(key.clone()).or_default().add(request.resource, why);
        }
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
        let mut failures = self.failures.remove(&key).unwrap_or_default();
        if !left.is_empty() {
            let deletions = left.deletions();
            let graceful_until = left.graceful_until(view, namespace);
            failures.find_stuck(&left, graceful_until <= now);
            let is_told = deletions.is_empty() || !failures.is_empty();
            let told = is_told.then(|| conditions::tell(namespace, (&left, &failures), now));
            let requests = deletions.into_iter().chain(told.flatten()).collect();
            let look_again = Some(graceful_until).filter(|until| *until > now);
            return Plan { requests, look_again };
        }
        let unknown: Vec<_> = namespaced().filter(|found| !known_empty.contains(found)).collect();
        if unknown.is_empty() {
            return Plan { requests: vec![finalize(namespace)], look_again: None };
        }
        let first = known_empty.is_empty() && failures.is_empty();
        let look_again = if first { now } else { after_seconds(now, ASK_AGAIN_SECONDS) };
        let told =
            (!failures.is_empty()).then(|| conditions::tell(namespace, (&left, &failures), now));
        let lists = namespaced().map(|resource| Request::list(resource, &key.name));
        let requests = lists.chain(told.flatten()).collect();
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

    fn by_resource(&self) -> BTreeMap<&'static ApiResource, Vec<&'a ObjectMeta>> {
        let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (resource, metadata) in &self.objects {
            all.entry(*resource).or_default().push(*metadata);
        }
        all
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
mod tests;
