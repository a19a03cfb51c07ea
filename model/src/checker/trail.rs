//! How each state was met first, in about two bytes a state.
//!
//! States are known by their block and their place in it. The states of a block come from one block
//! of the level before, in the order of their parents; so it is enough to note for each parent how
//! many new states it led to, and for each of those the action.

/// A state, by its block and its place in the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number of the block.
    pub block: u32,
    /// The place in it.
    pub position: u32,
}

/// How the states of one block were met.
#[derive(Clone, Debug, Default)]
pub struct BlockTrail {
    /// The block that their parents are in.
    pub parents: u32,
    /// The place of the first parent.
    pub first_parent: u32,
    /// For each parent from the first on, the number of its new states, and then their actions:
    /// each as a number of seven bits a byte.
    pub steps: Vec<u8>,
}

impl BlockTrail {
    /// Appends a number.
    pub fn push(&mut self, mut number: usize) {
        while number >= 0x80 {
            self.steps.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.steps.push(number as u8);
    }

    /// The parent of the state at this position, and the action that led from it.
    fn step_to(&self, position: u32) -> Option<(Place, usize)> {
        let mut numbers = Numbers(&self.steps);
        let mut parent = self.first_parent;
        let mut before = 0;
        loop {
            let children = numbers.next()?;
            if position as usize - before < children {
                let action = numbers.nth(position as usize - before)?;
                return Some((Place { block: self.parents, position: parent }, action));
            }
            before += children;
            parent += 1;
            numbers.by_ref().take(children).for_each(drop);
        }
    }
}

struct Numbers<'a>(&'a [u8]);

impl Iterator for Numbers<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let length = self.0.iter().position(|byte| *byte < 0x80)? + 1;
        let (number, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(number.iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f)))
    }
}

/// How every state was met.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    /// By block; the first block holds the initial state only.
    pub blocks: Vec<BlockTrail>,
}

impl Trail {
    /// The actions from the initial state to this one.
    pub fn actions_to(&self, state: Place) -> Vec<usize> {
        let mut actions = Vec::new();
        let mut at = state;
        while at.block > 0 {
            let Some((parent, action)) = self.blocks[at.block as usize].step_to(at.position) else {
                break;
            };
            actions.push(action);
            at = parent;
        }
        actions.reverse();
        actions
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> usize {
        let steps: usize = self.blocks.iter().map(|block| block.steps.capacity()).sum();
        steps + self.blocks.capacity() * size_of::<BlockTrail>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_state_is_the_way_that_was_noted() {
        let mut middle = BlockTrail { parents: 0, first_parent: 0, steps: Vec::new() };
        [3, 5, 300, 7].into_iter().for_each(|number| middle.push(number));
        let mut last = BlockTrail { parents: 1, first_parent: 1, steps: Vec::new() };
        [0, 2, 20_000, 9].into_iter().for_each(|number| last.push(number));
        let trail = Trail { blocks: vec![BlockTrail::default(), middle, last] };

        let way = |block, position| trail.actions_to(Place { block, position });

        assert_eq!(way(0, 0), Vec::<usize>::new());
        assert_eq!(way(1, 0), [5]);
        assert_eq!(way(1, 1), [300]);
        assert_eq!(way(2, 0), [7, 20_000]);
        assert_eq!(way(2, 1), [7, 9]);
    }
}
