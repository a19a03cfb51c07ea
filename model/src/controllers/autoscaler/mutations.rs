//! Mutations of the HorizontalPodAutoscaler controller: each replaces one step and passes the rest through.

use super::{Action, MAX, MIN, State};

crate::mutations! {
    /// What the metrics ask for is written, whatever the limits are.
    IgnoresLimits = "autoscaler-ignores-limits",
    /// Who says nothing is taken for idle.
    TakesSilenceForIdleness = "autoscaler-takes-silence-for-idleness",
    /// The scale is written whatever it has become.
    Overwrites = "autoscaler-overwrites",
    /// Nothing is read, and nothing scaled.
    NeverScales = "autoscaler-never-scales",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(IgnoresLimits), Action::ReadMetrics) => state.read_metrics(|wish| wish, None),
            (Some(TakesSilenceForIdleness), Action::ReadMetrics) => {
                state.read_metrics(|wish| wish.clamp(MIN, MAX), Some(MIN))
            }
            (Some(Overwrites), Action::CommitScale) => state.commit_scale(|_, _| true),
            (Some(NeverScales), Action::ReadScale) => None,
            (_, action) => action.apply(state),
        }
    }
}
