//! Where a search ends, and why it ended there.

use crate::checker::claims::Discoveries;
use crate::slice::{Checked, Slice};
use serde::Serialize;
use std::fmt;
use std::time::{Duration, Instant};

/// Where a search ends before it has seen everything.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Which violations are enough.
    pub until: Until,
    /// How many states may be known.
    pub states_max: Option<usize>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// How many bytes it may hold.
    pub memory_max: Option<usize>,
}

impl Limits {
    /// None: the search ends when it has seen everything.
    pub const NONE: Self =
        Limits { until: Until::Everything, states_max: None, timeout: None, memory_max: None };

    /// The limit that is reached, if one is.
    pub fn reached(&self, states: usize, bytes: usize, start: Instant) -> Option<Limit> {
        if self.states_max.is_some_and(|most| states >= most) {
            Some(Limit::States)
        } else if self.memory_max.is_some_and(|most| bytes >= most) {
            Some(Limit::Memory)
        } else if self.timeout.is_some_and(|most| start.elapsed() >= most) {
            Some(Limit::Time)
        } else {
            None
        }
    }
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

impl Until {
    /// Whether what was discovered is enough.
    pub fn is_satisfied<S: Slice, T>(
        &self,
        model: &Checked<S>,
        discoveries: &Discoveries<T>,
    ) -> bool {
        match self {
            Until::Everything => false,
            Until::AnyViolation => discoveries.violation(model).is_some(),
            Until::AllOf(ids) => ids.iter().all(|id| {
                let place = model.claims.iter().position(|claim| claim.id == *id);
                place.is_some_and(|claim| discoveries.of(claim).is_some())
            }),
        }
    }
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It has seen every state.
    Exhausted,
    /// It has found the violations that it was asked for.
    Found,
    /// A state was at the bounds of the slice: no step was taken from it.
    Bounded,
    /// It looked at some runs only, or kept no edges for a claim about liveness.
    Sampled,
    /// It was stopped.
    Stopped(Limit),
}

/// What stopped a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Enough states are known.
    States,
    /// Time is up.
    Time,
    /// It holds as much as it may.
    Memory,
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Limit::States => "the limit of states",
            Limit::Time => "the time limit",
            Limit::Memory => "the memory limit",
        })
    }
}
