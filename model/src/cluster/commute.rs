//! Changes whose order nobody can tell: those that no component sees together.
//!
//! A change in the log matters to the watchers that have not read it and select it. Where there are
//! none, it may as well be part of the base already. Where two changes that stand side by side have
//! no such watcher in common, they may as well have happened the other way round. So a log is as
//! good as any that comes of it by such exchanges, and one stands for all.
//!
//! An API server that has fallen behind serves lists to kubelets, each of which selects what is on
//! its own Node: it sees two changes together only if they are on one Node.

use super::objects::{Event, Object};
use super::store::Store;
use super::watch::Watcher;

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    Store<PODS, NODES, SETS, LOG>
{
    /// Moves into the base what matters to nobody, wherever it stands in the log.
    pub fn compact(&mut self) {
        let mut position = 0;
        while position < self.log.len() {
            if self.matters_to_somebody(position) {
                position += 1;
            } else if let Some(event) = self.log.remove(position) {
                self.base.apply(&event);
                let cursors = self.cursors.iter_mut().chain(&mut self.kubelet_cursors);
                cursors.for_each(|cursor| cursor.without(position));
            }
        }
    }

    /// Exchanges changes side by side whose order nobody can tell, until those of an object with a
    /// smaller name come first. The order of changes that somebody sees together stays.
    pub fn sort(&mut self) {
        for end in (1..self.log.len()).rev() {
            for position in 0..end {
                self.sort_pair(position);
            }
        }
    }

    /// How many changes before this position somebody sees together with the one there.
    pub fn seen_together_before(&self, position: usize) -> usize {
        (0..position).filter(|before| self.are_seen_together(*before, position)).count()
    }

    fn matters_to_somebody(&self, position: usize) -> bool {
        let Some(event) = self.log.get(position) else {
            return false;
        };
        let before = self.log.entries().take(position);
        before.into_iter().any(|earlier| is_about_the_same(earlier, event))
            || self.unread_by(position).any(|watcher| {
                watcher.selects(event) || watcher.selects_what_was(&self.base, event)
            })
    }

    fn sort_pair(&mut self, position: usize) {
        let (Some(first), Some(second)) = (self.log.get(position), self.log.get(position + 1))
        else {
            return;
        };
        let in_order = name(first) <= name(second);
        if !in_order && !self.are_seen_together(position, position + 1) {
            self.log.swap_with_next(position);
        }
    }

    /// Whether the order of two changes matters: they are of one object, or one watcher has read
    /// neither and selects both, or it has read the first.
    fn are_seen_together(&self, first: usize, second: usize) -> bool {
        let (Some(one), Some(other)) = (self.log.get(first), self.log.get(second)) else {
            return false;
        };
        let between = |watcher: Watcher| {
            self.cursor(watcher).position().is_some_and(|at| first < at && at <= second)
        };
        is_about_the_same(one, other)
            || Watcher::all(NODES).any(between)
            || self.unread_by(first).any(|watcher| match watcher {
                Watcher::LaggingApiServer => are_on_one_node(one, other),
                Watcher::SchedulerPods
                | Watcher::SchedulerNodes
                | Watcher::ReplicaSets
                | Watcher::ReplicaSetPods
                | Watcher::NodeLifecycleNodes
                | Watcher::NodeLifecyclePods
                | Watcher::Kubelet(_) => watcher.selects(one) && watcher.selects(other),
            })
    }

    /// The watchers that have not read the change at this position.
    fn unread_by(&self, position: usize) -> impl Iterator<Item = Watcher> {
        Watcher::all(NODES).filter(move |watcher| {
            self.cursor(*watcher).position().is_some_and(|read| read <= position)
        })
    }
}

fn is_about_the_same(one: &Event, other: &Event) -> bool {
    name(one) == name(other)
}

/// The kind of an object, and its name.
fn name(event: &Event) -> (u8, usize) {
    match event.object {
        Object::Pod(id, _) => (0, id.index()),
        Object::Node(id, _) => (1, id.index()),
        Object::ReplicaSet(id, _) => (2, id.index()),
    }
}

fn are_on_one_node(one: &Event, other: &Event) -> bool {
    match (one.object, other.object) {
        (Object::Pod(_, one), Object::Pod(_, other)) => one.node == other.node,
        (_, _) => false,
    }
}
