//! Mutations of the VolumeAttributesClass protection controller: each replaces one step and passes the rest through.

use super::{Action, Finalizer, State};

crate::mutations! {
    /// Only claims are looked at, and no volumes.
    IgnoresVolumes = "attributes-class-ignores-volumes",
    /// No class gets a finalizer.
    NeverProtects = "attributes-class-is-never-protected",
    /// No class loses its finalizer.
    NeverLetsGo = "attributes-class-is-never-let-go",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        let without = |kind: Finalizer| {
            let next = action.apply(state)?;
            let is_meant = next.asked.is_some_and(|(_, asked)| asked == kind);
            (!is_meant).then_some(next)
        };
        match (mutation, action) {
            (Some(IgnoresVolumes), Action::Sync) => state.sync(|seen| seen.is_claimed),
            (Some(NeverProtects), Action::Sync) => without(Finalizer::Comes),
            (Some(NeverLetsGo), Action::Sync) => without(Finalizer::Goes),
            (_, action) => action.apply(state),
        }
    }
}
