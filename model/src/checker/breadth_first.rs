//! The packed breadth-first search: every state once, the shortest way to each, on all cores, in
//! about sixteen bytes a state.
//!
//! It keeps fingerprints of the states that it has met, the packed states of two levels, and for
//! every state the action that led to it. It keeps no edges: liveness needs [`graph`](super::graph).

use super::claims::Discoveries;
use super::expansion::Expanded;
use super::fingerprints::Fingerprints;
use super::frontier::{Block, Spill};
use super::level::{Level, LookedAt};
use super::limits::{End, Limit, Limits};
use super::path::{Step, path};
use super::progress::Progress;
use super::trail::{BlockTrail, Place, Trail};
use crate::pack::{Bits, Packed};
use crate::slice::{Checked, Slice};
use std::io;
use std::path::PathBuf;
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
        let (mut bits, mut bytes) = (Bits::default(), Vec::new());
        bits.write(|packer| packed.pack(packer)).append_to(&mut bytes);
        fingerprints.insert(bits.fingerprint());
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
        let LookedAt { blocks, expanded, limit } = level.run(progress);
        self.collect(expanded)?;
        self.bytes_most = self.bytes_most.max(self.bytes());
        self.pending.drain(..blocks);
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
