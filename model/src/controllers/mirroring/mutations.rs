//! Mutations of the EndpointSliceMirroring controller: each replaces one step and passes the rest through.

use super::{Action, State, Write};

crate::mutations! {
    /// The slices of a Service are taken for the controller's own, whoever manages them.
    TakesOthers = "mirroring-takes-slices-of-others",
    /// The caches are believed although they lack what was written.
    TrustsStaleCaches = "mirroring-trusts-stale-caches",
    /// No slice is made.
    NeverMirrors = "mirroring-never-mirrors",
    /// No slice is deleted.
    NeverDeletes = "mirroring-never-deletes",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        let asks_for = |next: &State, is_meant: fn(&Write) -> bool| {
            next.asked.is_some_and(|asked| is_meant(&asked))
        };
        match (mutation, action) {
            (Some(TakesOthers), Action::Sync) => {
                let next = action.apply(state)?;
                let deletes = asks_for(&next, |write| matches!(write, Write::Delete(_)));
                Some(State {
                    asked: if deletes { Some(Write::DeleteForeign) } else { next.asked },
                    ..next
                })
            }
            (Some(TrustsStaleCaches), Action::Sync) => state.sync(|_| true),
            (Some(NeverMirrors), Action::Sync) => action
                .apply(state)
                .filter(|next| !asks_for(next, |write| matches!(write, Write::Create(_)))),
            (Some(NeverDeletes), Action::Sync) => action
                .apply(state)
                .filter(|next| !asks_for(next, |write| matches!(write, Write::Delete(_)))),
            (_, action) => action.apply(state),
        }
    }
}
