//! Walks: runs of the model from its start, few of them, that together take every kind of action
//! with every outcome that it can have. They are replayed on API servers.

use crate::check::Options;
use crate::checker::graph::Graph;
use crate::checker::limits::Limits;
use crate::checker::path::Step;
use crate::checker::progress::Progress;
use crate::request::Request;
use crate::scenarios::{self, Unknown, Visitor};
use crate::slice::{Checked, Outcome, Slice};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A run of a scenario, from its start.
#[derive(Clone, Debug, Serialize)]
pub struct Walk {
    /// The scenario.
    pub scenario: String,
    /// The requests that make what is there at the start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub start: Vec<Request>,
    /// Its steps.
    pub steps: Vec<WalkStep>,
}

/// One step of a walk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalkStep {
    /// The action, with the names of its objects.
    pub action: serde_json::Value,
    /// The request that an API server sees, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<serde_json::Value>,
    /// What became of it.
    pub outcome: Outcome,
    /// The step in words.
    pub says: String,
}

/// Walks that cover each kind of action with each of its outcomes, for one scenario or all.
pub fn covering(options: &Options) -> Result<Vec<Walk>, Unknown> {
    let names = match &options.scenario {
        Some(name) => vec![name.as_str()],
        None => scenarios::REPLAYED.to_vec(),
    };
    let walks = names.into_iter().map(|name| {
        let coverer = Coverer { scenario: name.to_owned(), states_max: options.limits.states_max };
        scenarios::with(name, &options.size, options.mutation.as_deref(), coverer)
    });
    Ok(walks.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

struct Coverer {
    scenario: String,
    states_max: Option<usize>,
}

impl Visitor for Coverer {
    type Result = Vec<Walk>;

    fn visit<S: Slice>(self, model: Checked<S>) -> Vec<Walk> {
        let limits = Limits { states_max: self.states_max, ..Limits::NONE };
        let graph = Graph::explore(model, false, &limits, &mut Progress::silent());
        let walk = |steps: Vec<Step<S>>| Walk {
            scenario: self.scenario.clone(),
            start: graph.model.slice.objects_at_start(),
            steps: steps.iter().map(|step| written(&graph.model.slice, step)).collect(),
        };
        covering_paths(&graph).into_iter().map(walk).collect()
    }
}

/// The paths that take every kind of action with every outcome.
pub fn covering_paths<S: Slice>(graph: &Graph<S>) -> Vec<Vec<Step<S>>> {
    let kinds = Kinds::of(graph);
    paths_to(graph, |step| [kinds.goal(graph, step)])
}

/// Paths, as states and actions, that reach every goal. Far goals first: the way there reaches the near
/// ones.
pub fn paths_to<S: Slice, G: Ord, I: IntoIterator<Item = G>>(
    graph: &Graph<S>,
    goals: impl Fn(&Step<S>) -> I,
) -> Vec<Vec<Step<S>>> {
    let mut missing: Vec<_> = nearest_steps(graph, &goals).into_iter().collect();
    missing.sort_by_key(|(_, (source, _))| std::cmp::Reverse(*source));
    let mut reached = BTreeSet::new();
    let mut paths = Vec::new();
    for (goal, (source, step)) in missing {
        if reached.contains(&goal) {
            continue;
        }
        let mut path = graph.path_to(source);
        path.push(step);
        reached.extend(path.iter().flat_map(&goals));
        paths.push(path);
    }
    paths
}

/// For each goal, the state nearest to the start from which a step reaches it.
fn nearest_steps<S: Slice, G: Ord, I: IntoIterator<Item = G>>(
    graph: &Graph<S>,
    goals: impl Fn(&Step<S>) -> I,
) -> BTreeMap<G, (u32, Step<S>)> {
    let slice = &graph.model.slice;
    let mut nearest = BTreeMap::new();
    for source in 0..graph.len() as u32 {
        let before = graph.state(source);
        for action in &graph.model.candidates {
            let Some(after) = slice.step(&before, *action) else {
                continue;
            };
            let step = (before, *action, after);
            for goal in goals(&step) {
                nearest.entry(goal).or_insert((source, step));
            }
        }
    }
    nearest
}

/// What a walk may cover: a kind of action, by its place among the kinds, and an outcome.
type Goal = (usize, Outcome);

/// The kind of each candidate, as a number.
struct Kinds<S: Slice>(Vec<(S::Action, usize)>);

impl<S: Slice> Kinds<S> {
    fn of(graph: &Graph<S>) -> Self {
        let mut names = Vec::new();
        let number = |action: &S::Action| {
            let name = graph.model.slice.kind(*action);
            let known = names.iter().position(|known| *known == name);
            (
                *action,
                known.unwrap_or_else(|| {
                    names.push(name);
                    names.len() - 1
                }),
            )
        };
        Kinds(graph.model.candidates.iter().map(number).collect())
    }

    fn goal(&self, graph: &Graph<S>, (before, action, after): &Step<S>) -> Goal {
        let known = self.0.iter().find(|(known, _)| known == action);
        let kind = known.map_or(usize::MAX, |(_, kind)| *kind);
        (kind, graph.model.slice.outcome(before, *action, after))
    }
}

fn written<S: Slice>(slice: &S, (before, action, after): &Step<S>) -> WalkStep {
    WalkStep {
        action: serde_json::to_value(action).unwrap_or_default(),
        request: slice.request(before, *action),
        outcome: slice.outcome(before, *action, after),
        says: slice.describe(before, *action, after),
    }
}
