//! What a controller knows of its slices from the answers to its own writes: while its cache shows less, it
//! is too old.
//!
//! Source: staging/src/k8s.io/endpointslice/util/endpointslice_tracker.go (v1.36).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::object::{at, text};
use api::{Key, Request, Verb, resources};
use client::{Change, Outcome};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::service_of;
use crate::ownership::uid;

/// The least state of a slice that a cache may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Least {
    /// It has been written with this generation.
    Generation(i64),
    /// It has been deleted.
    Gone,
}

/// What the controller has written, by Service and uid.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracker {
    by_service: BTreeMap<Key, BTreeMap<String, Least>>,
}

impl Tracker {
    /// Whether these slices, as a cache shows them, are older than what has been written.
    pub(crate) fn is_stale(&self, service: &Key, slices: &[&Arc<EndpointSlice>]) -> bool {
        let Some(written) = self.by_service.get(service) else { return false };
        written.iter().any(|(uid_written, least)| {
            let shown = slices.iter().find(|slice| uid(&slice.metadata) == uid_written);
            match (least, shown) {
                (Least::Gone, shown) => shown.is_some(),
                (Least::Generation(_), None) => true,
                (Least::Generation(least), Some(shown)) => {
                    shown.metadata.generation.unwrap_or(0) < *least
                }
            }
        })
    }

    /// A slice that is gone, or on its way, has no least state.
    pub(crate) fn observe(&mut self, change: &Change) {
        let metadata = change.object().metadata();
        let is_gone = change.new.is_none() || metadata.deletion_timestamp.is_some();
        if let Some(written) = service_of(metadata).and_then(|key| self.by_service.get_mut(&key))
            && is_gone
        {
            written.remove(uid(metadata));
        }
        self.by_service.retain(|_, written| !written.is_empty());
    }

    /// What came of a request.
    pub(crate) fn completed(&mut self, service: &Key, request: &Request, outcome: &Outcome) {
        let Ok(answer) = outcome else { return };
        if request.resource != &resources::ENDPOINT_SLICES {
            return;
        }
        let written = self.by_service.entry(service.clone()).or_default();
        if request.verb == Verb::Delete {
            let body = request.body.as_ref();
            let uid = body.map(|body| text(body, &["preconditions", "uid"])).unwrap_or_default();
            written.insert(uid.to_owned(), Least::Gone);
            return;
        }
        let generation = at(answer, &["metadata", "generation"]).and_then(|value| value.as_i64());
        let uid = text(answer, &["metadata", "uid"]).to_owned();
        written.insert(uid, Least::Generation(generation.unwrap_or(0)));
    }

    /// Forgets a Service.
    pub(crate) fn forget(&mut self, service: &Key) {
        self.by_service.remove(service);
    }
}
