//! The work on one block of the packed search: the steps from its states, and what is new of them.
//!
//! The steps of all states of a block are taken before the large set is asked which of them led to
//! new states, all at once.

use super::breadth_first::Discovery;
use super::frontier::{Block, Filling, STATES_PER_BLOCK};
use super::level::Level;
use super::met::{Met, Recent};
use super::trail::{BlockTrail, Place};
use crate::pack::{Bits, Packed};
use crate::slice::Slice;
use std::io;

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

/// What a worker keeps from one block to the next, so as not to begin with nothing each time.
#[derive(Default)]
pub(super) struct Scratch {
    bits: Bits,
    met: Met,
    recent: Recent,
}

/// The work on one block.
pub(super) struct Expansion<'a, 'b, S: Slice> {
    level: &'a Level<'b, S>,
    number: u32,
    scratch: &'a mut Scratch,
    filling: Filling,
    trail: BlockTrail,
    expanded: Expanded,
}

impl<'a, 'b, S: Slice> Expansion<'a, 'b, S> {
    /// Takes every step from the states of a block.
    pub(super) fn of(
        level: &'a Level<'b, S>,
        (number, block): &(u32, Block),
        scratch: &'a mut Scratch,
    ) -> io::Result<Expanded> {
        let bytes = block.load()?;
        let mut expansion = Expansion {
            level,
            number: *number,
            scratch,
            filling: Filling::default(),
            trail: BlockTrail { parents: *number, ..BlockTrail::default() },
            expanded: Expanded::default(),
        };
        expansion.scratch.met.clear();
        for (position, state) in block.unpack::<S::State>(&bytes).enumerate() {
            expansion.take_steps(position as u32, &state);
        }
        expansion.keep_new(block.states() as u32)?;
        Ok(expansion.expanded)
    }

    fn take_steps(&mut self, position: u32, before: &S::State) {
        let Level { model, .. } = *self.level;
        if model.slice.is_at_bound(before) {
            self.expanded.bounded = true;
            return;
        }
        let from = Place { block: self.number, position };
        for (action, candidate) in model.candidates.iter().enumerate() {
            if let Some(after) = &model.slice.step(before, *candidate) {
                self.meet(from, action, before, after);
            }
        }
    }

    fn meet(&mut self, from: Place, action: usize, before: &S::State, after: &S::State) {
        let Level { model, symmetry, open_in_states, .. } = self.level;
        let Scratch { bits, met, recent } = &mut *self.scratch;
        let at = Discovery::Step { from, action };
        self.expanded.transitions += 1;
        if model.broken(before, after).is_some() {
            self.expanded.discoveries.extend(model.fallen(before, after).map(|claim| (claim, at)));
            return;
        }
        let packed = match symmetry {
            true => bits.write(|packer| model.slice.canonical(after).pack(packer)),
            false => bits.write(|packer| after.pack(packer)),
        };
        let fingerprint = packed.fingerprint();
        if !recent.note(fingerprint) {
            let found = open_in_states.iter().filter(|claim| model.state_discovers(**claim, after));
            self.expanded.discoveries.extend(found.map(|claim| (*claim, at)));
            met.push(from.position, action, fingerprint, packed);
        }
    }

    /// Makes blocks of the states that were not known yet, with how each was met.
    fn keep_new(&mut self, parents: u32) -> io::Result<()> {
        let new = self.scratch.met.new_steps(self.level.fingerprints);
        let mut rest = new.as_slice();
        for parent in 0..parents {
            let (children, others) =
                rest.split_at(rest.iter().take_while(|step| step.parent == parent).count());
            rest = others;
            children.iter().for_each(|step| self.filling.push(self.scratch.met.packed(step)));
            self.trail.push(children.len());
            children.iter().for_each(|step| self.trail.push(step.action as usize));
            if self.filling.states() >= STATES_PER_BLOCK {
                self.finish_block(parent + 1)?;
            }
        }
        if self.filling.states() > 0 {
            self.finish_block(0)?;
        }
        Ok(())
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
