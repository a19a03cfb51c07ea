//! One level of the packed search: its workers, the steps that they take, and what comes of them.

use super::breadth_first::{BreadthFirst, Discovery, How};
use super::fingerprints::Fingerprints;
use super::frontier::{Block, Filling, STATES_PER_BLOCK, Spill};
use super::limits::Limit;
use super::progress::Progress;
use super::trail::{BlockTrail, Place};
use crate::pack::{Packed, Packer};
use crate::slice::{Checked, Slice};
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const NO_PANIC: &str = "a worker that panicked ended the program";

/// What the workers of one level share.
pub(super) struct Level<'a, S: Slice> {
    model: &'a Checked<S>,
    symmetry: bool,
    fingerprints: &'a Fingerprints,
    pending: &'a [(u32, Block)],
    how: &'a How,
    start: Instant,
    spill: Option<Spill>,
    /// The claims about states that nothing was discovered about before this level.
    open_in_states: Vec<usize>,
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

/// What came of one block.
#[derive(Default)]
pub(super) struct Expanded {
    /// Blocks of the next level.
    pub(super) blocks: Vec<(Block, BlockTrail)>,
    /// How many steps were taken.
    pub(super) transitions: u64,
    /// Whether a state was at a bound, from which no step is taken.
    pub(super) bounded: bool,
    /// What was discovered, by the places of the claims.
    pub(super) discoveries: Vec<(usize, Discovery)>,
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
        let mut recent = Recent::default();
        while !self.is_over(progress) {
            let place = self.looked_at.fetch_add(1, Ordering::Relaxed);
            let Some((number, block)) = self.pending.get(place) else {
                break;
            };
            let expanded = self.expand(*number, block, &mut recent);
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

    /// Takes every step from the states of a block.
    fn expand(&self, number: u32, block: &Block, recent: &mut Recent) -> io::Result<Expanded> {
        let bytes = block.load()?;
        let mut expansion = Expansion {
            level: self,
            number,
            packer: Packer::default(),
            filling: Filling::default(),
            trail: BlockTrail { parents: number, ..BlockTrail::default() },
            children: Vec::new(),
            recent,
            expanded: Expanded::default(),
        };
        for (position, state) in block.unpack::<S::State>(&bytes).enumerate() {
            expansion.take_steps(position as u32, &state);
            if expansion.filling.states() >= STATES_PER_BLOCK {
                expansion.finish_block(position as u32 + 1)?;
            }
        }
        if expansion.filling.states() > 0 {
            expansion.finish_block(0)?;
        }
        Ok(expansion.expanded)
    }
}

/// The work on one block.
struct Expansion<'a, 'b, S: Slice> {
    level: &'a Level<'b, S>,
    number: u32,
    packer: Packer,
    filling: Filling,
    trail: BlockTrail,
    children: Vec<usize>,
    recent: &'a mut Recent,
    expanded: Expanded,
}

impl<S: Slice> Expansion<'_, '_, S> {
    fn take_steps(&mut self, position: u32, before: &S::State) {
        let Level { model, .. } = *self.level;
        self.children.clear();
        if model.slice.is_at_bound(before) {
            self.expanded.bounded = true;
        } else {
            for (action, candidate) in model.candidates.iter().enumerate() {
                if let Some(after) = model.slice.step(before, *candidate) {
                    let from = Place { block: self.number, position };
                    self.meet(Discovery::Step { from, action }, action, before, &after);
                }
            }
        }
        self.trail.push(self.children.len());
        self.children.iter().for_each(|action| self.trail.push(*action));
    }

    fn meet(&mut self, at: Discovery, action: usize, before: &S::State, after: &S::State) {
        let Level { model, symmetry, fingerprints, open_in_states, .. } = self.level;
        self.expanded.transitions += 1;
        if model.broken(before, after).is_some() {
            self.expanded.discoveries.extend(model.fallen(before, after).map(|claim| (claim, at)));
            return;
        }
        self.packer.clear();
        if *symmetry {
            model.slice.canonical(after).pack(&mut self.packer);
        } else {
            after.pack(&mut self.packer);
        }
        let fingerprint = self.packer.fingerprint();
        if !self.recent.note(fingerprint) && fingerprints.insert(fingerprint) {
            let found = open_in_states.iter().filter(|claim| model.state_discovers(**claim, after));
            self.expanded.discoveries.extend(found.map(|claim| (*claim, at)));
            self.filling.push(&self.packer);
            self.children.push(action);
        }
    }

    fn finish_block(&mut self, next_parent: u32) -> io::Result<()> {
        let block = self.filling.finish(self.level.spill.as_ref())?;
        let next =
            BlockTrail { parents: self.number, first_parent: next_parent, steps: Vec::new() };
        let mut trail = std::mem::replace(&mut self.trail, next);
        trail.steps.shrink_to_fit();
        self.expanded.blocks.push((block, trail));
        Ok(())
    }
}

/// Some of the fingerprints that a worker has met lately. Most steps lead to states that were met a
/// moment ago: to notice that here spares a look into the large set.
struct Recent(Vec<u64>);

impl Recent {
    const PLACES: usize = 1 << 14;

    /// Whether the fingerprint is here; it is from now on, in the place of another.
    fn note(&mut self, fingerprint: u64) -> bool {
        let place = (fingerprint >> 32) as usize % Recent::PLACES;
        std::mem::replace(&mut self.0[place], fingerprint) == fingerprint
    }
}

impl Default for Recent {
    fn default() -> Self {
        // Nothing that is here at first is where it would be found.
        let mut places = vec![0; Recent::PLACES];
        places[0] = 1 << 32;
        Recent(places)
    }
}
