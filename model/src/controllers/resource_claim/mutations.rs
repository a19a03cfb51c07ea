//! Mutations of the ResourceClaim controller: each replaces one step and passes the rest through.

use super::{Action, State};

crate::mutations! {
    /// What was made is forgotten, and only the cache counts.
    ForgetsWhatItMade = "resource-claim-forgets-what-it-made",
    /// A Pod that the cache does not show is taken for gone, unasked.
    TrustsCaches = "resource-claim-trusts-caches",
    /// The claim is reserved for nobody.
    NeverReserved = "resource-claim-is-never-reserved",
    /// No claim is made.
    NeverMade = "resource-claim-is-never-made",
    /// No reservation ends.
    NeverReleased = "resource-claim-is-never-released",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(ForgetsWhatItMade), Action::SyncPod) => state.sync_pod(|_, _| false),
            (Some(TrustsCaches), Action::SyncClaim) => {
                state.sync_claim(|seen, _, uid| !seen.lives(uid))
            }
            (Some(NeverReserved), Action::Reserve)
            | (Some(NeverMade), Action::SyncPod)
            | (Some(NeverReleased), Action::SyncClaim) => None,
            (_, action) => action.apply(state),
        }
    }
}
