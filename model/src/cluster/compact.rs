//! Changes that matter to nobody any more.
//!
//! A change in the log matters to the watchers that have not read it and select it, or what the
//! object was before. Where there are none, and no earlier change of the object is in the log, it may
//! as well be part of the base already, wherever in the log it stands.
//!
//! `specs/reductions.md` says why verdicts are those of all states.

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
