//! What a store holds and how far each watch has read it, for any kind of objects.
//!
//! The truth is a base and the log of changes since; a cache is the base with the log applied up to
//! a cursor, so it is derived and never stored. Left out: how a watch achieves that its cache is a
//! prefix of the log. The `watch` and `reflector` scenarios show it.

mod log;

pub use log::{Cursor, Log};

use crate::pack::{Packed, Packer, Unpacker};
use crate::slice::Outcome;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

/// What a store holds: small, and changed by events.
pub trait Objects: Copy + Eq + Hash + Debug + Packed {
    /// One change, which is also what a watch delivers.
    type Event: Copy + Eq + Hash + Debug + Packed;

    /// These objects after one more change.
    fn apply(&mut self, event: &Self::Event);

    /// Whether the watch of this number selects the change.
    fn selects(watcher: usize, event: &Self::Event) -> bool {
        let _ = (watcher, event);
        true
    }
}

/// Objects and their history, as far back as any of the watchers still needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct History<O: Objects, const WATCHERS: usize, const LOG: usize> {
    /// All objects before the first entry of the log.
    pub base: O,
    /// What happened since.
    pub log: Log<O::Event, LOG>,
    /// How far each watcher has read.
    pub cursors: [Cursor; WATCHERS],
    /// Whether events that a watch does not select wait to be delivered like the others. They are
    /// skipped at once otherwise, which nobody can tell apart.
    pub lazy: bool,
    /// The revision of the newest change. For reports only: no step depends on it.
    pub revision: Ghost<u32>,
}

impl<O: Objects, const WATCHERS: usize, const LOG: usize> History<O, WATCHERS, LOG> {
    /// A store that holds these objects, of which every watcher has listed all.
    pub fn listed(base: O) -> Self {
        let cursors = [Cursor::at(0); WATCHERS];
        History { base, log: Log::EMPTY, cursors, lazy: false, revision: Ghost(0) }
    }

    /// The objects as they are now.
    pub fn now(&self) -> O {
        self.at(self.log.len())
    }

    /// The objects after the first `position` entries of the log.
    pub fn at(&self, position: usize) -> O {
        let mut objects = self.base;
        self.log.entries().take(position).for_each(|event| objects.apply(event));
        objects
    }

    /// What this watcher's cache holds; nothing before its first list.
    pub fn cache(&self, watcher: usize) -> Option<O> {
        Some(self.at(self.cursors[watcher].position()?))
    }

    /// What all caches show together, each what its watch selects: how a component sees the store
    /// through informers of different kinds. Nothing before each of them has listed.
    pub fn caches(&self) -> Option<O> {
        let mut objects = self.base;
        for (position, event) in self.log.entries().enumerate() {
            let has_read = |watcher: usize| self.cursors[watcher].position() > Some(position);
            if (0..WATCHERS).any(|watcher| has_read(watcher) && O::selects(watcher, event)) {
                objects.apply(event);
            }
        }
        (0..WATCHERS).all(|watcher| self.has_listed(watcher)).then_some(objects)
    }

    /// Appends a change, and drops the entries that every watcher has read.
    ///
    /// # Panics
    ///
    /// Where the log is full: the bounds of the slice are too small for its budgets.
    pub fn write(&mut self, event: O::Event) {
        self.log.push(event);
        self.revision.0 += 1;
        self.settle();
    }

    /// Moves this watcher over the next event, which its component's handler is to see.
    pub fn deliver(&mut self, watcher: usize) -> Option<O::Event> {
        let position = self.cursors[watcher].position()?;
        let event = *self.log.get(position)?;
        self.cursors[watcher] = Cursor::at(position + 1);
        self.settle();
        Some(event)
    }

    /// Whether the watcher has listed.
    pub fn has_listed(&self, watcher: usize) -> bool {
        self.cursors[watcher].position().is_some()
    }

    /// The watcher lists what the store holds now.
    pub fn list(&mut self, watcher: usize) {
        self.cursors[watcher] = Cursor::at(self.log.len());
        self.settle();
    }

    /// Every watcher lists what the store holds now: their component has started again.
    pub fn list_all(&mut self) {
        (0..WATCHERS).for_each(|watcher| self.list(watcher));
    }

    /// The watcher's component is down: it holds nothing back.
    pub fn stop(&mut self, watcher: usize) {
        self.cursors[watcher] = Cursor::OFF;
        self.settle();
    }

    /// How many changes that its watch selects have not reached this watcher; nothing where it has
    /// not listed.
    pub fn behind(&self, watcher: usize) -> Option<usize> {
        let position = self.cursors[watcher].position()?;
        let unread = self.log.entries().skip(position);
        Some(unread.filter(|event| O::selects(watcher, event)).count())
    }

    /// How many changes that a watch selects have not reached its watcher, of all watchers.
    pub fn unread(&self) -> usize {
        (0..WATCHERS).filter_map(|watcher| self.behind(watcher)).sum()
    }

    /// Whether something was written since.
    pub fn has_changed_since(&self, before: &Self) -> bool {
        self.revision.0 > before.revision.0
    }

    /// What became of the step that led here. A request that wrote nothing was refused.
    pub fn outcome(&self, before: &Self, is_request: bool) -> Outcome {
        match (self.has_changed_since(before), is_request) {
            (true, _) => Outcome::Committed,
            (false, true) => Outcome::Refused,
            (false, false) => Outcome::Done,
        }
    }

    /// Moves cursors over what their watch does not select, then folds what all have passed into
    /// the base. Two states that differ only in what nobody can tell apart become equal.
    fn settle(&mut self) {
        if !self.lazy {
            self.skip_unselected();
        }
        while self.log.len() > 0 && self.slowest().is_none_or(|position| position > 0) {
            if let Some(event) = self.log.pop_first() {
                self.base.apply(&event);
            }
            self.cursors.iter_mut().for_each(Cursor::shift_down);
        }
    }

    /// Moves each cursor over the events that its watch does not select.
    fn skip_unselected(&mut self) {
        for watcher in 0..WATCHERS {
            while let Some(position) = self.cursors[watcher].position()
                && self.log.get(position).is_some_and(|event| !O::selects(watcher, event))
            {
                self.cursors[watcher] = Cursor::at(position + 1);
            }
        }
    }

    fn slowest(&self) -> Option<usize> {
        self.cursors.iter().filter_map(|cursor| cursor.position()).min()
    }
}

impl<O: Objects, const WATCHERS: usize, const LOG: usize> Packed for History<O, WATCHERS, LOG> {
    #[inline(always)]
    fn pack(&self, to: &mut Packer<'_>) {
        let History { base, log, cursors, lazy, revision: _ } = self;
        base.pack(to);
        log.pack(to);
        cursors.pack(to);
        lazy.pack(to);
    }

    #[inline(always)]
    fn unpack(from: &mut Unpacker<'_>) -> Self {
        History {
            base: O::unpack(from),
            log: Log::unpack(from),
            cursors: Packed::unpack(from),
            lazy: bool::unpack(from),
            revision: Ghost(0),
        }
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

impl<T: Default> Packed for Ghost<T> {
    #[inline(always)]
    fn pack(&self, _: &mut Packer<'_>) {}

    #[inline(always)]
    fn unpack(_: &mut Unpacker<'_>) -> Self {
        Ghost::default()
    }
}
