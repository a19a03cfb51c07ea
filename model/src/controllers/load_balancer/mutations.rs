//! Mutations of the service load balancer controller: each replaces one step and passes the rest through.

use super::{Action, State, Write};

crate::mutations! {
    /// Addresses are said before the finalizer is there.
    SaysFirst = "balancer-says-addresses-first",
    /// The finalizer goes before the addresses do.
    ReleasesFirst = "balancer-releases-first",
    /// The status of every Service may say addresses.
    AnyServiceSays = "balancer-any-service-says",
    /// No finalizer is added, and no address said.
    NeverMade = "balancer-is-never-made",
    /// It is not looked at Nodes again.
    IgnoresNodes = "balancer-ignores-nodes",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(SaysFirst), Action::Sync) => {
                let next = action.apply(state)?;
                let adds = next.asked == Some(Write::AddFinalizer);
                let says = Write::SetIngress(next.store.caches()?.addresses);
                Some(State { asked: if adds { Some(says) } else { next.asked }, ..next })
            }
            (Some(ReleasesFirst), Action::Sync) => {
                let next = action.apply(state)?;
                let clears = next.asked == Some(Write::ClearIngress);
                let asked = if clears { Some(Write::RemoveFinalizer) } else { next.asked };
                Some(State { asked, ..next })
            }
            (Some(AnyServiceSays), Action::CommitWrite) => state.commit_write(|_| true),
            (Some(NeverMade), Action::Sync) => {
                action.apply(state).filter(|next| next.asked != Some(Write::AddFinalizer))
            }
            (Some(IgnoresNodes), Action::DeliverNode) => {
                let next = action.apply(state)?;
                let addresses = next.store.caches()?.addresses;
                Some(State { made: next.made.map(|_| addresses), ..next })
            }
            (_, action) => action.apply(state),
        }
    }
}
