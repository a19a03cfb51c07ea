//! Mutations of the end of a namespace: each replaces one step and passes the rest through.

use super::{Action, Content, Operation, Phase, Progress, State};

crate::mutations! {
    /// The namespace controller begins at once, while another API server still admits creations.
    BeginsAtOnce = "k-36891",
    /// An apply that was admitted as an update creates its object, which was deleted meanwhile.
    UpdateCreates = "k-131421",
    /// A resource whose API cannot be discovered is taken to be empty.
    UndiscoveredIsEmpty = "namespace-skips-undiscovered",
    /// A Pod that is being deleted is taken to be gone.
    DeletingIsGone = "namespace-ignores-deleting-pods",
    /// The API server that has handled the deletion trusts its cache.
    NoLiveLookup = "namespace-without-live-lookup",
    /// Every API server looks the namespace up in the store.
    AlwaysLive = "namespace-always-live-lookup",
    /// Pods are removed without waiting for their end.
    PodsRemoved = "namespace-removes-pods",
    /// A resource of which something is left though it was deleted is not looked at again.
    NotRequeued = "namespace-not-requeued",
    /// A condition is written with the namespace as it was before its deletion.
    ConditionOverwrites = "namespace-condition-overwrites",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(BeginsAtOnce), Action::Begin) => state.begin(true),
            (Some(UpdateCreates), Action::Commit { client }) => {
                let request = state.request(client)?;
                let absent = state.content[usize::from(request.resource)] == Content::Absent;
                let creates = request.admitted == Some(Operation::Update) && absent;
                if creates { Some(state.created(client, request)) } else { action.apply(state) }
            }
            (Some(UndiscoveredIsEmpty), Action::FailDiscovery { resource }) => {
                let budgets = action.apply(state)?.budgets;
                let next = state.advanced(resource, Progress::ToList, Progress::Empty)?;
                Some(State { budgets, ..next })
            }
            (Some(DeletingIsGone), Action::List { resource }) => {
                state.list(resource, |content| content == Content::Present)
            }
            (Some(NoLiveLookup), Action::Admit { client }) => {
                state.admit(client, |state, server| state.caches[usize::from(server)])
            }
            (Some(AlwaysLive), Action::Admit { client }) => {
                state.admit(client, |state, _| state.phase != Phase::Active)
            }
            (Some(PodsRemoved), Action::DeleteCollection { resource }) => {
                state.delete_collection(resource, Content::Absent)
            }
            (Some(NotRequeued), Action::DeleteCollection { .. }) => {
                let next = action.apply(state)?;
                (next.content != state.content).then_some(next)
            }
            (Some(ConditionOverwrites), Action::FailDiscovery { .. }) => {
                let next = action.apply(state)?;
                Some(State { phase: Phase::Active, ..next })
            }
            (_, action) => action.apply(state),
        }
    }
}
