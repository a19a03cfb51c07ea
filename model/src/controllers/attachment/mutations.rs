//! Mutations of the attach/detach controller: each replaces one step and passes the rest through.

use super::{Action, NODES, State};

crate::mutations! {
    /// The controller does not look whether another node has the volume.
    IgnoresOthers = "k-45346",
    /// The controller takes what its cache shows for all the attachments there are.
    ForgetsAsked = "attach-forgets-what-it-asked-for",
    /// A volume is detached that its node has mounted.
    IgnoresMounts = "detach-ignores-mounts",
    /// No volume is attached.
    NeverAttaches = "attach-never-asks",
    /// A node that is lost is waited for.
    WaitsForLost = "detach-waits-for-lost-nodes",
    /// What is attached stays attached.
    NeverDetaches = "detach-never-asks",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(IgnoresOthers), Action::Attach { node }) => state.attach(node, |_, _| true),
            (Some(ForgetsAsked), Action::Attach { node }) => state.attach(node, |state, node| {
                State { asked: [false; NODES], ..*state }.is_free_for(node)
            }),
            (Some(IgnoresMounts), Action::Report { .. } | Action::Detach { .. }) => {
                let seen_through = State { given_up: [true; NODES], ..*state };
                let next = action.apply(&seen_through)?;
                Some(State { given_up: state.given_up, ..next })
            }
            (Some(NeverAttaches), Action::Attach { .. }) => None,
            (Some(WaitsForLost), Action::GiveUp { .. }) => None,
            (Some(NeverDetaches), Action::Detach { .. }) => None,
            (_, action) => action.apply(state),
        }
    }
}
