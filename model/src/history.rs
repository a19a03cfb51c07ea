//! What a store holds and how far each watch has read it, for any kind of objects.
//!
//! The truth is a base and the log of changes since; a cache is the base with the log applied up to
//! a cursor, so it is derived and never stored. Left out: how a watch achieves that its cache is a
//! prefix of the log. The `watch` and `reflector` scenarios show it.

use crate::pack::{Packed, Packer, Unpacker};
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
        self.list_at(watcher, self.log.len());
    }

    /// The watcher lists as of a place in the log.
    pub fn list_at(&mut self, watcher: usize, position: usize) {
        self.cursors[watcher] = Cursor::at(position);
        self.settle();
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

    /// Whether no more change fits in the log.
    pub fn is_full(&self) -> bool {
        self.log.len() >= LOG
    }

    /// Moves cursors over what their watch does not select, then folds what all have passed into
    /// the base. Two states that differ only in what nobody can tell apart become equal.
    pub fn settle(&mut self) {
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
    pub fn skip_unselected(&mut self) {
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
    fn pack(&self, to: &mut Packer) {
        let History { base, log, cursors, lazy, revision: _ } = self;
        base.pack(to);
        log.pack(to);
        cursors.pack(to);
        lazy.pack(to);
    }

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

/// How many entries of the log a watcher has read, or that it has not listed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(u16);

impl Cursor {
    /// Its component is down, or has not listed yet. It holds nothing back.
    pub const OFF: Cursor = Cursor(u16::MAX);

    /// It has read this many entries.
    pub fn at(position: usize) -> Self {
        Cursor(u16::try_from(position).expect("a log has fewer than 65,535 entries"))
    }

    /// How many entries it has read, unless it is off.
    pub fn position(self) -> Option<usize> {
        (self != Cursor::OFF).then_some(usize::from(self.0))
    }

    /// The same place, after the log lost the entry at a position.
    pub fn without(&mut self, position: usize) {
        if *self != Cursor::OFF && usize::from(self.0) > position {
            self.0 -= 1;
        }
    }

    /// The same place, after the log lost its first entry.
    pub fn shift_down(&mut self) {
        if *self != Cursor::OFF {
            self.0 = self.0.saturating_sub(1);
        }
    }
}

impl Packed for Cursor {
    fn pack(&self, to: &mut Packer) {
        let position = (*self != Cursor::OFF).then_some(self.0);
        position.pack(to);
    }

    fn unpack(from: &mut Unpacker<'_>) -> Self {
        Option::unpack(from).map_or(Cursor::OFF, Cursor)
    }
}

/// A bounded list of changes, oldest first; what is behind its end is always empty.
#[derive(Clone, Copy, Debug)]
pub struct Log<E, const LOG: usize> {
    entries: [Option<E>; LOG],
    len: u16,
}

impl<E: Copy, const LOG: usize> Log<E, LOG> {
    /// No entries.
    pub const EMPTY: Self = Log { entries: [None; LOG], len: 0 };

    /// How many entries it holds.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks whether a log is empty")]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// The entry at this position, the oldest being at zero.
    pub fn get(&self, position: usize) -> Option<&E> {
        self.entries.get(position)?.as_ref()
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &E> {
        self.entries[..self.len()].iter().flatten()
    }

    /// Appends a change.
    ///
    /// # Panics
    ///
    /// Where the log is full: the bounds of the slice are too small for its budgets.
    pub fn push(&mut self, event: E) {
        assert!(self.len() < LOG, "the log is full: the bounds are too small for the budgets");
        self.entries[self.len()] = Some(event);
        self.len += 1;
    }

    /// Takes the oldest change out.
    pub fn pop_first(&mut self) -> Option<E> {
        let first = self.entries.first().copied().flatten()?;
        self.entries[..usize::from(self.len)].rotate_left(1);
        self.len -= 1;
        self.entries[usize::from(self.len)] = None;
        Some(first)
    }

    /// Takes out the change at this position.
    pub fn remove(&mut self, position: usize) -> Option<E> {
        self.entries[position..usize::from(self.len)].rotate_left(1);
        self.len -= 1;
        self.entries[usize::from(self.len)].take()
    }

    /// The same list with each change replaced.
    #[must_use]
    pub fn map(mut self, change: impl Fn(E) -> E) -> Self {
        self.entries.iter_mut().flatten().for_each(|event| *event = change(*event));
        self
    }
}

impl<E: PartialEq + Copy, const LOG: usize> PartialEq for Log<E, LOG> {
    fn eq(&self, other: &Self) -> bool {
        self.entries[..self.len()] == other.entries[..other.len()]
    }
}

impl<E: Eq + Copy, const LOG: usize> Eq for Log<E, LOG> {}

impl<E: Hash + Copy, const LOG: usize> Hash for Log<E, LOG> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.len.hash(hasher);
        self.entries().for_each(|event| event.hash(hasher));
    }
}

impl<E: Packed + Copy, const LOG: usize> Packed for Log<E, LOG> {
    fn pack(&self, to: &mut Packer) {
        self.len.pack(to);
        self.entries().for_each(|event| event.pack(to));
    }

    fn unpack(from: &mut Unpacker<'_>) -> Self {
        let len = u16::unpack(from);
        let mut log = Log { len, ..Log::EMPTY };
        log.entries[..usize::from(len)].fill_with(|| Some(E::unpack(from)));
        log
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
    fn pack(&self, _: &mut Packer) {}

    fn unpack(_: &mut Unpacker<'_>) -> Self {
        Ghost::default()
    }
}
