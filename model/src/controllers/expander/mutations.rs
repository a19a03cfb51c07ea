//! Mutations of the persistent volume expander: each replaces one step and passes the rest through.

use super::{Action, State};

crate::mutations! {
    /// Which claim the volume names is not looked at.
    IgnoresClaimRef = "expander-ignores-claim-ref",
    /// The claim is written over whatever it has become.
    Overwrites = "expander-overwrites",
    /// Nobody is told anything.
    NeverTells = "expander-never-tells",
    /// A volume that comes to name the claim later has nobody look again.
    MissesVolumes = "expander-misses-volumes",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(IgnoresClaimRef), Action::Sync) => state
                .sync(|seen| seen.claim.is_some_and(|claim| claim.is_bound && claim.wants_more())),
            (Some(Overwrites), Action::CommitResizer) => state.commit_resizer(|_, _| true),
            (Some(NeverTells), Action::Sync) => None,
            (Some(MissesVolumes), Action::DeliverVolume) => {
                Some(State { is_due: state.is_due, ..action.apply(state)? })
            }
            (_, action) => action.apply(state),
        }
    }
}
