//! What came of traces on a target.

use std::fmt;

use model::etcd::exchange::{Exchange, Trace};
use serde::Serialize;

/// The first exchange of a trace that was not as in the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// The number of the trace.
    pub trace: usize,
    /// The scenario that it is from.
    pub scenario: String,
    /// What was asked, the exchange that differs last.
    pub exchanges: Vec<Exchange>,
    /// How it differs.
    pub difference: String,
}

impl Divergence {
    pub(super) fn of(number: usize, trace: &Trace, at: usize, difference: String) -> Self {
        let exchanges = trace.exchanges.iter().take(at + 1).cloned().collect();
        let scenario = trace.scenario.to_owned();
        Self { trace: number, scenario, exchanges, difference }
    }
}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was asked.
    pub target: String,
    /// How many traces it went like the model.
    pub passed: usize,
    /// How many were not replayed: they restart the target, which cannot be done from here.
    pub skipped: usize,
    /// How many exchanges were compared.
    pub exchanges: usize,
    /// Where it did not go like the model.
    pub divergences: Vec<Divergence>,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Divergence { trace, scenario, exchanges, difference } in &self.divergences {
            writeln!(formatter, "trace {trace} ({scenario}) diverges:")?;
            for (number, exchange) in exchanges.iter().enumerate() {
                writeln!(formatter, "  {:2}. {:?}: {:?}", number + 1, exchange.ask, exchange.told)?;
            }
            writeln!(formatter, "      {difference}")?;
        }
        let Self { target, passed, skipped, exchanges, divergences } = self;
        write!(formatter, "{target}: {passed} traces passed, {} failed", divergences.len())?;
        if *skipped > 0 {
            write!(formatter, ", {skipped} skipped (they restart it)")?;
        }
        write!(formatter, "; {exchanges} exchanges compared")
    }
}
