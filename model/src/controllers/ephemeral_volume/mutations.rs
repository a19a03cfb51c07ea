//! Mutations around the claims of Pods: each replaces one step and passes the rest through.

use super::{Action, Event, State, VolumeClaim};

crate::mutations! {
    /// A Pod runs with any claim of the name.
    TakesAny = "ephemeral-takes-any-claim",
    /// The controller puts its claim in the place of another.
    Overwrites = "ephemeral-overwrites-claims",
    /// The controller does not look at a Pod again when its claim goes.
    LooksOnce = "ephemeral-looks-once",
    /// The claim has no owner that the garbage collector would look for.
    NotOwned = "ephemeral-claims-stay",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(TakesAny), Action::RunPod) => state.run_pod(|objects| objects.claim.is_some()),
            (Some(Overwrites), Action::CommitClaim) => {
                let owner = Some(state.asked?);
                let next = State { asked: None, ..*state };
                Some(next.put(Event::Claim(Some(VolumeClaim { owner }))))
            }
            (Some(LooksOnce), Action::SyncPod) => {
                action.apply(state).filter(|next| next.budgets.claim_deletions == 2)
            }
            (Some(NotOwned), Action::CollectClaim) => None,
            (_, action) => action.apply(state),
        }
    }
}
