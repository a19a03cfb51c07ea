//! What came of a run of the suite.

use std::fmt;

use model::walks::Walk;
use serde::Serialize;
use serde_json::Value;

use super::Target;

/// The first step of a walk at which an API server did something else than the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// The walk's number.
    pub walk: usize,
    /// The scenario that it comes from.
    pub scenario: String,
    /// What led to it, in words, the diverging step last.
    pub steps: Vec<String>,
    /// What the model expects.
    pub expected: String,
    /// What the API server did.
    pub got: String,
}

/// A walk that was not replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The walk's number.
    pub walk: usize,
    /// The scenario that it comes from.
    pub scenario: String,
    /// Why.
    pub why: String,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The API server.
    pub server: String,
    /// What it says that it is.
    pub version: String,
    /// How many walks it went like the model.
    pub passed: usize,
    /// How many it did not.
    pub failed: usize,
    /// How many were not replayed.
    pub skipped: usize,
    /// How many requests were compared.
    pub requests: usize,
    /// Where it diverged.
    pub divergences: Vec<Divergence>,
    /// What was not replayed.
    pub skips: Vec<Skipped>,
}

impl Report {
    pub(super) fn new(target: &Target, version: Value) -> Self {
        Self {
            server: target.server.clone(),
            version: version["gitVersion"].as_str().unwrap_or("unknown").to_owned(),
            passed: 0,
            failed: 0,
            skipped: 0,
            requests: 0,
            divergences: vec![],
            skips: vec![],
        }
    }

    pub(super) fn skip(&mut self, walk: usize, of: &Walk, why: String) {
        self.skipped += 1;
        self.skips.push(Skipped { walk, scenario: of.scenario.clone(), why });
    }

    pub(super) fn count(&mut self, _: usize, _: &Walk, result: Result<usize, Divergence>) {
        match result {
            Ok(requests) => {
                self.passed += 1;
                self.requests += requests;
            }
            Err(divergence) => {
                self.failed += 1;
                self.divergences.push(divergence);
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for divergence in &self.divergences {
            writeln!(formatter, "{divergence}")?;
        }
        for skipped in &self.skips {
            writeln!(
                formatter,
                "walk {} ({}) skipped: {}",
                skipped.walk, skipped.scenario, skipped.why
            )?;
        }
        write!(
            formatter,
            "{} ({}): {} passed, {} failed, {} skipped; {} requests compared",
            self.server, self.version, self.passed, self.failed, self.skipped, self.requests
        )
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "walk {} ({}) diverges:", self.walk, self.scenario)?;
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(formatter, "  {}. {step}", number + 1)?;
        }
        writeln!(formatter, "  expected: {}", self.expected)?;
        write!(formatter, "  got:      {}", self.got)
    }
}
