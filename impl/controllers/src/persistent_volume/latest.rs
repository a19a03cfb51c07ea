//! The newest versions of objects: those that this controller has written are newer than the cache's, until
//! the cache has read so far.
//!
//! Source: `storeObjectUpdate` in pv_controller_base.go (v1.36).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Key, Kind};
use client::Cache;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// What was written and is not seen yet.
#[derive(Clone, Debug)]
pub(super) struct Latest<K> {
    written: BTreeMap<Key, Arc<K>>,
}

impl<K> Default for Latest<K> {
    fn default() -> Self {
        Self { written: BTreeMap::new() }
    }
}

impl<K: Kind> Latest<K> {
    /// Keeps what the API server answered to a write.
    pub(super) fn written(&mut self, object: Arc<K>) {
        self.written.insert(Key::of(object.metadata()), object);
    }

    /// The cache has read up to this version, or to the object's end.
    pub(super) fn seen(&mut self, object: &Arc<K>, is_gone: bool) {
        let key = Key::of(object.metadata());
        let is_older =
            |written: &Arc<K>| is_gone || !is_newer(written.metadata(), object.metadata());
        if self.written.get(&key).is_some_and(is_older) {
            self.written.remove(&key);
        }
    }

    /// An object that is in the cache, as new as is known.
    pub(super) fn get(&self, cache: &Cache<K>, key: &Key) -> Option<Arc<K>> {
        cache.get(key).map(|cached| Arc::clone(self.newer(cached)))
    }

    /// The object as new as is known.
    pub(super) fn newer<'a>(&'a self, cached: &'a Arc<K>) -> &'a Arc<K> {
        let written = self.written.get(&Key::of(cached.metadata()));
        written.filter(|written| is_newer(written.metadata(), cached.metadata())).unwrap_or(cached)
    }
}

/// Whether one is a later version of the same object.
fn is_newer(one: &ObjectMeta, other: &ObjectMeta) -> bool {
    let version = |metadata: &ObjectMeta| -> u64 {
        metadata.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    one.uid == other.uid && version(one) > version(other)
}
