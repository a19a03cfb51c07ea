//! Mutations of the node IPAM controller: each replaces one step and passes the rest through.

use super::{Action, Event, Node, State};

crate::mutations! {
    /// The controller takes what its cache shows for all the ranges that Nodes have.
    ForgetsOffers = "ipam-forgets-offers",
    /// A patch is for a Node by its name: it may reach the one that comes after it.
    ByName = "ipam-patches-by-name",
    /// The range of a Node is taken away for another that has none.
    TakesAway = "ipam-takes-ranges-away",
    /// The range of a Node that is gone is not given again.
    KeepsRanges = "ipam-keeps-ranges-of-the-gone",
    /// No Node gets a range.
    NeverGives = "ipam-never-gives",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(ForgetsOffers), Action::Offer { node }) => state.offer(node, |state, _| {
                state.store.cache(0).is_some_and(|seen| seen.has_free_range())
            }),
            (Some(ByName), Action::CommitRange { node }) => state.commit_range(node, |_, _| true),
            (Some(TakesAway), Action::Offer { node }) => state.offer(node, |_, _| true),
            (Some(TakesAway), Action::CommitRange { node }) => {
                let next = action.apply(state)?;
                let other = 1 - node;
                let had = state.store.now().nodes[usize::from(other)].filter(|had| had.has_range);
                Some(match had {
                    Some(had) => {
                        next.put(Event::Node(other, Some(Node { has_range: false, ..had })))
                    }
                    None => next,
                })
            }
            (Some(KeepsRanges), Action::DeliverNode) => {
                Some(State { offered: state.offered, ..action.apply(state)? })
            }
            (Some(NeverGives), Action::Offer { .. }) => None,
            (_, action) => action.apply(state),
        }
    }
}
