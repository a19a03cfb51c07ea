//! The packed breadth-first search: every state once, the shortest way to each, on all cores, in
//! about sixteen bytes a state.
//!
//! It keeps fingerprints of the states that it has met, the packed states of two levels, and for
//! every state the action that led to it. It keeps no edges: liveness needs [`graph`](super::graph).

use super::claims::Discoveries;
use super::fingerprints::Fingerprints;
use super::frontier::{Block, Filling, STATES_PER_BLOCK, Spill};
use super::limits::{End, Limit, Limits};
use super::path::{Step, path};
use super::progress::Progress;
use super::trail::{BlockTrail, Place, Trail};
use crate::pack::{Packed, Packer};
use crate::slice::{Checked, Slice};
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// How to search.
#[derive(Clone, Debug)]
pub struct How {
    /// On how many threads.
    pub threads: usize,
    /// Where it ends.
    pub limits: Limits,
    /// The folder in which to keep the states that are not looked at yet, if not in memory.
    pub spill: Option<PathBuf>,
}

/// Where something was discovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Discovery {
    /// In the initial state.
    Initial,
    /// In the step that this action takes from this state, or in the state that it leads to.
    Step {
        /// The state before.
        from: Place,
        /// The place of the action among the candidates.
        action: usize,
    },
}

/// A search, as far as it has come.
pub struct BreadthFirst<S: Slice> {
    /// What is searched.
    pub model: Checked<S>,
    /// What was discovered.
    pub discoveries: Discoveries<Discovery>,
    /// How many steps were taken, those into known states included.
    pub transitions: u64,
    /// How many steps the farthest state is away.
    pub depth: u32,
    /// Whether one state stands for all that are alike.
    pub symmetry: bool,
    pub(super) fingerprints: Fingerprints,
    pub(super) trail: Trail,
    /// Blocks of this level that are not looked at yet, with their numbers.
    pub(super) pending: Vec<(u32, Block)>,
    /// Blocks of the next level.
    pub(super) next: Vec<(u32, Block)>,
    pub(super) bounded: bool,
    /// The most bytes that it held at once.
    pub(super) bytes_most: usize,
    /// How many states were met at each depth so far.
    pub(super) levels: Vec<usize>,
}

impl<S: Slice> BreadthFirst<S> {
    /// A search that has met the initial state.
    pub fn start(model: Checked<S>, symmetry: bool) -> Self {
        let mut discoveries = Discoveries::none(&model);
        let initial = model.slice.initial();
        for claim in discoveries.open_in_states(&model) {
            if model.state_discovers(claim, &initial) {
                discoveries.note(claim, || Discovery::Initial);
            }
        }
        let fingerprints = Fingerprints::default();
        let packed = if symmetry { model.slice.canonical(&initial) } else { initial };
        let (mut packer, mut bytes) = (Packer::default(), Vec::new());
        packed.pack(&mut packer);
        packer.append_to(&mut bytes);
        fingerprints.insert(packer.fingerprint());
        BreadthFirst {
            model,
            discoveries,
            transitions: 0,
            depth: 0,
            symmetry,
            fingerprints,
            trail: Trail { blocks: vec![BlockTrail::default()] },
            pending: vec![(0, Block::of(1, bytes))],
            next: Vec::new(),
            bounded: false,
            bytes_most: 0,
            levels: vec![1],
        }
    }

    /// Goes on until the end, or until a limit is reached.
    pub fn run(&mut self, how: &How, progress: &mut Progress<'_>) -> io::Result<End> {
        let start = Instant::now();
        loop {
            if how.limits.until.is_satisfied(&self.model, &self.discoveries) {
                return Ok(End::Found);
            }
            if self.pending.is_empty() {
                if self.next.is_empty() {
                    return Ok(if self.bounded { End::Bounded } else { End::Exhausted });
                }
                self.begin_level();
            }
            if let Some(limit) = self.run_level(how, start, progress)? {
                return Ok(End::Stopped(limit));
            }
        }
    }

    /// How many states were met.
    pub fn states(&self) -> usize {
        self.levels.iter().sum()
    }

    /// The most bytes that the search has held at once.
    pub fn bytes_most(&self) -> usize {
        self.bytes_most
    }

    /// How many bytes the search holds.
    fn bytes(&self) -> usize {
        let blocks = self.pending.iter().chain(&self.next);
        let frontier: usize = blocks.map(|(_, block)| block.memory()).sum();
        self.fingerprints.bytes() + self.trail.bytes() + frontier
    }

    /// The shortest run that shows what was discovered about the claim at this place.
    pub fn path_to(&self, claim: usize, discovery: Discovery) -> Vec<Step<S>> {
        let Discovery::Step { from, action } = discovery else {
            return Vec::new();
        };
        let mut actions = self.trail.actions_to(from);
        actions.push(action);
        path(&self.model, self.symmetry, &actions, |before, after| {
            self.model.step_discovers(claim, before, after)
                || self.model.state_discovers(claim, after)
        })
    }

    fn begin_level(&mut self) {
        self.pending = std::mem::take(&mut self.next);
        self.depth += 1;
        self.levels.push(0);
    }

    /// Looks at the blocks that are pending; those that a limit leaves stay so.
    fn run_level(
        &mut self,
        how: &How,
        start: Instant,
        progress: &mut Progress<'_>,
    ) -> io::Result<Option<Limit>> {
        let spill = how.spill.as_deref().map(Spill::create).transpose()?;
        let level = Level::of(self, how, start, spill);
        let progress = Mutex::new(progress);
        let threads = how.threads.clamp(1, self.pending.len());
        std::thread::scope(|scope| {
            (1..threads).for_each(|_| drop(scope.spawn(|| level.work(&progress))));
            level.work(&progress);
        });
        let Level { looked_at, reached, expanded, .. } = level;
        let expanded = expanded.into_inner().expect("a worker that panicked ended the program");
        let limit = reached.into_inner().expect("a worker that panicked ended the program");
        let done = looked_at.into_inner().min(self.pending.len());
        self.collect(expanded)?;
        self.bytes_most = self.bytes_most.max(self.bytes());
        self.pending.drain(..done);
        Ok(limit)
    }

    /// Numbers the new blocks, in the order of those that they came from.
    fn collect(&mut self, mut expanded: Vec<(usize, io::Result<Expanded>)>) -> io::Result<()> {
        expanded.sort_by_key(|(place, _)| *place);
        for (_, expanded) in expanded {
            let Expanded { blocks, transitions, bounded, discoveries } = expanded?;
            self.transitions += transitions;
            self.bounded |= bounded;
            for (claim, discovery) in discoveries {
                self.discoveries.note(claim, || discovery);
            }
            for (block, trail) in blocks {
                let number = self.trail.blocks.len() as u32;
                self.levels.last_mut().into_iter().for_each(|level| *level += block.states());
                self.next.push((number, block));
                self.trail.blocks.push(trail);
            }
        }
        Ok(())
    }
}

/// What the workers of one level share.
struct Level<'a, S: Slice> {
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

/// What came of one block.
#[derive(Default)]
struct Expanded {
    blocks: Vec<(Block, BlockTrail)>,
    transitions: u64,
    bounded: bool,
    discoveries: Vec<(usize, Discovery)>,
}

impl<'a, S: Slice> Level<'a, S> {
    fn of(search: &'a BreadthFirst<S>, how: &'a How, start: Instant, spill: Option<Spill>) -> Self {
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
        mutex.lock().expect("a worker that panicked ended the program")
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
