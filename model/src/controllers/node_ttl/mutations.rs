//! Mutations of the TTL controller: each replaces one step and passes the rest through.

use super::{Action, BOTH, State, Ttl};

crate::mutations! {
    /// One Node more makes a cluster large than should.
    CountsWrong = "node-ttl-counts-wrong",
    /// A cluster of a size that both have changes to the other.
    GoesToAndFro = "node-ttl-goes-to-and-fro",
    /// No Node is told anything.
    NeverTells = "node-ttl-never-tells",
    /// Who was told once is told nothing else.
    TellsOnce = "node-ttl-tells-once",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(CountsWrong), Action::Sync { node }) => {
                state.sync(node, |_, count| if count > BOTH { Ttl::Short } else { Ttl::Long })
            }
            (Some(GoesToAndFro), Action::Sync { node }) => {
                state.sync(node, |_, count| if count < BOTH { Ttl::Short } else { Ttl::Long })
            }
            (Some(NeverTells), Action::Sync { .. }) => None,
            (Some(TellsOnce), Action::Sync { node }) => {
                let seen = state.store.caches()?;
                let is_new = seen.nodes[usize::from(node)] == Some(Ttl::Untold);
                action.apply(state).filter(|_| is_new)
            }
            (_, action) => action.apply(state),
        }
    }
}
