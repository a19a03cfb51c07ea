//! Mutations of StatefulSets: each replaces one step and passes the rest through.

use super::{Action, Request, State};

crate::mutations! {
    /// A Pod of a Node that is unreachable is deleted by force: nobody waits for its kubelet.
    EvictionByForce = "k-61832",
    /// A Pod is created before its predecessors are Ready.
    NoOrder = "stateful-set-ignores-order",
    /// The first Pod is deleted first.
    FirstGoesFirst = "stateful-set-deletes-first-ordinal",
    /// A Pod that is deleted goes before its containers have stopped.
    HastyKubelet = "kubelet-confirms-early",
    /// No Pod is ever created.
    CreatesNothing = "stateful-set-creates-nothing",
    /// Pods of a Node that is unreachable are not evicted.
    NeverEvicts = "stateful-set-pod-never-evicted",
    /// What is too much is not deleted.
    NeverScalesDown = "stateful-set-never-scales-down",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::EvictionByForce), Action::Evict { ordinal }) => {
                let pod = state.pod(ordinal)?;
                pod.node.filter(|node| !state.hears(*node))?;
                Some(state.put_pod(ordinal, None))
            }
            (Some(Mutation::NoOrder), Action::SyncSet) => no_order(state),
            (Some(Mutation::FirstGoesFirst), Action::SyncSet) => {
                let next = state.sync_set()?;
                let deletes = matches!(next.request, Request::Delete(_));
                Some(if deletes { State { request: Request::Delete(0), ..next } } else { next })
            }
            (Some(Mutation::HastyKubelet), Action::ConfirmDeletion { ordinal }) => {
                state.pod(ordinal).filter(|pod| pod.deleting)?;
                Some(state.put_pod(ordinal, None))
            }
            (Some(Mutation::CreatesNothing), Action::SyncSet) => {
                let next = state.sync_set()?;
                (!matches!(next.request, Request::Create(_))).then_some(next)
            }
            (Some(Mutation::NeverEvicts), Action::Evict { .. }) => None,
            (Some(Mutation::NeverScalesDown), Action::SyncSet) => {
                let next = state.sync_set()?;
                (!matches!(next.request, Request::Delete(_))).then_some(next)
            }
            (_, action) => action.apply(state),
        }
    }
}

fn no_order(state: &State) -> Option<State> {
    let caches = state.store.caches().filter(|_| state.request == Request::None)?;
    let missing = |ordinal: &u8| caches.pods[usize::from(*ordinal)].is_none();
    match (0..caches.replicas).find(missing) {
        Some(ordinal) => Some(State { request: Request::Create(ordinal), ..*state }),
        None => state.sync_set(),
    }
}
