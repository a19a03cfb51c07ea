//! The informer cache of one kind: what the API server's log said up to a revision.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Key, Kind};

/// Objects by key. Always a prefix of the log: lists and watch events move it forward, never back.
#[derive(Clone, Debug)]
pub struct Cache<K> {
    objects: BTreeMap<Key, Arc<K>>,
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self { objects: BTreeMap::new() }
    }
}

impl<K: Kind> Cache<K> {
    /// The object with this key.
    pub fn get(&self, key: &Key) -> Option<&Arc<K>> {
        self.objects.get(key)
    }

    /// All objects, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<K>> {
        self.objects.values()
    }

    /// The objects of a namespace, in the order of their names.
    pub fn in_namespace<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Arc<K>> {
        self.objects
            .range(Key::new(namespace, "")..)
            .take_while(move |(key, _)| key.namespace == namespace)
            .map(|(_, object)| object)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Puts what the API server said last; returns what it said before.
    pub fn insert(&mut self, object: Arc<K>) -> Option<Arc<K>> {
        self.objects.insert(Key::of(object.metadata()), object)
    }

    /// Forgets a deleted object.
    pub fn remove(&mut self, key: &Key) -> Option<Arc<K>> {
        self.objects.remove(key)
    }

    /// The keys of all objects.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.objects.keys()
    }
}
