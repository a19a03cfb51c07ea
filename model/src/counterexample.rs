//! Counterexamples as files: a run that violates a claim, to keep, to replay in the model with and
//! without the mutation that made it possible, and to replay on an API server.
//!
//! ```
//! use model::check::{self, Options};
//! use model::checker::progress::Progress;
//! use model::counterexample::Counterexample;
//!
//! let mutation = Some("election-takes-lease-early".to_owned());
//! let options = Options { mutation, ..Options::default() };
//! let report = check::run(&options, &mut Progress::silent())?;
//! let counterexample = Counterexample::first_of(&report, &options.size).expect("a claim falls");
//!
//! let replayed = counterexample.replay()?;
//! assert!(replayed.shows_it());
//! assert!(replayed.parts.is_some(), "the right step is another one");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod replay;

pub use replay::{Parted, Replayed};

use crate::report::Report;
use crate::report::story::Told;
use crate::request::Request;
use crate::scenarios::Unknown;
use crate::slice::Size;
use crate::walks::{Walk, WalkStep};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A run from the start of a scenario that violates a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counterexample {
    /// The scenario.
    pub scenario: String,
    /// How large the scenario was, where that was said.
    #[serde(default, skip_serializing_if = "Size::is_as_designed")]
    pub size: Size,
    /// The step that was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutation: Option<String>,
    /// The claim that falls.
    pub claim: String,
    /// The requests that make what is there at the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start: Vec<Request>,
    /// The steps.
    pub steps: Vec<WalkStep>,
    /// How many of the steps, counted from the last, repeat for ever.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeats: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Why a counterexample cannot be replayed.
#[derive(Debug)]
pub enum ReplayError {
    /// It is not written as one.
    Format(serde_json::Error),
    /// It is of a scenario, a mutation or a claim that is not known.
    Unknown(Unknown),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Format(error) => write!(formatter, "no counterexample: {error}"),
            ReplayError::Unknown(unknown) => unknown.fmt(formatter),
        }
    }
}

impl std::error::Error for ReplayError {}

impl From<Unknown> for ReplayError {
    fn from(unknown: Unknown) -> Self {
        ReplayError::Unknown(unknown)
    }
}

impl Counterexample {
    /// The first counterexample of a report on scenarios of this size.
    pub fn first_of(report: &Report, size: &Size) -> Option<Self> {
        report.violations().find_map(|(scenario, claim)| {
            let story = claim.story.as_ref()?;
            Some(Counterexample {
                scenario: scenario.scenario.clone(),
                size: size.clone(),
                mutation: scenario.mutation.clone(),
                claim: claim.id.clone(),
                start: story.objects.clone(),
                steps: story.steps.iter().map(WalkStep::from).collect(),
                repeats: story.repeats,
            })
        })
    }

    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, ReplayError> {
        let read: Self = serde_json::from_str(text).map_err(ReplayError::Format)?;
        match read.repeats <= read.steps.len() {
            true => Ok(read),
            false => Err(ReplayError::Format(serde::de::Error::custom(
                "more steps repeat than there are",
            ))),
        }
    }

    /// As text, to keep.
    pub fn write(&self) -> String {
        serde_json::to_string_pretty(self).expect("steps are JSON") + "\n"
    }
}

impl From<Counterexample> for Walk {
    fn from(run: Counterexample) -> Self {
        Walk { scenario: run.scenario, start: run.start, steps: run.steps }
    }
}

impl From<&Told> for WalkStep {
    fn from(told: &Told) -> Self {
        WalkStep {
            action: told.action.clone(),
            request: told.request.clone(),
            outcome: told.outcome,
            says: told.says.clone(),
        }
    }
}
