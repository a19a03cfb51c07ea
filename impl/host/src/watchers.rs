//! Wakes each watch when something may concern it, and not at each change of the store.
//!
//! A watch is told from which revision on there is something for it, and reads the store from there; one that is not
//! told has missed nothing. Watches that ask for the objects of one node are found by its name, as upstream's watch
//! cache does for pods (`indexedTrigger` in apiserver/pkg/storage/cacher/cacher.go, v1.36): with many nodes each change
//! of a pod concerns few of them. So are those that ask for one object, by its key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::{Event, Revision, Store};
use tokio::sync::{Notify, watch};

/// What wakes one watch.
#[derive(Debug, Default)]
struct Bell {
    /// The first revision that it has not been woken for; 0 when there is none.
    first: AtomicU64,
    rings: Notify,
}

impl Bell {
    fn ring(&self, revision: Revision) {
        // One that has not been answered yet stands for all that come after it.
        let _rung_before =
            self.first.compare_exchange(0, revision.0, Ordering::AcqRel, Ordering::Acquire);
        self.rings.notify_one();
    }
}

type Bells = BTreeMap<u64, Arc<Bell>>;

/// The watches of the keys that begin alike, or of one key.
#[derive(Debug, Default)]
struct Group {
    all: Bells,
    by_node: BTreeMap<String, Bells>,
}

impl Group {
    fn bells(&mut self, node: Option<&str>) -> &mut Bells {
        match node {
            Some(node) => self.by_node.entry(node.to_owned()).or_default(),
            None => &mut self.all,
        }
    }

    fn is_empty(&self) -> bool {
        self.all.is_empty() && self.by_node.is_empty()
    }

    fn ring(&self, event: &Event) {
        let revision = event.now.mod_revision;
        self.all.values().for_each(|bell| bell.ring(revision));
        if self.by_node.is_empty() {
            return;
        }
        let versions = event.before.iter().chain([&event.now]);
        let nodes: Option<BTreeSet<String>> =
            versions.map(|found| apiserver::node_of(found)).collect();
        match nodes {
            Some(nodes) => nodes
                .iter()
                .filter_map(|node| self.by_node.get(node))
                .flat_map(Bells::values)
                .for_each(|bell| bell.ring(revision)),
            None => {
                self.by_node.values().flat_map(Bells::values).for_each(|bell| bell.ring(revision))
            }
        }
    }
}

#[derive(Debug, Default)]
struct Groups {
    by_prefix: BTreeMap<Vec<u8>, Group>,
    made: u64,
}

impl Groups {
    /// Wakes whom an event may concern: keys are folders and a name, `/registry/pods/NAMESPACE/NAME`.
    fn ring(&self, event: &Event) {
        let key = &event.now.key;
        let folders = (0..key.len()).filter(|place| key[*place] == b'/').map(|place| place + 1);
        for end in folders.chain([key.len()]) {
            if let Some(group) = self.by_prefix.get(&key[..end]) {
                group.ring(event);
            }
        }
    }

    fn ring_all(&self, revision: Revision) {
        for group in self.by_prefix.values() {
            let of_nodes = group.by_node.values().flat_map(Bells::values);
            group.all.values().chain(of_nodes).for_each(|bell| bell.ring(revision));
        }
    }
}

/// All watches of a server.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    groups: Mutex<Groups>,
    /// Whoever was concerned has been woken up to this revision.
    told: AtomicU64,
    is_started: AtomicBool,
}

impl Watchers {
    /// From now on a watch is woken that hears of the keys in this folder or of this one key, or of those whose
    /// objects name a node. Before it sleeps, it reads what is published.
    pub(crate) fn register(
        self: &Arc<Self>,
        (prefix, node): (&[u8], Option<&str>),
        published: &watch::Receiver<Store>,
    ) -> Registration {
        if !self.is_started.swap(true, Ordering::AcqRel) {
            let before = published.borrow().revision();
            self.told.store(before.0, Ordering::Release);
            tokio::spawn(Arc::clone(self).wake(published.clone(), before));
        }
        let (prefix, node) = (prefix.to_vec(), node.map(str::to_owned));
        let bell = Arc::<Bell>::default();
        let mut groups = self.groups();
        groups.made += 1;
        let id = groups.made;
        let group = groups.by_prefix.entry(prefix.clone()).or_default();
        group.bells(node.as_deref()).insert(id, Arc::clone(&bell));
        drop(groups);
        Registration { watchers: Arc::clone(self), prefix, node, id, bell }
    }

    /// Wakes whom changes concern until the store ends.
    async fn wake(self: Arc<Self>, mut published: watch::Receiver<Store>, mut told: Revision) {
        while published.changed().await.is_ok() {
            let store = published.borrow_and_update().clone();
            let groups = self.groups();
            match store.events_after(told) {
                Ok(events) => events.for_each(|event| groups.ring(event)),
                // They find out themselves that they have missed something.
                Err(_) => groups.ring_all(told.next()),
            }
            drop(groups);
            told = store.revision().max(told);
            self.told.store(told.0, Ordering::Release);
        }
        self.groups().ring_all(told);
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watch that is woken. Dropping it ends that.
#[derive(Debug)]
pub(crate) struct Registration {
    watchers: Arc<Watchers>,
    prefix: Vec<u8>,
    node: Option<String>,
    id: u64,
    bell: Arc<Bell>,
}

impl Registration {
    /// Until something may concern the watch.
    pub(crate) async fn rung(&self) {
        self.bell.rings.notified().await;
    }

    /// Up to which revision the watch has missed nothing.
    pub(crate) fn missed_nothing_up_to(&self) -> Revision {
        // In this order: what was told before is rung for by now.
        let told = self.watchers.told.load(Ordering::Acquire);
        match self.bell.first.swap(0, Ordering::AcqRel) {
            0 => Revision(told),
            first => Revision(first - 1),
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut groups = self.watchers.groups();
        let Some(group) = groups.by_prefix.get_mut(&self.prefix) else { return };
        let bells = group.bells(self.node.as_deref());
        bells.remove(&self.id);
        if bells.is_empty()
            && let Some(node) = &self.node
        {
            group.by_node.remove(node);
        }
        if group.is_empty() {
            groups.by_prefix.remove(&self.prefix);
        }
    }
}

#[cfg(test)]
mod tests;
