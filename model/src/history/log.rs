//! A bounded list of changes, and how far along it a watcher is.

use crate::pack::{Packed, Packer, Unpacker};
use std::hash::{Hash, Hasher};

/// How many entries of the log a watcher has read, or that it has not listed yet: then it is ahead of
/// all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    #[inline(always)]
    fn pack(&self, to: &mut Packer<'_>) {
        let position = (*self != Cursor::OFF).then_some(self.0);
        position.pack(to);
    }

    #[inline(always)]
    fn unpack(from: &mut Unpacker<'_>) -> Self {
        Option::unpack(from).map_or(Cursor::OFF, Cursor)
    }

    #[inline(always)]
    fn pack_all<const N: usize>(values: &[Self; N], to: &mut Packer<'_>) {
        values.map(|cursor| (cursor != Cursor::OFF).then_some(cursor.0)).pack(to);
    }

    #[inline(always)]
    fn unpack_all<const N: usize>(from: &mut Unpacker<'_>) -> [Self; N] {
        Option::unpack_all(from).map(|position| position.map_or(Cursor::OFF, Cursor))
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

    /// The first so many entries, or all of them, oldest first.
    pub fn first(&self, count: usize) -> impl DoubleEndedIterator<Item = &E> {
        self.entries[..count.min(self.len())].iter().flatten()
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
    #[inline(always)]
    fn pack(&self, to: &mut Packer<'_>) {
        self.len.pack(to);
        for event in self.entries() {
            event.pack(to);
        }
    }

    #[inline(always)]
    fn unpack(from: &mut Unpacker<'_>) -> Self {
        let len = u16::unpack(from);
        let mut log = Log { len, ..Log::EMPTY };
        log.entries[..usize::from(len)].fill_with(|| Some(E::unpack(from)));
        log
    }
}
