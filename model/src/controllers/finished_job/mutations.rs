//! Mutations of the TTL-after-finished controller: each replaces one step and passes the rest through.

use super::{Action, State};

crate::mutations! {
    /// The Job is deleted by its name, whatever has become of it.
    DeletesUnasked = "ttl-deletes-what-it-has-not-read",
    /// No Job is deleted.
    NeverDeletes = "ttl-never-deletes",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(DeletesUnasked), Action::CommitDeletion) => state.commit_deletion(|_, _| true),
            (Some(NeverDeletes), Action::Expire) => None,
            (_, action) => action.apply(state),
        }
    }
}
