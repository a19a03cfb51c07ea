//! One pass over a claim or a volume: what it looks at, and what it wants done.

use std::sync::Arc;

use api::{AnyObject, Key, Kind, Request, storage};
use client::View;
use client::event::Note;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;

use super::latest::Latest;

/// What the API server has said of a volume's claim.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// There is none.
    Gone,
    /// It is this one.
    Lives(Arc<PersistentVolumeClaim>),
    /// It could not be said.
    Unknown,
}

/// A pass under way.
pub(super) struct Pass<'a> {
    pub(super) view: &'a View,
    pub(super) claims: &'a Latest<PersistentVolumeClaim>,
    pub(super) volumes: &'a Latest<PersistentVolume>,
    /// What was asked in the pass before.
    pub(super) answer: Option<Answer>,
    pub(super) requests: Vec<Request>,
    pub(super) notes: Vec<(AnyObject, Note)>,
    /// Whether the API server could not say what it was asked.
    pub(super) is_unanswered: bool,
}

impl<'a> Pass<'a> {
    pub(super) fn claim(&self, key: &Key) -> Option<Arc<PersistentVolumeClaim>> {
        self.claims.get(&self.view.persistent_volume_claims, key)
    }

    pub(super) fn volume(&self, key: &Key) -> Option<Arc<PersistentVolume>> {
        self.volumes.get(&self.view.persistent_volumes, key)
    }

    pub(super) fn all_volumes(&self) -> impl Iterator<Item = &'a Arc<PersistentVolume>> {
        let latest = self.volumes;
        self.view.persistent_volumes.iter().map(|volume| latest.newer(volume))
    }

    pub(super) fn class(&self, claim: &PersistentVolumeClaim) -> Option<&'a Arc<StorageClass>> {
        self.view.storage_classes.get(&Key::cluster(storage::class_of_claim(claim)))
    }

    /// Wants an object written.
    pub(super) fn update<K: Kind>(&mut self, object: &K) {
        self.requests.push(Request::update(object));
    }

    /// Says something of an object.
    pub(super) fn say<K: Kind>(&mut self, about: &Arc<K>, note: Note)
    where
        AnyObject: From<Arc<K>>,
    {
        self.notes.push((AnyObject::from(Arc::clone(about)), note));
    }
}
