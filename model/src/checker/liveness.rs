//! Liveness by looking for a fair way to fail: a sink or a cycle on which the goal never holds,
//! and which every action that must be taken at last allows.
//!
//! Faults and clients stop eventually, so only fair actions are on the cycle. Under weak fairness
//! an action that is possible in all states of a strongly connected component must be taken in
//! it; a component where that is so, or where nothing is possible, is a run that fails.
//!
//! Where one state stands for all that are alike, a component of the graph says too little: its
//! cycles may exchange objects, and an action that is possible throughout is one of many. It is
//! then written out with all states that its own stand for, and judged there.

use super::components::{Component, components};
use super::graph::{Edge, Graph};
use super::path::Step;
use crate::pack::{Bits, Packed};
use crate::slice::{Checked, Slice};
use std::collections::{BTreeMap, VecDeque};

/// What is to be reached.
pub type Goal<S> = fn(&S, &<S as Slice>::State) -> bool;

/// A run that never reaches the goal.
#[derive(Debug)]
pub struct Lasso<S: Slice> {
    /// The steps to the state from which the goal is never reached again.
    pub prefix: Vec<Step<S>>,
    /// The steps that repeat for ever. Empty where nothing happens any more, or where whatever
    /// happens does not help.
    pub cycle: Vec<Step<S>>,
}

/// The first fair run on which the goal does not hold again, if there is one.
pub fn fair_run_without<S: Slice>(graph: &Graph<S>, goal: Goal<S>) -> Option<Lasso<S>> {
    let candidates = &graph.model.candidates;
    let fair: Vec<_> = candidates.iter().map(|action| graph.model.slice.is_fair(*action)).collect();
    let waits = |state| !goal(&graph.model.slice, &graph.state(state));
    let unfinished = Unfinished {
        waiting: (0..graph.len() as u32).map(waits).collect(),
        edges: &|state| {
            let edges = graph.edges_of(state).iter().copied();
            edges.filter(|edge| fair[usize::from(edge.action)]).collect()
        },
    };
    let mut failing: Vec<_> = components(unfinished.waiting.len(), &|state| {
        unfinished.waiting[state as usize].then(|| unfinished.successors(state))
    });
    failing.sort_by_key(|component| component[0]);
    failing.iter().find_map(|component| match graph.symmetry {
        false => unfinished.lasso(graph, component),
        true => unfinished.concrete_lasso(graph, goal, &fair, component),
    })
}

/// The first state from which no run reaches the goal, if there is one. Every action counts but
/// faults, fair or not: a client may help.
pub fn state_without<S: Slice>(graph: &Graph<S>, goal: Goal<S>) -> Option<Lasso<S>> {
    let candidates = &graph.model.candidates;
    let faults: Vec<_> =
        candidates.iter().map(|action| graph.model.slice.fault(*action).is_some()).collect();
    let mut sources: Vec<(u32, u32)> = (0..graph.len() as u32)
        .flat_map(|source| {
            let edges = graph.edges_of(source).iter();
            let helpful = edges.filter(|edge| !faults[usize::from(edge.action)]);
            helpful.map(move |edge| (edge.target, source))
        })
        .collect();
    sources.sort_unstable();
    let holds = |state: &u32| goal(&graph.model.slice, &graph.state(*state));
    let mut queue: Vec<u32> = (0..graph.len() as u32).filter(holds).collect();
    let mut arrives = vec![false; graph.len()];
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
    Some(Lasso { prefix: graph.path_to(lost as u32), cycle: Vec::new() })
}

/// The part of a graph where the goal does not hold, and the edges of actions that do not stop.
struct Unfinished<'a> {
    waiting: Vec<bool>,
    edges: &'a dyn Fn(u32) -> Vec<Edge>,
}

impl Unfinished<'_> {
    fn successors(&self, state: u32) -> Vec<u32> {
        let targets = (self.edges)(state).into_iter().map(|edge| edge.target);
        targets.filter(|target| self.waiting[*target as usize]).collect()
    }

    /// The run that fails in this component, if it is fair.
    fn lasso<S: Slice>(&self, graph: &Graph<S>, states: &Component) -> Option<Lasso<S>> {
        if !self.is_fair(states) {
            return None;
        }
        let prefix = graph.path_to(states[0]);
        let start = prefix.last().map_or(graph.model.slice.initial(), |step| step.2);
        let actions = self.cycle(states).into_iter().map(|edge| edge.action);
        Some(Lasso { cycle: replay(graph, start, actions), prefix })
    }

    /// The same where a state stands for others: sinks fail as they are, cycles are written out.
    fn concrete_lasso<S: Slice>(
        &self,
        graph: &Graph<S>,
        goal: Goal<S>,
        fair: &[bool],
        states: &Component,
    ) -> Option<Lasso<S>> {
        let is_sink = (self.edges)(states[0]).is_empty();
        let returns = states.len() > 1 || self.successors(states[0]).contains(&states[0]);
        if is_sink || !returns {
            return is_sink.then(|| Lasso { prefix: graph.path_to(states[0]), cycle: Vec::new() });
        }
        concrete_cycle(graph, goal, fair, states)
    }

    /// Whether every action that is possible throughout is also taken within.
    fn is_fair(&self, states: &Component) -> bool {
        let within = |edge: &Edge| states.binary_search(&edge.target).is_ok();
        let mut always_possible = Actions::ALL;
        let mut taken = Actions::NONE;
        for state in states {
            let edges = (self.edges)(*state);
            always_possible = always_possible.and(Actions::of(&edges));
            taken = taken.or(Actions::of(edges.iter().filter(|edge| within(edge))));
        }
        always_possible.is_subset_of(taken)
    }

    /// A fair way round from the first state of a fair component: the shortest, and detours for the
    /// actions that are possible all along it and not taken.
    fn cycle(&self, states: &Component) -> Vec<Edge> {
        let home = states[0];
        let mut cycle = self.way(states, home, &|edge| edge.target == home);
        while let Some(action) = self.neglected(home, &cycle) {
            let relents = |edge: &Edge| {
                edge.action == action || !Actions::of(&(self.edges)(edge.target)).has(action)
            };
            let detour = self.way(states, home, &relents);
            let Some(away) = detour.last().map(|edge| edge.target) else {
                break;
            };
            cycle.extend(detour);
            if away != home {
                cycle.extend(self.way(states, away, &|edge| edge.target == home));
            }
        }
        cycle
    }

    /// An action that is possible all along a cycle and is not on it.
    fn neglected(&self, home: u32, cycle: &[Edge]) -> Option<u16> {
        let possible = cycle
            .iter()
            .map(|edge| Actions::of(&(self.edges)(edge.target)))
            .fold(Actions::of(&(self.edges)(home)), Actions::and);
        let taken = Actions::of(cycle);
        (0..Actions::MAX).find(|action| possible.has(*action) && !taken.has(*action))
    }

    /// The shortest way within a component, from one of its states, that ends with such an edge.
    fn way(&self, states: &Component, from: u32, is_last: &dyn Fn(&Edge) -> bool) -> Vec<Edge> {
        let mut came_by = vec![None; states.len()];
        let mut queue = VecDeque::from([from]);
        while let Some(source) = queue.pop_front() {
            for edge in (self.edges)(source) {
                let Ok(place) = states.binary_search(&edge.target) else {
                    continue;
                };
                if is_last(&edge) {
                    return self.back(states, &came_by, from, (source, edge));
                }
                if edge.target != from && came_by[place].is_none() {
                    came_by[place] = Some((source, edge));
                    queue.push_back(edge.target);
                }
            }
        }
        Vec::new()
    }

    fn back(
        &self,
        states: &Component,
        came_by: &[Option<(u32, Edge)>],
        from: u32,
        (mut at, last): (u32, Edge),
    ) -> Vec<Edge> {
        let mut way = vec![last];
        while at != from
            && let Ok(place) = states.binary_search(&at)
            && let Some((source, edge)) = came_by[place]
        {
            way.push(edge);
            at = source;
        }
        way.reverse();
        way
    }
}

/// Whether a cycle that starts here, or to stay here where it has no steps, is fair: every action
/// that is possible all along it is on it.
pub fn is_fair_cycle<S: Slice>(model: &Checked<S>, start: S::State, cycle: &[Step<S>]) -> bool {
    let slice = &model.slice;
    let states: Vec<_> = std::iter::once(start).chain(cycle.iter().map(|step| step.2)).collect();
    let is_possible = |state: &S::State, action: &S::Action| {
        slice.step(state, *action).is_some_and(|after| after != *state)
    };
    let neglected = |action: &&S::Action| {
        cycle.iter().all(|step| step.1 != **action)
            && states.iter().all(|state| is_possible(state, action))
    };
    let fair = model.candidates.iter().filter(|action| slice.is_fair(**action));
    fair.filter(neglected).count() == 0
}

/// Takes actions one after the other.
fn replay<S: Slice>(
    graph: &Graph<S>,
    start: S::State,
    actions: impl Iterator<Item = u16>,
) -> Vec<Step<S>> {
    let mut before = start;
    let mut steps = Vec::new();
    for action in actions {
        let action = graph.model.candidates[usize::from(action)];
        let Some(after) = graph.model.slice.step(&before, action) else {
            break;
        };
        steps.push((before, action, after));
        before = after;
    }
    steps
}

/// A fair cycle among all states that those of a component stand for; if there is one, a cycle through
/// the end of the shortest path to the component.
fn concrete_cycle<S: Slice>(
    graph: &Graph<S>,
    goal: Goal<S>,
    fair: &[bool],
    component: &Component,
) -> Option<Lasso<S>> {
    let slice = &graph.model.slice;
    let prefix = graph.path_to(component[0]);
    let start = prefix.last().map_or(slice.initial(), |step| step.2);
    let mut places = BTreeMap::new();
    let mut states = Vec::new();
    let others = component.iter().flat_map(|state| slice.alike(&graph.state(*state)));
    for state in std::iter::once(start).chain(others) {
        places.entry(bytes(&state)).or_insert_with(|| {
            states.push(state);
            states.len() as u32 - 1
        });
    }
    let outside = states.len() as u32;
    let edges_of = |state: &S::State| {
        let fair = (0..graph.model.candidates.len()).filter(|action| fair[*action]);
        fair.filter_map(|action| {
            let after = slice.step(state, graph.model.candidates[action])?;
            let target = places.get(&bytes(&after)).copied().unwrap_or(outside);
            (after != *state).then_some(Edge { action: action as u16, target })
        })
        .collect::<Vec<_>>()
    };
    let edges: Vec<_> = states.iter().map(edges_of).collect();
    let mut waiting: Vec<_> = states.iter().map(|state| !goal(slice, state)).collect();
    waiting.push(false);
    let written_out = Unfinished { waiting, edges: &|state| edges[state as usize].clone() };
    let found = components(states.len(), &|state| {
        written_out.waiting[state as usize].then(|| written_out.successors(state))
    });
    let all: Component = (0..states.len() as u32).collect();
    let ways = found.iter().filter(|states| written_out.is_fair(states)).filter_map(|around| {
        let way = match around[0] {
            0 => Vec::new(),
            first => written_out.way(&all, 0, &|edge| edge.target == first),
        };
        (around[0] == 0 || !way.is_empty()).then_some((around, way))
    });
    let (around, way) = ways.min_by_key(|(_, way)| way.len())?;
    let actions_of = |edges: Vec<Edge>| edges.into_iter().map(|edge| edge.action);
    let way = replay(graph, start, actions_of(way));
    let begins = states[around[0] as usize];
    let cycle = replay(graph, begins, actions_of(written_out.cycle(around)));
    Some(Lasso { prefix: [prefix, way].concat(), cycle })
}

fn bytes(state: &impl Packed) -> Vec<u8> {
    let (mut bits, mut bytes) = (Bits::default(), Vec::new());
    bits.write(|packer| state.pack(packer)).append_to(&mut bytes);
    bytes
}

/// A set of actions, by their place among the candidates.
#[derive(Clone, Copy)]
struct Actions([u64; 16]);

impl Actions {
    const NONE: Self = Actions([0; 16]);
    const ALL: Self = Actions([u64::MAX; 16]);
    /// How many there may be.
    const MAX: u16 = 16 * 64;

    fn of<'a>(edges: impl IntoIterator<Item = &'a Edge>) -> Self {
        edges.into_iter().fold(Actions::NONE, |mut set, edge| {
            set.0[usize::from(edge.action) / 64] |= 1 << (edge.action % 64);
            set
        })
    }

    fn has(self, action: u16) -> bool {
        self.0[usize::from(action) / 64] & (1 << (action % 64)) != 0
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
