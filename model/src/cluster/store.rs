//! The store: the truth as a base and the log of changes since, and how far each watch has read.
//!
//! A cache is never stored. It is the base with the log applied up to a cursor, so it is a prefix
//! of the history by construction; that real watches and informers achieve this is what the
//! `watch` scenario shows. Left out here and checked there: durability, compaction, lost
//! connections.

use super::ids::{NodeId, PodId, Uid};
use super::objects::{Change, Event, Node, Object, Objects, Pod};
use super::watch::Watcher;
use crate::history::{Cursor, Ghost, Log};
use crate::packed;

/// The objects and their history, as far back as any watcher still needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Store<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize> {
    /// All objects before the first entry of the log.
    pub base: Objects<PODS, NODES, SETS>,
    /// What happened since.
    pub log: Log<Event, LOG>,
    /// How far each component has read, kubelets aside.
    pub cursors: [Cursor; Watcher::SHARED],
    /// How far the kubelet of each Node has read.
    pub kubelet_cursors: [Cursor; NODES],
    /// The uid given last to a Pod of each name.
    pub pod_uids: [Uid; PODS],
    /// The uid given last to a Node of each name: never zero once it was registered.
    pub node_uids: [Uid; NODES],
    /// Whether events that a watch does not select wait to be delivered like the others. They are
    /// skipped at once otherwise, which nobody can tell apart.
    pub lazy: bool,
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
        lazy: false,
        revision: Ghost(0),
    };

    /// The objects as they are now.
    pub fn objects(&self) -> Objects<PODS, NODES, SETS> {
        self.objects_at(self.log.len())
    }

    /// The objects after the first `position` entries of the log.
    pub fn objects_at(&self, position: usize) -> Objects<PODS, NODES, SETS> {
        let mut objects = self.base;
        for event in self.log.first(position) {
            objects.apply(event);
        }
        objects
    }

    /// The Pod of this name after the first `position` entries of the log.
    pub fn pod_at(&self, position: usize, pod: PodId) -> Option<Pod> {
        let newest = self.log.first(position).rev().find_map(|event| event.leaves_pod(pod));
        newest.unwrap_or(self.base.pod(pod))
    }

    /// The Node of this name after the first `position` entries of the log.
    pub fn node_at(&self, position: usize, node: NodeId) -> Option<Node> {
        let newest = self.log.first(position).rev().find_map(|event| event.leaves_node(node));
        newest.unwrap_or(self.base.node(node))
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
        if !self.lazy {
            self.skip_unselected();
        }
        while self.log.len() > 0 && self.slowest().is_none_or(|position| position > 0) {
            self.fold_first();
        }
    }

    /// Moves each cursor over the events that its watch does not select.
    pub fn skip_unselected(&mut self) {
        for watcher in Watcher::all(NODES) {
            let mut cursor = self.cursor(watcher);
            while let Some(position) = cursor.position()
                && self.log.get(position).is_some_and(|event| !watcher.selects(event))
            {
                cursor = Cursor::at(position + 1);
            }
            self.set_cursor(watcher, cursor);
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

    /// The place in the log just after this revision, where the log still reaches back so far.
    pub fn position_of(&self, revision: u32) -> Option<usize> {
        let newer = self.revision.0.checked_sub(revision)?;
        self.log.len().checked_sub(newer as usize)
    }

    fn slowest(&self) -> Option<usize> {
        self.cursors.iter().chain(&self.kubelet_cursors).min()?.position()
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

packed!(
    struct<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize> Store<PODS, NODES, SETS, LOG> {
        base, log, cursors, kubelet_cursors, pod_uids, node_uids, lazy, revision
    }
);
