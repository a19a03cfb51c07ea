//! What a check has found, to print and to serialize.

use crate::slice::Kind;
use serde::Serialize;
use std::fmt;

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
    /// How many steps lead from them.
    pub transitions: u64,
    /// How many steps the farthest state is away.
    pub depth: u32,
    /// Whether every state was looked at.
    pub complete: bool,
    /// How long it took.
    pub seconds: f64,
    /// States found in a second.
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
}

/// Whether a claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It does.
    Holds,
    /// It does not.
    Violated,
    /// The search stopped before it could be known, or the scenario was made too small to show it.
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
    /// Where it was tried.
    pub scenario: String,
    /// The claims that it violated. None: it survived.
    pub killed_by: Vec<String>,
    /// The length of the shortest counterexample, where there is one.
    pub steps: Option<usize>,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// Whether any claim is violated.
    pub fn is_violated(&self) -> bool {
        self.scenarios.iter().any(|scenario| scenario.violated().next().is_some())
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

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scenarios.iter().try_for_each(|scenario| scenario.fmt(formatter))
    }
}

impl fmt::Display for ScenarioReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.scenario)?;
        if let Some(mutation) = &self.mutation {
            write!(formatter, " with {mutation}")?;
        }
        let all = if self.complete { "" } else { ", not all" };
        writeln!(
            formatter,
            ": {} states{all}, {} steps, depth {}, {:.1} s, {} states/s",
            self.states, self.transitions, self.depth, self.seconds, self.states_per_second
        )?;
        self.claims.iter().try_for_each(|claim| claim.fmt(formatter))
    }
}

impl fmt::Display for ClaimReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match (self.verdict, self.kind) {
            (Verdict::Holds, Kind::Safety | Kind::Liveness) => "holds".to_owned(),
            (Verdict::Holds, Kind::Reachability) => {
                format!("reached in {} steps", self.steps.len())
            }
            (Verdict::Violated, Kind::Safety | Kind::Liveness) => "VIOLATED".to_owned(),
            (Verdict::Violated, Kind::Reachability) => "NEVER REACHED".to_owned(),
            (Verdict::Unknown, _) => "unknown".to_owned(),
        };
        writeln!(formatter, "  {:<13} {verdict:<20} {}", self.id, self.text)?;
        if self.verdict == Verdict::Violated {
            self.write_counterexample(formatter)?;
        }
        Ok(())
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

    fn write_counterexample(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.steps.iter().enumerate() {
            writeln!(formatter, "    {:>3}. {step}", place + 1)?;
        }
        if self.kind == Kind::Liveness && self.repeats.is_empty() {
            writeln!(formatter, "         and nothing happens any more")?;
        }
        if !self.repeats.is_empty() {
            writeln!(formatter, "         and then, for ever:")?;
        }
        for (place, step) in self.repeats.iter().enumerate() {
            writeln!(formatter, "    {:>3}. {step}", self.steps.len() + place + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Entry { id, text, mutations, .. } in &self.claims {
            writeln!(formatter, "{id:<13} {text}")?;
            writeln!(formatter, "{:<13} kills {}", "", mutations.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Mutations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for MutationReport { id, scenario, killed_by, steps, seconds } in &self.mutations {
            let fate = match (killed_by.as_slice(), steps) {
                ([], _) => "SURVIVED".to_owned(),
                (claims, Some(steps)) => format!("{} in {steps} steps", claims.join(", ")),
                (claims, None) => claims.join(", "),
            };
            writeln!(formatter, "{id:<38} {scenario:<11} {seconds:>5.1} s  {fate}")?;
        }
        Ok(())
    }
}
