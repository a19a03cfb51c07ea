//! A breadth-first search on one thread that keeps everything: every state, packed, the shortest way
//! to it, and, where liveness is asked for, every edge.
//!
//! Counterexamples of `stateright` 0.31 are not always the shortest (a later discovery replaces an
//! earlier one), and it keeps no edges; hence this search. Both walk the same model, and a test
//! compares their counts.

use super::claims::Discoveries;
use super::limits::{End, Limits};
use super::path::{Step, path};
use super::progress::Progress;
use crate::pack::{Bits, Packed, Unpacker};
use crate::slice::{Checked, Fact, Slice};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Instant;

/// How many states are taken between two looks at the limits.
const STATES_PER_LOOK: usize = 4096;

/// All states of a slice, and the steps between them.
pub struct Graph<S: Slice> {
    /// What was searched.
    pub model: Checked<S>,
    /// By claim: the step that violates it, or that leads to what violates it or is to be reached.
    pub discoveries: Discoveries<Discovery>,
    /// How many steps were taken, those into known states included.
    pub transitions: u64,
    /// How many steps the farthest state is away.
    pub depth: u32,
    /// Why the search ended.
    pub end: End,
    /// Whether one state stands for all that are alike.
    pub symmetry: bool,
    states: States,
    parents: Vec<(u32, u16)>,
    edges: Vec<Edge>,
    first_edges: Vec<u32>,
    /// How many states there were at the end of each level.
    levels: Vec<usize>,
}

/// A step: the state that it leaves, and its action; nothing for the initial state.
pub type Discovery = Option<(u32, u16)>;

/// A step from a state to another one.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The place of its action among the candidates.
    pub action: u16,
    /// The state that it leads to.
    pub target: u32,
}

impl<S: Slice> Graph<S> {
    /// Searches a model.
    pub fn explore(
        model: Checked<S>,
        symmetry: bool,
        limits: &Limits,
        progress: &mut Progress<'_>,
    ) -> Self {
        let mut graph = Graph::start(model, symmetry);
        let mut search = Search { known: Known::default(), bits: Bits::default() };
        let initial = graph.model.slice.initial();
        graph.find_or_add(&mut search, &initial, None);
        let bounded = graph.search(&mut search, limits, progress);
        graph.first_edges.resize(graph.len() + 1, graph.edges.len() as u32);
        if bounded && graph.end == End::Exhausted {
            graph.end = End::Bounded;
        }
        graph
    }

    /// How many states there are.
    #[expect(clippy::len_without_is_empty, reason = "a graph has the initial state at least")]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// A state.
    pub fn state(&self, state: u32) -> S::State {
        self.states.get(state)
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> usize {
        self.states.bytes.capacity()
            + self.states.ends.capacity() * size_of::<u64>()
            + self.parents.capacity() * size_of::<(u32, u16)>()
            + self.edges.capacity() * size_of::<Edge>()
            + self.first_edges.capacity() * size_of::<u32>()
            + self.len() * KNOWN_BYTES
    }

    /// The shortest path to a state.
    pub fn path_to(&self, state: u32) -> Vec<Step<S>> {
        path(&self.model, self.symmetry, &self.actions_to(state), |_, _| true)
    }

    /// The shortest path that shows what was discovered about the claim at this place.
    pub fn path_to_discovery(&self, claim: usize, discovery: Discovery) -> Vec<Step<S>> {
        let Some((from, action)) = discovery else {
            return Vec::new();
        };
        let mut actions = self.actions_to(from);
        actions.push(usize::from(action));
        path(&self.model, self.symmetry, &actions, |before, after| {
            self.model.step_discovers(claim, before, after)
                || self.model.state_discovers(claim, after)
        })
    }

    /// The steps that leave a state; empty unless the model claims liveness.
    pub fn edges_of(&self, state: u32) -> &[Edge] {
        let first = self.first_edges[state as usize] as usize;
        &self.edges[first..self.first_edges[state as usize + 1] as usize]
    }

    fn start(model: Checked<S>, symmetry: bool) -> Self {
        Graph {
            discoveries: Discoveries::none(&model),
            model,
            transitions: 0,
            depth: 0,
            end: End::Exhausted,
            symmetry,
            states: States::default(),
            parents: Vec::new(),
            edges: Vec::new(),
            first_edges: Vec::new(),
            levels: vec![1],
        }
    }

    /// Looks at one state after the other. Says whether one of them was at the bounds of the slice.
    fn search(
        &mut self,
        search: &mut Search,
        limits: &Limits,
        progress: &mut Progress<'_>,
    ) -> bool {
        let start = Instant::now();
        let mut bounded = false;
        let mut current = 0;
        let mut end_of_level = 1;
        while current < self.len() {
            if current == end_of_level {
                self.depth += 1;
                self.levels.push(self.len() - end_of_level);
                end_of_level = self.len();
            }
            if limits.until.is_satisfied(&self.model, &self.discoveries) {
                self.end = End::Found;
                break;
            }
            if current % STATES_PER_LOOK == 0 {
                let bytes = self.bytes();
                let left = end_of_level - current;
                progress.tell(self.len(), bytes, self.depth, &self.levels, left);
            }
            let bytes = if current % STATES_PER_LOOK == 0 { self.bytes() } else { 0 };
            if let Some(limit) = limits.reached(self.len(), bytes, start) {
                self.end = End::Stopped(limit);
                break;
            }
            bounded |= self.expand(search, current as u32);
            current += 1;
        }
        bounded
    }

    /// Takes every step from a state. Says whether it was at the bounds of the slice.
    fn expand(&mut self, search: &mut Search, source: u32) -> bool {
        self.first_edges.push(self.edges.len() as u32);
        let before = self.state(source);
        if self.model.slice.is_at_bound(&before) {
            return true;
        }
        for index in 0..self.model.candidates.len() {
            let candidate = self.model.candidates[index];
            if let Some(after) = self.model.slice.step(&before, candidate) {
                self.transitions += 1;
                self.take(search, (source, index as u16), &before, &after);
            }
        }
        false
    }

    fn take(&mut self, search: &mut Search, from: (u32, u16), before: &S::State, after: &S::State) {
        if self.model.broken(before, after).is_some() {
            for claim in self.model.fallen(before, after) {
                self.discoveries.note(claim, || Some(from));
            }
            return;
        }
        let target = self.find_or_add(search, after, Some(from));
        if self.asks_about_liveness() && before != after {
            self.edges.push(Edge { action: from.1, target });
        }
    }

    fn find_or_add(&mut self, search: &mut Search, state: &S::State, from: Discovery) -> u32 {
        let packed = match self.symmetry {
            true => search.bits.write(|packer| self.model.slice.canonical(state).pack(packer)),
            false => search.bits.write(|packer| state.pack(packer)),
        };
        let new = self.len() as u32;
        let index = *search.known.entry(packed.fingerprint()).or_insert(new);
        if index == new {
            self.states.push(packed);
            self.parents.push(from.unwrap_or_default());
            for claim in self.discoveries.open_in_states(&self.model) {
                if self.model.state_discovers(claim, state) {
                    self.discoveries.note(claim, || from);
                }
            }
        }
        index
    }

    fn actions_to(&self, state: u32) -> Vec<usize> {
        let mut actions = Vec::new();
        let mut at = state;
        while at != 0 {
            let (parent, action) = self.parents[at as usize];
            actions.push(usize::from(action));
            at = parent;
        }
        actions.reverse();
        actions
    }

    fn asks_about_liveness(&self) -> bool {
        let asks = |fact: &Fact<S>| matches!(fact, Fact::Eventually(_) | Fact::Possible(_));
        self.model.claims.iter().any(|claim| asks(&claim.fact))
    }
}

/// What a search needs only while it runs.
struct Search {
    known: Known,
    bits: Bits,
}

/// Packed states, one after the other.
#[derive(Debug, Default)]
struct States {
    bytes: Vec<u8>,
    ends: Vec<u64>,
}

impl States {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn push(&mut self, packed: &Bits) {
        packed.append_to(&mut self.bytes);
        self.ends.push(self.bytes.len() as u64);
    }

    fn get<T: Packed>(&self, state: u32) -> T {
        let begin = match state {
            0 => 0,
            _ => self.ends[state as usize - 1],
        };
        T::unpack(&mut Unpacker::new(&self.bytes[begin as usize..]))
    }
}

type Known = HashMap<u64, u32, BuildHasherDefault<Identity>>;

/// About what a fingerprint with its number takes in a hash map.
const KNOWN_BYTES: usize = 24;

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
