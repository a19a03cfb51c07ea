//! A breadth-first search that keeps what it found: the shortest way to every state, and, where
//! liveness is asked for, every edge.
//!
//! Counterexamples of `stateright` 0.31 are not always the shortest (a later discovery replaces an
//! earlier one), and it keeps no edges; hence this search. Both walk the same model, and a test
//! compares their counts.

use crate::slice::{Checked, Fact, Reached, Slice};
use stateright::Model;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Where a search ends before it has seen everything.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Stop once all of these claims are violated.
    pub until: Until,
    /// Stop when so many states are known.
    pub states_max: usize,
}

/// Which violations end a search.
#[derive(Clone, Debug)]
pub enum Until {
    /// None: it sees everything.
    Everything,
    /// The first violation of a claim about states or steps.
    AnyViolation,
    /// The violation of each of these claims, of which none is about reachability or liveness.
    AllOf(Vec<String>),
}

/// What a search has found.
pub struct Search<S: Slice> {
    /// What was searched.
    pub model: Checked<S>,
    /// The states, in the order in which they were found.
    pub states: Vec<Reached<S::State>>,
    /// By claim: the first state that violates it, or that reaches what it says can be reached.
    pub discoveries: Vec<Option<u32>>,
    /// How many steps were taken, those into known states included.
    pub transitions: u64,
    /// How many steps the farthest state is away.
    pub depth: u32,
    /// Whether every state was seen.
    pub complete: bool,
    bounded: bool,
    parents: Vec<(u32, u16)>,
    edges: Vec<Edge>,
    first_edges: Vec<u32>,
}

/// A step from a state to another one.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The place of its action among the candidates.
    pub action: u16,
    /// The state that it leads to.
    pub target: u32,
}

/// One step of a path, between two states.
pub type Step<S> = (<S as Slice>::State, <S as Slice>::Action, <S as Slice>::State);

impl<S: Slice> Search<S> {
    /// Searches a model, breadth first.
    pub fn run(model: Checked<S>, limits: Limits) -> Self {
        let mut search = Search::start(model);
        let mut known = Known::default();
        known.insert(fingerprint(&search.states[0]), 0);
        let mut current = 0;
        let mut end_of_level = 1;
        while current < search.states.len() && !search.stops(&limits) {
            if current == end_of_level {
                search.depth += 1;
                end_of_level = search.states.len();
            }
            search.expand(current as u32, &mut known);
            current += 1;
        }
        search.first_edges.push(search.edges.len() as u32);
        search.complete = current == search.states.len() && !search.bounded;
        search
    }

    /// The shortest path to a state.
    pub fn path_to(&self, state: u32) -> Vec<Step<S>> {
        let mut path = Vec::new();
        let mut at = state;
        while at != 0 {
            let (parent, action) = self.parents[at as usize];
            path.push(self.step(parent, Edge { action, target: at }));
            at = parent;
        }
        path.reverse();
        path
    }

    /// One step, written out.
    pub fn step(&self, source: u32, edge: Edge) -> Step<S> {
        let action = self.model.candidates[usize::from(edge.action)];
        (self.states[source as usize].state, action, self.states[edge.target as usize].state)
    }

    /// The steps that leave a state; empty unless the search was asked about liveness.
    pub fn edges_of(&self, state: u32) -> &[Edge] {
        let first = self.first_edges[state as usize] as usize;
        &self.edges[first..self.first_edges[state as usize + 1] as usize]
    }

    /// Whether a claim about states or steps is violated.
    pub fn violation(&self) -> Option<usize> {
        (0..self.discoveries.len()).find(|claim| {
            let reachability = matches!(self.model.claims[*claim].fact, Fact::Reachable(_));
            !reachability && self.discoveries[*claim].is_some()
        })
    }

    fn start(model: Checked<S>) -> Self {
        let states = model.init_states();
        let discoveries = vec![None; model.claims.len()];
        let mut search = Search {
            model,
            states,
            discoveries,
            transitions: 0,
            depth: 0,
            complete: false,
            bounded: false,
            parents: vec![(0, 0)],
            edges: Vec::new(),
            first_edges: Vec::new(),
        };
        search.judge(0);
        search
    }

    fn stops(&self, limits: &Limits) -> bool {
        let violated = |id: &String| {
            let place = self.model.claims.iter().position(|claim| claim.id == *id);
            place.is_some_and(|claim| self.discoveries[claim].is_some())
        };
        let enough = match &limits.until {
            Until::Everything => false,
            Until::AnyViolation => self.violation().is_some(),
            Until::AllOf(claims) => claims.iter().all(violated),
        };
        enough || self.states.len() >= limits.states_max
    }

    fn expand(&mut self, source: u32, known: &mut Known) {
        let keeps_edges = self.asks_about_liveness();
        self.first_edges.push(self.edges.len() as u32);
        let from = self.states[source as usize];
        self.bounded |= self.model.slice.is_at_bound(&from.state);
        for index in 0..self.model.candidates.len() {
            let Some(to) = self.model.next_state(&from, self.model.candidates[index]) else {
                continue;
            };
            self.transitions += 1;
            let action = index as u16;
            let target = self.find_or_add(to, (source, action), known);
            if keeps_edges && target != source {
                self.edges.push(Edge { action, target });
            }
        }
    }

    fn find_or_add(
        &mut self,
        reached: Reached<S::State>,
        parent: (u32, u16),
        known: &mut Known,
    ) -> u32 {
        let new = self.states.len() as u32;
        let index = *known.entry(fingerprint(&reached)).or_insert(new);
        if index == new {
            self.states.push(reached);
            self.parents.push(parent);
            self.judge(new);
        }
        index
    }

    fn judge(&mut self, state: u32) {
        for claim in 0..self.discoveries.len() {
            if self.discoveries[claim].is_none()
                && self.model.discovers(claim, &self.states[state as usize])
            {
                self.discoveries[claim] = Some(state);
            }
        }
    }

    fn asks_about_liveness(&self) -> bool {
        self.model
            .claims
            .iter()
            .any(|claim| matches!(claim.fact, Fact::Eventually(_) | Fact::Possible(_)))
    }
}

type Known = HashMap<u64, u32, BuildHasherDefault<Identity>>;

fn fingerprint<T: Hash>(value: &T) -> u64 {
    let mut hasher = Folding { state: 0x243f_6a88_85a3_08d3, buffer: 0, filled: 0 };
    value.hash(&mut hasher);
    hasher.finish()
}

/// Collects the many small fields of a state into words, and folds each word in with one wide
/// multiplication.
struct Folding {
    state: u64,
    buffer: u64,
    filled: u32,
}

impl Folding {
    fn push(&mut self, byte: u8) {
        self.buffer |= u64::from(byte) << (8 * self.filled);
        self.filled += 1;
        if self.filled == 8 {
            self.fold(self.buffer);
            self.buffer = 0;
            self.filled = 0;
        }
    }

    fn fold(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * 0x9e37_79b9_7f4a_7c15;
        self.state = (product as u64) ^ ((product >> 64) as u64).rotate_left(23) ^ word;
    }
}

impl Hasher for Folding {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.push(*byte));
    }

    /// Discriminants of enums arrive here; all of ours fit in a byte.
    fn write_isize(&mut self, value: isize) {
        self.push(value as u8);
    }

    fn write_usize(&mut self, value: usize) {
        self.push(value as u8);
    }

    fn finish(&self) -> u64 {
        let mut last = Folding { state: self.state, ..*self };
        last.fold(self.buffer);
        last.fold(u64::from(self.filled) + 1);
        last.state
    }
}

/// Fingerprints are hashes already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only fingerprints are keys")
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
