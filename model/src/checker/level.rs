//! One level of the packed search: its workers, the steps that they take, and what comes of them.

use super::breadth_first::{BreadthFirst, How};
use super::expansion::{Expanded, Expansion, Scratch};
use super::fingerprints::Fingerprints;
use super::frontier::{Block, STATES_PER_BLOCK, Spill};
use super::limits::Limit;
use super::progress::Progress;
use crate::slice::{Checked, Slice};
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const NO_PANIC: &str = "a worker that panicked ended the program";

/// What the workers of one level share.
pub(super) struct Level<'a, S: Slice> {
    pub(super) model: &'a Checked<S>,
    pub(super) symmetry: bool,
    pub(super) fingerprints: &'a Fingerprints,
    pending: &'a [(u32, Block)],
    how: &'a How,
    start: Instant,
    pub(super) spill: Option<Spill>,
    /// The claims about states that nothing was discovered about before this level.
    pub(super) open_in_states: Vec<usize>,
    /// What the search held before this level.
    states_before: usize,
    bytes_before: usize,
    depth: u32,
    levels: &'a [usize],
    /// How many blocks were taken by workers.
    looked_at: AtomicUsize,
    new_states: AtomicUsize,
    new_bytes: AtomicUsize,
    reached: Mutex<Option<Limit>>,
    expanded: Mutex<Vec<(usize, io::Result<Expanded>)>>,
}

/// How far a level was looked at.
pub(super) struct LookedAt {
    /// How many of its blocks, counted from the first.
    pub(super) blocks: usize,
    /// What came of each, with its place.
    pub(super) expanded: Vec<(usize, io::Result<Expanded>)>,
    /// The limit that was reached, if one was.
    pub(super) limit: Option<Limit>,
}

impl<'a, S: Slice> Level<'a, S> {
    /// The level that a search has come to.
    pub(super) fn of(
        search: &'a BreadthFirst<S>,
        how: &'a How,
        start: Instant,
        spill: Option<Spill>,
    ) -> Self {
        let BreadthFirst { model, discoveries, fingerprints, trail, pending, .. } = search;
        Level {
            model,
            symmetry: search.symmetry,
            fingerprints,
            pending,
            how,
            start,
            spill,
            open_in_states: discoveries.open_in_states(model),
            states_before: search.states(),
            bytes_before: trail.bytes()
                + search.next.iter().map(|(_, block)| block.memory()).sum::<usize>()
                + pending.iter().map(|(_, block)| block.memory()).sum::<usize>(),
            depth: search.depth,
            levels: &search.levels,
            looked_at: AtomicUsize::new(0),
            new_states: AtomicUsize::new(0),
            new_bytes: AtomicUsize::new(0),
            reached: Mutex::new(None),
            expanded: Mutex::new(Vec::new()),
        }
    }

    /// Looks at its blocks on all threads.
    pub(super) fn run(self, progress: &mut Progress<'_>) -> LookedAt {
        let progress = Mutex::new(progress);
        let threads = self.how.threads.clamp(1, self.pending.len());
        std::thread::scope(|scope| {
            (1..threads).for_each(|_| drop(scope.spawn(|| self.work(&progress))));
            self.work(&progress);
        });
        LookedAt {
            blocks: self.looked_at.into_inner().min(self.pending.len()),
            expanded: self.expanded.into_inner().expect(NO_PANIC),
            limit: self.reached.into_inner().expect(NO_PANIC),
        }
    }

    /// Takes blocks until there are none, or until a limit is reached.
    fn work(&self, progress: &Mutex<&mut Progress<'_>>) {
        let mut scratch = Scratch::default();
        while !self.is_over(progress) {
            let place = self.looked_at.fetch_add(1, Ordering::Relaxed);
            let Some(block) = self.pending.get(place) else {
                break;
            };
            let expanded = Expansion::of(self, block, &mut scratch);
            if let Ok(expanded) = &expanded {
                let states = expanded.blocks.iter().map(|(block, _)| block.states()).sum();
                let bytes = expanded.blocks.iter().map(|(block, _)| block.memory()).sum();
                self.new_states.fetch_add(states, Ordering::Relaxed);
                self.new_bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            self.lock(&self.expanded).push((place, expanded));
        }
    }

    /// Whether a limit is reached; tells how far the search has come, if it is time to.
    fn is_over(&self, progress: &Mutex<&mut Progress<'_>>) -> bool {
        let states = self.states_before + self.new_states.load(Ordering::Relaxed);
        let bytes =
            self.fingerprints.bytes() + self.bytes_before + self.new_bytes.load(Ordering::Relaxed);
        if let Ok(mut progress) = progress.try_lock() {
            let left = self.pending.len().saturating_sub(self.looked_at.load(Ordering::Relaxed));
            progress.tell(states, bytes, self.depth, self.levels, left * STATES_PER_BLOCK);
        }
        let mut reached = self.lock(&self.reached);
        *reached = reached.or(self.how.limits.reached(states, bytes, self.start));
        reached.is_some()
    }

    fn lock<'b, T>(&self, mutex: &'b Mutex<T>) -> std::sync::MutexGuard<'b, T> {
        mutex.lock().expect(NO_PANIC)
    }
}
