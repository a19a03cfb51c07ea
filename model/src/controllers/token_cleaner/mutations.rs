//! Mutations of the token cleaner: each replaces one step and passes the rest through.

use super::{Action, State};

crate::mutations! {
    /// The Secret is deleted whatever it has become.
    DeletesAnyVersion = "token-cleaner-deletes-any-version",
    /// It is not looked whether a Pod mounts the token.
    IgnoresPods = "token-cleaner-ignores-pods",
    /// Nothing is looked through.
    NeverLooks = "token-cleaner-never-looks",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(DeletesAnyVersion), Action::CommitWrite) => state.commit_write(|_, _| true),
            (Some(IgnoresPods), Action::LookThrough) => state.look_through(|_| false),
            (Some(NeverLooks), Action::LookThrough) => None,
            (_, action) => action.apply(state),
        }
    }
}
