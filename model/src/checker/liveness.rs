//! Liveness by looking for a fair way to fail: a sink or a cycle on which the goal never holds,
//! and which every action that must be taken at last allows.
//!
//! Faults and clients stop eventually, so only fair actions are on the cycle. Under weak fairness
//! an action that is possible in all states of a strongly connected component must be taken in
//! it; a component where that is so, or where nothing is possible, is a run that fails.

use crate::checker::graph::{Edge, Search};
use crate::slice::Slice;

/// A run that never reaches the goal.
#[derive(Debug)]
pub struct Lasso {
    /// The state from which the goal is never reached again.
    pub entry: u32,
    /// The steps that repeat for ever: each with the state that it leaves. Empty for a sink.
    pub cycle: Vec<(u32, Edge)>,
}

/// The first fair run on which the goal does not hold again, if there is one.
pub fn fair_run_without<S: Slice>(
    search: &Search<S>,
    goal: fn(&S, &S::State) -> bool,
) -> Option<Lasso> {
    let slice = &search.model.slice;
    let graph = Unfinished {
        search,
        waiting: search
            .states
            .iter()
            .map(|reached| reached.broken.is_none() && !goal(slice, &reached.state))
            .collect(),
        fair: search.model.candidates.iter().map(|action| slice.is_fair(*action)).collect(),
    };
    let components = components(&graph);
    let entry =
        components.iter().filter(|states| graph.is_fair(states)).min_by_key(|states| states[0])?;
    Some(Lasso { entry: entry[0], cycle: graph.cycle(entry) })
}

/// The first state from which no run reaches the goal, if there is one. Every action counts, fair
/// or not: a client may help, a fault need not.
pub fn state_without<S: Slice>(
    search: &Search<S>,
    goal: fn(&S, &S::State) -> bool,
) -> Option<Lasso> {
    let slice = &search.model.slice;
    let faults: Vec<_> =
        search.model.candidates.iter().map(|a| slice.fault(*a).is_some()).collect();
    let mut sources: Vec<(u32, u32)> = (0..search.states.len() as u32)
        .flat_map(|source| {
            let helpful = search.edges_of(source).iter().filter(|e| !faults[usize::from(e.action)]);
            helpful.map(move |edge| (edge.target, source))
        })
        .collect();
    sources.sort_unstable();
    let holds = |state: &u32| goal(slice, &search.states[*state as usize].state);
    let mut queue: Vec<u32> = (0..search.states.len() as u32).filter(holds).collect();
    let mut arrives = vec![false; search.states.len()];
    queue.iter().for_each(|state| arrives[*state as usize] = true);
    while let Some(target) = queue.pop() {
        let first = sources.partition_point(|(to, _)| *to < target);
        for (_, source) in sources[first..].iter().take_while(|(to, _)| *to == target) {
            if !std::mem::replace(&mut arrives[*source as usize], true) {
                queue.push(*source);
            }
        }
    }
    let lost = arrives.iter().position(|arrives| !arrives)?;
    Some(Lasso { entry: lost as u32, cycle: Vec::new() })
}

/// The part of a search where the goal does not hold, and the actions that do not stop.
struct Unfinished<'a, S: Slice> {
    search: &'a Search<S>,
    waiting: Vec<bool>,
    fair: Vec<bool>,
}

impl<S: Slice> Unfinished<'_, S> {
    fn fair_edges(&self, state: u32) -> impl Iterator<Item = Edge> {
        self.search
            .edges_of(state)
            .iter()
            .copied()
            .filter(|edge| self.fair[usize::from(edge.action)])
    }

    fn successors(&self, state: u32) -> impl Iterator<Item = u32> {
        self.fair_edges(state)
            .map(|edge| edge.target)
            .filter(|target| self.waiting[*target as usize])
    }

    /// Whether every action that is possible throughout is also taken within.
    fn is_fair(&self, states: &[u32]) -> bool {
        let within = |edge: &Edge| states.binary_search(&edge.target).is_ok();
        let always_possible = states
            .iter()
            .map(|state| Actions::of(self.fair_edges(*state)))
            .fold(Actions::ALL, Actions::and);
        let taken = states
            .iter()
            .map(|state| Actions::of(self.fair_edges(*state).filter(within)))
            .fold(Actions::NONE, Actions::or);
        always_possible.is_subset_of(taken)
    }

    /// A way from the first state of a component back to it, breadth first.
    fn cycle(&self, states: &[u32]) -> Vec<(u32, Edge)> {
        let mut came_by = vec![None; states.len()];
        let mut queue = std::collections::VecDeque::from([states[0]]);
        while let Some(source) = queue.pop_front() {
            for edge in self.fair_edges(source) {
                let Ok(place) = states.binary_search(&edge.target) else {
                    continue;
                };
                if came_by[place].is_none() {
                    came_by[place] = Some((source, edge));
                    queue.push_back(edge.target);
                }
            }
        }
        let mut cycle: Vec<(u32, Edge)> = Vec::new();
        let mut place = 0;
        while let Some((source, edge)) = came_by[place] {
            cycle.push((source, edge));
            if source == states[0] {
                break;
            }
            place = states.binary_search(&source).unwrap_or(0);
        }
        cycle.reverse();
        cycle
    }
}

/// A set of actions, by their place among the candidates.
#[derive(Clone, Copy)]
struct Actions([u64; 16]);

impl Actions {
    const NONE: Self = Actions([0; 16]);
    const ALL: Self = Actions([u64::MAX; 16]);

    fn of(edges: impl Iterator<Item = Edge>) -> Self {
        edges.fold(Actions::NONE, |mut set, edge| {
            set.0[usize::from(edge.action) / 64] |= 1 << (edge.action % 64);
            set
        })
    }

    fn and(self, other: Self) -> Self {
        Actions(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    fn or(self, other: Self) -> Self {
        Actions(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    fn is_subset_of(self, other: Self) -> bool {
        self.0.iter().zip(other.0).all(|(mine, others)| mine & !others == 0)
    }
}

/// Strongly connected components (Tarjan's algorithm, without recursion), each in ascending order.
fn components<S: Slice>(graph: &Unfinished<'_, S>) -> Vec<Vec<u32>> {
    let mut tarjan = Tarjan {
        index: vec![UNSEEN; graph.waiting.len()],
        low: vec![0; graph.waiting.len()],
        stack: Vec::new(),
        next: 0,
        found: Vec::new(),
    };
    for root in 0..graph.waiting.len() as u32 {
        if graph.waiting[root as usize] && tarjan.index[root as usize] == UNSEEN {
            tarjan.visit(graph, root);
        }
    }
    tarjan.found
}

const UNSEEN: u32 = u32::MAX;
const FINISHED: u32 = u32::MAX - 1;

struct Tarjan {
    index: Vec<u32>,
    low: Vec<u32>,
    stack: Vec<u32>,
    next: u32,
    found: Vec<Vec<u32>>,
}

impl Tarjan {
    fn visit<S: Slice>(&mut self, graph: &Unfinished<'_, S>, root: u32) {
        let mut calls = vec![(root, self.enter(graph, root))];
        while let Some((state, targets)) = calls.last_mut() {
            let state = *state;
            match targets.pop() {
                Some(target) if self.index[target as usize] == UNSEEN => {
                    calls.push((target, self.enter(graph, target)));
                }
                Some(target) => self.lower(state, self.index[target as usize]),
                None => {
                    calls.pop();
                    self.leave(state);
                    if let Some((caller, _)) = calls.last() {
                        self.lower(*caller, self.low[state as usize]);
                    }
                }
            }
        }
    }

    fn enter<S: Slice>(&mut self, graph: &Unfinished<'_, S>, state: u32) -> Vec<u32> {
        self.index[state as usize] = self.next;
        self.low[state as usize] = self.next;
        self.next += 1;
        self.stack.push(state);
        graph.successors(state).collect()
    }

    fn lower(&mut self, state: u32, index: u32) {
        if index < FINISHED {
            self.low[state as usize] = self.low[state as usize].min(index);
        }
    }

    /// The last state of a component to be left takes the others off the stack.
    fn leave(&mut self, state: u32) {
        if self.low[state as usize] != self.index[state as usize] {
            return;
        }
        let mut component = Vec::new();
        while let Some(member) = self.stack.pop() {
            self.index[member as usize] = FINISHED;
            component.push(member);
            if member == state {
                break;
            }
        }
        component.sort_unstable();
        self.found.push(component);
    }
}
