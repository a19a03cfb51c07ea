//! Mutations of DaemonSets: each replaces one step and passes the rest through.

use super::{Action, Expected, Request, State};

crate::mutations! {
    /// The controller that takes over lists from a cache that is as old as its predecessor's was.
    StaleFailover = "k-54096",
    /// Pods are created and deleted though those that were asked for have not been seen.
    IgnoresExpectations = "daemon-set-ignores-expectations",
    /// Every Node counts as eligible.
    IgnoresSelector = "daemon-set-ignores-node-selector",
    /// What was expected is expected for ever.
    NeverSatisfied = "daemon-set-never-lowers-expectations",
    /// Only the first Node gets a Pod.
    OnlyFirstNode = "daemon-set-serves-first-node-only",
    /// Pods of Nodes that are no longer eligible stay.
    NeverDeletes = "daemon-set-never-deletes",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::StaleFailover), Action::FailOver) => state.fail_over(),
            (Some(Mutation::IgnoresExpectations), Action::SyncSet) => {
                state.manage(|objects, node| objects.eligible[node])
            }
            (Some(Mutation::IgnoresSelector), Action::SyncSet) => {
                let satisfied = state.expected == Expected::None;
                satisfied.then(|| state.manage(|_, _| true))?
            }
            (Some(Mutation::NeverSatisfied), Action::DeliverPod) => {
                let next = state.deliver_pod()?;
                Some(State { expected: state.expected, ..next })
            }
            (Some(Mutation::OnlyFirstNode), Action::SyncSet) => {
                let next = state.sync_set()?;
                (!matches!(next.request, Request::Create(1..))).then_some(next)
            }
            (Some(Mutation::NeverDeletes), Action::SyncSet) => {
                let next = state.sync_set()?;
                (!matches!(next.request, Request::Delete { .. })).then_some(next)
            }
            (_, action) => action.apply(state),
        }
    }
}
