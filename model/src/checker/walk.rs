//! Random walks: runs of a model that is too big to be exhausted. They find violations and what can
//! be reached; that they find none says nothing for sure, and they decide no claim about liveness.

use super::path::Step;
use crate::slice::{Checked, Fact, Slice};

/// How to walk. The same walks come of the same seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walks {
    /// What the choices come from.
    pub seed: u64,
    /// How many walks, unless one violates a claim.
    pub walks: u64,
    /// How many steps a walk may take.
    pub steps_max: usize,
}

/// What came of the walks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation<S: Slice> {
    /// How many walks were begun.
    pub walks: u64,
    /// How many steps they took in all.
    pub steps: u64,
    /// By claim: the first run that violates it, or reaches what it says can be reached. Where there
    /// is none, the claim is undecided.
    pub found: Vec<Option<Vec<Step<S>>>>,
}

impl<S: Slice> Simulation<S> {
    /// The first claim about states or steps that is violated.
    pub fn violation(&self, model: &Checked<S>) -> Option<usize> {
        (0..self.found.len()).find(|claim| {
            self.found[*claim].is_some() && !matches!(model.claims[*claim].fact, Fact::Reachable(_))
        })
    }

    /// Whether a state shows something new, as the end of this run.
    fn note_state(&mut self, model: &Checked<S>, state: &S::State, run: &[Step<S>]) {
        for claim in 0..self.found.len() {
            if self.found[claim].is_none() && model.state_discovers(claim, state) {
                self.found[claim] = Some(run.to_vec());
            }
        }
    }

    /// Notes what the last step of a run breaks, or else the state that it leads to shows.
    fn note_step(&mut self, model: &Checked<S>, run: &[Step<S>]) {
        let Some((before, _, after)) = run.last() else {
            return;
        };
        match model.broken(before, after) {
            Some(claim) => self.found[claim] = Some(run.to_vec()),
            None => self.note_state(model, after, run),
        }
    }
}

/// Walks from the initial state, each step chosen among those that are possible, with equal chances.
/// The walk that first violates a claim is the last.
pub fn simulate<S: Slice>(model: &Checked<S>, how: &Walks) -> Simulation<S> {
    let mut simulation =
        Simulation { walks: 0, steps: 0, found: model.claims.iter().map(|_| None).collect() };
    simulation.note_state(model, &model.slice.initial(), &[]);
    let mut walker = Walker {
        model,
        random: SplitMix { state: how.seed },
        order: (0..model.candidates.len()).collect(),
    };
    while simulation.walks < how.walks && simulation.violation(model).is_none() {
        simulation.walks += 1;
        walker.walk(how.steps_max, &mut simulation);
    }
    simulation
}

struct Walker<'a, S: Slice> {
    model: &'a Checked<S>,
    random: SplitMix,
    /// The places of the candidates, in some order.
    order: Vec<usize>,
}

impl<S: Slice> Walker<'_, S> {
    fn walk(&mut self, steps_max: usize, simulation: &mut Simulation<S>) {
        let mut state = self.model.slice.initial();
        let mut run = Vec::new();
        while run.len() < steps_max && simulation.violation(self.model).is_none() {
            let Some(step) = self.step(&state) else {
                break;
            };
            state = step.2;
            run.push(step);
            simulation.steps += 1;
            simulation.note_step(self.model, &run);
        }
    }

    /// One of the possible steps: the first possible in an order in which each is as likely to be
    /// first, which is shuffled only as far as it is looked at.
    fn step(&mut self, before: &S::State) -> Option<Step<S>> {
        if self.model.slice.is_at_bound(before) {
            return None;
        }
        let count = self.order.len();
        (0..count).find_map(|place| {
            self.order.swap(place, place + self.random.below(count - place));
            let action = self.model.candidates[self.order[place]];
            Some((*before, action, self.model.slice.step(before, action)?))
        })
    }
}

/// The generator SplitMix64 (Steele, Lea and Flood, 2014).
struct SplitMix {
    state: u64,
}

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below this one, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        let mut random = SplitMix { state: 1_234_567 };

        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }
}
