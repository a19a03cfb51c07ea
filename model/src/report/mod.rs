//! What a check has found, to print and to serialize.

pub mod html;
pub mod story;
pub mod svg;
mod text;

use crate::checker::limits::End;
use crate::slice::Kind;
use serde::Serialize;
use std::collections::BTreeMap;
use story::Story;

/// The outcome of checking scenarios.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// By scenario.
    pub scenarios: Vec<ScenarioReport>,
}

/// The outcome of checking one scenario.
#[derive(Clone, Debug, Serialize)]
pub struct ScenarioReport {
    /// Its name.
    pub scenario: String,
    /// The step that was replaced.
    pub mutation: Option<String>,
    /// By claim.
    pub claims: Vec<ClaimReport>,
    /// How many states there are.
    pub states: usize,
    /// How many of them a resumed search had found before.
    pub states_resumed: usize,
    /// How many steps lead from them.
    pub transitions: u64,
    /// How many steps the farthest state is away.
    pub depth: u32,
    /// Whether every state was looked at.
    pub complete: bool,
    /// Why the search ended.
    pub end: End,
    /// Whether one state stood for all that are alike.
    pub symmetry: bool,
    /// The most bytes of memory that the search held at once.
    pub bytes: usize,
    /// How long it took.
    pub seconds: f64,
    /// New states found in a second.
    pub states_per_second: u64,
}

/// The outcome of one claim.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimReport {
    /// Its number.
    pub id: String,
    /// Its kind.
    pub kind: Kind,
    /// What it says.
    pub text: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// The shortest way to its violation, or, for reachability, to an example.
    pub steps: Vec<String>,
    /// The steps that repeat for ever after those, for liveness.
    pub repeats: Vec<String>,
    /// The same with what everybody knew, where a claim is violated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub story: Option<Story>,
}

/// Whether a claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It does.
    Holds,
    /// It does not.
    Violated,
    /// The search ended before it had seen everything, and nothing it saw decides.
    NotExhausted,
    /// The scenario was made too small to show it.
    Unknown,
}

/// Every claim, as `kanon check --list` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Listing {
    /// The claims.
    pub claims: Vec<Entry>,
}

/// A claim of the list.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its number.
    pub id: String,
    /// Its kind.
    pub kind: Kind,
    /// The component it is about.
    pub component: String,
    /// What it says.
    pub text: String,
    /// The mutations that it kills.
    pub mutations: Vec<String>,
}

/// What became of every mutation, as `kanon check --mutations` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Mutations {
    /// The claims.
    pub claims: Vec<Entry>,
    /// The mutations.
    pub mutations: Vec<MutationReport>,
}

/// What became of a mutation.
#[derive(Clone, Debug, Serialize)]
pub struct MutationReport {
    /// Its id.
    pub id: String,
    /// Where it was tried. Nothing: no sentence of `specs/` names it.
    pub scenario: Option<String>,
    /// The claims that it violated. None: it survived.
    pub killed_by: Vec<String>,
    /// The length of the shortest counterexample, with what repeats. Nothing where there is no run to
    /// show: what the claim says can be reached is not.
    pub steps: Option<usize>,
    /// The length of the shortest counterexample to each claim that has one.
    pub steps_to: BTreeMap<String, usize>,
    /// How long it took until the last of them fell.
    pub seconds: f64,
}

impl MutationReport {
    /// One that was not tried.
    pub fn unnamed(id: &str) -> Self {
        MutationReport {
            id: id.to_owned(),
            scenario: None,
            killed_by: Vec::new(),
            steps: None,
            steps_to: BTreeMap::new(),
            seconds: 0.0,
        }
    }
}

impl Report {
    /// Whether any claim is violated.
    pub fn is_violated(&self) -> bool {
        self.violations().next().is_some()
    }

    /// Whether some search was stopped by a limit or by the bounds of its slice.
    pub fn is_stopped(&self) -> bool {
        let stopped = |end| matches!(end, End::Stopped(_) | End::Bounded);
        self.scenarios.iter().any(|scenario| stopped(scenario.end))
    }

    /// The claims that are violated, with the scenario of each.
    pub fn violations(&self) -> impl Iterator<Item = (&ScenarioReport, &ClaimReport)> {
        let of = |scenario| ScenarioReport::violated(scenario).map(move |claim| (scenario, claim));
        self.scenarios.iter().flat_map(of)
    }
}

impl ScenarioReport {
    /// The claims that are violated.
    pub fn violated(&self) -> impl Iterator<Item = &ClaimReport> {
        self.claims.iter().filter(|claim| claim.verdict == Verdict::Violated)
    }
}

impl Mutations {
    /// Whether any mutation violated nothing.
    pub fn any_survived(&self) -> bool {
        self.mutations.iter().any(|mutation| mutation.killed_by.is_empty())
    }
}

impl ClaimReport {
    /// What is to be reachable is so in the scenario as it is; with fewer Pods, Nodes or faults it
    /// need not be.
    #[must_use]
    pub fn in_another_size(self) -> Self {
        match (self.kind, self.verdict) {
            (Kind::Reachability, Verdict::Violated) => {
                ClaimReport { verdict: Verdict::Unknown, ..self }
            }
            (_, _) => self,
        }
    }
}
