//! The HorizontalPodAutoscaler controller: reads a scale, then metrics, then writes the scale.
//!
//! The limits are 1 and 2. A client scales too, between any two steps. Left out: how many replicas metrics ask for
//! (a number stands for them), tolerances, windows and policies; informers, since what counts is read.

mod claims;
mod mutations;
mod steps;
mod words;

pub use mutations::Mutation;

use crate::cause::Cause;
use crate::slice::{Family, Fault, Outcome, Size, Slice};
use crate::{claims_and_words, packed};
use serde::Serialize;

/// `spec.minReplicas`.
pub const MIN: u8 = 1;
/// `spec.maxReplicas`.
pub const MAX: u8 = 2;
/// As many replicas as a client or metrics ask for at most.
pub const MOST: u8 = 3;

/// The scenario `horizontal-pod-autoscaler`.
#[derive(Clone, Debug)]
pub struct AutoscalerSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The scale of the target.
    pub scale: Scale,
    /// The replicas for which the metrics ask, where there are any.
    pub metrics: Option<u8>,
    /// What the controller has read in its round.
    pub round: Option<Round>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// The scale of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scale {
    /// Its resourceVersion: how often it was written.
    pub version: u8,
    /// `spec.replicas`.
    pub replicas: u8,
}

/// A round of the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Round {
    /// The scale, as it was read.
    pub read: Scale,
    /// What is to be written, once that is decided.
    pub desired: Option<u8>,
    /// Whether metrics were there to decide by.
    pub is_measured: bool,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client scales.
    pub scales: u8,
    /// The metrics come, change or go.
    pub changes: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    ReadScale,
    ReadMetrics,
    CommitScale,
    Scale { replicas: u8 },
    Measure { replicas: u8 },
    LoseMetrics,
    Crash,
}

impl Slice for AutoscalerSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let scale = Scale { version: 0, replicas: MIN };
        State { scale, metrics: None, round: None, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut candidates = vec![ReadScale, ReadMetrics, CommitScale, LoseMetrics, Crash];
        candidates.extend((0..=MOST).map(|replicas| Scale { replicas }));
        candidates.extend((0..=MOST).map(|replicas| Measure { replicas }));
        candidates
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::ReadScale | Action::ReadMetrics | Action::CommitScale => Cause::Duty,
            Action::Scale { .. } | Action::Measure { .. } | Action::LoseMetrics => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        match (after.scale.version > before.scale.version, action) {
            (true, _) => Outcome::Committed,
            (false, Action::CommitScale) => Outcome::Refused,
            (false, _) => Outcome::Done,
        }
    }
}

impl Family for AutoscalerSlice {
    const SCENARIOS: &'static [&'static str] = &["horizontal-pod-autoscaler"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { scales: 2, changes: 2, crashes: size.times(1) };
        Ok(AutoscalerSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { scale, metrics, round, budgets });
packed!(struct Scale { version, replicas });
packed!(struct Round { read, desired, is_measured });
packed!(struct Budgets { scales, changes, crashes });
