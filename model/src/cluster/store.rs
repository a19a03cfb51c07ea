//! The store: the truth as a base and the log of changes since, and how far each watch has read.
//!
//! A cache is never stored. It is the base with the log applied up to a cursor, so it is a prefix
//! of the history by construction; that real watches and informers achieve this is what the
//! `watch` scenario shows. Left out here and checked there: durability, compaction, lost
//! connections.

use super::ids::{NodeId, PodId, Uid};
use super::objects::{Change, Event, Object, Objects};
use super::watch::{Cursor, Watcher};
use std::hash::{Hash, Hasher};

/// The objects and their history, as far back as any watcher still needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Store<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize> {
    /// All objects before the first entry of the log.
    pub base: Objects<PODS, NODES, SETS>,
    /// What happened since.
    pub log: Log<LOG>,
    /// How far each component has read, kubelets aside.
    pub cursors: [Cursor; Watcher::SHARED],
    /// How far the kubelet of each Node has read.
    pub kubelet_cursors: [Cursor; NODES],
    /// The uid given last to a Pod of each name.
    pub pod_uids: [Uid; PODS],
    /// The uid given last to a Node of each name: never zero once it was registered.
    pub node_uids: [Uid; NODES],
    /// The revision of the newest change. For reports only: no step depends on it.
    pub revision: Ghost<u32>,
}

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    Store<PODS, NODES, SETS, LOG>
{
    /// An empty store that nobody watches.
    pub const EMPTY: Self = Store {
        base: Objects::EMPTY,
        log: Log::EMPTY,
        cursors: [Cursor::OFF; Watcher::SHARED],
        kubelet_cursors: [Cursor::OFF; NODES],
        pod_uids: [Uid::NONE; PODS],
        node_uids: [Uid::NONE; NODES],
        revision: Ghost(0),
    };

    /// The objects as they are now.
    pub fn objects(&self) -> Objects<PODS, NODES, SETS> {
        self.objects_at(self.log.len())
    }

    /// The objects after the first `position` entries of the log.
    pub fn objects_at(&self, position: usize) -> Objects<PODS, NODES, SETS> {
        let mut objects = self.base;
        self.log.entries().take(position).for_each(|event| objects.apply(event));
        objects
    }

    /// Appends a change, and drops the entries that every watcher has read.
    ///
    /// # Panics
    ///
    /// Where the log is full: the bounds of the model are too small for its budgets.
    pub fn write(&mut self, change: Change, object: Object) {
        self.remember_uid(object);
        self.log.push(Event { change, object });
        self.revision.0 += 1;
        self.settle();
    }

    /// Moves cursors over what their watch does not select, then folds what all have passed into
    /// the base. Two states that differ only in what nobody can tell apart become equal.
    pub fn settle(&mut self) {
        for watcher in Watcher::all(NODES) {
            let mut cursor = self.cursor(watcher);
            while let Some(position) = cursor.position()
                && self.log.get(position).is_some_and(|event| !watcher.selects(event))
            {
                cursor = Cursor::at(position + 1);
            }
            self.set_cursor(watcher, cursor);
        }
        while self.slowest().is_some_and(|position| position > 0) || self.unread_by_anybody() {
            self.fold_first();
        }
    }

    /// How far this watcher has read.
    pub fn cursor(&self, watcher: Watcher) -> Cursor {
        match watcher.shared_index() {
            Ok(index) => self.cursors[index],
            Err(node) => self.kubelet_cursors[node.index()],
        }
    }

    /// Places this watcher's cursor.
    pub fn set_cursor(&mut self, watcher: Watcher, cursor: Cursor) {
        match watcher.shared_index() {
            Ok(index) => self.cursors[index] = cursor,
            Err(node) => self.kubelet_cursors[node.index()] = cursor,
        }
    }

    /// Whether nothing in the base or the log still mentions this Pod's name.
    pub fn forgot_pod(&self, pod: PodId) -> bool {
        let mentioned = |event: &Event| matches!(event.object, Object::Pod(id, _) if id == pod);
        self.base.pod(pod).is_none() && !self.log.entries().any(mentioned)
    }

    /// Whether a change of this Node waits to be delivered to this watcher.
    pub fn node_change_pending(&self, watcher: Watcher, node: NodeId) -> bool {
        let read = self.cursor(watcher).position().unwrap_or(0);
        let changed = |event: &Event| matches!(event.object, Object::Node(id, _) if id == node);
        self.log.entries().skip(read).any(changed)
    }

    /// The revision up to which this watcher has read. For reports only.
    pub fn revision_read(&self, watcher: Watcher) -> Option<u32> {
        let unread = self.log.len() - self.cursor(watcher).position()?;
        Some(self.revision.0.saturating_sub(unread as u32))
    }

    /// The place in the log just after this revision, where the log still reaches back so far.
    pub fn position_of(&self, revision: u32) -> Option<usize> {
        let newer = self.revision.0.checked_sub(revision)?;
        self.log.len().checked_sub(newer as usize)
    }

    fn slowest(&self) -> Option<usize> {
        Watcher::all(NODES).filter_map(|watcher| self.cursor(watcher).position()).min()
    }

    fn unread_by_anybody(&self) -> bool {
        self.slowest().is_none() && self.log.len() > 0
    }

    fn fold_first(&mut self) {
        if let Some(event) = self.log.pop_first() {
            self.base.apply(&event);
        }
        for cursor in self.cursors.iter_mut().chain(&mut self.kubelet_cursors) {
            cursor.shift_down();
        }
    }

    fn remember_uid(&mut self, object: Object) {
        match object {
            Object::Pod(id, pod) => self.pod_uids[id.index()] = pod.uid,
            Object::Node(id, node) => self.node_uids[id.index()] = node.uid,
            Object::ReplicaSet(..) => {}
        }
    }
}

/// A bounded list of changes, oldest first; what is behind its end is always empty.
#[derive(Clone, Copy, Debug)]
pub struct Log<const LOG: usize> {
    entries: [Option<Event>; LOG],
    len: u16,
}

impl<const LOG: usize> Log<LOG> {
    /// No entries.
    pub const EMPTY: Self = Log { entries: [None; LOG], len: 0 };

    /// How many entries it holds.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks whether a log is empty")]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// The entry at this position, the oldest being at zero.
    pub fn get(&self, position: usize) -> Option<&Event> {
        self.entries.get(position)?.as_ref()
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Event> {
        self.entries[..self.len()].iter().flatten()
    }

    fn push(&mut self, event: Event) {
        assert!(self.len() < LOG, "the log is full: the bounds are too small for the budgets");
        self.entries[self.len()] = Some(event);
        self.len += 1;
    }

    fn pop_first(&mut self) -> Option<Event> {
        let first = self.entries.first().copied().flatten()?;
        self.entries[..usize::from(self.len)].rotate_left(1);
        self.len -= 1;
        self.entries[usize::from(self.len)] = None;
        Some(first)
    }
}

impl<const LOG: usize> PartialEq for Log<LOG> {
    fn eq(&self, other: &Self) -> bool {
        self.entries[..self.len()] == other.entries[..other.len()]
    }
}

impl<const LOG: usize> Eq for Log<LOG> {}

impl<const LOG: usize> Hash for Log<LOG> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.len.hash(hasher);
        self.entries().for_each(|event| event.hash(hasher));
    }
}

/// Something carried along for reports: states that differ in nothing else are the same state.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ghost<T>(pub T);

impl<T> PartialEq for Ghost<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Ghost<T> {}

impl<T> Hash for Ghost<T> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
