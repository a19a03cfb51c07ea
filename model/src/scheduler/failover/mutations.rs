//! Mutations of two schedulers: each replaces one step and passes the rest through.

use super::{Action, PODS, Phase, State};

crate::mutations! {
    /// Who does not lead schedules too.
    StandbySchedules = "failover-standby-schedules",
    /// A Binding that arrives late replaces the one that is there.
    LateBindingOverwrites = "failover-late-binding-overwrites",
    /// The leader counts what its informer shows, and not what it assumes.
    AssumedForgotten = "failover-forgets-assumed-pods",
    /// A kubelet runs every Pod that is bound to its Node.
    EverythingAdmitted = "failover-kubelet-skips-admission",
    /// A new leader has read everything, and whatever the old one had sent is refused.
    OldLeaderFenced = "failover-fences-old-leader",
    /// The Lease of a holder that is silent is never taken.
    SilentLeaseStays = "failover-never-takes-silent-lease",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::StandbySchedules), Action::Schedule { scheduler, pod, node }) => {
                let fits = state.waits(scheduler, pod) && state.used(scheduler, node) == 0;
                fits.then(|| state.assuming(scheduler, pod, node))
            }
            (Some(Mutation::LateBindingOverwrites), Action::CommitLateBinding { pod }) => {
                let node = state.late_bindings[usize::from(pod)]?;
                let next = action.apply(state)?;
                Some(if next.pod(pod).node == Some(node) { next } else { next.bound(pod, node) })
            }
            (Some(Mutation::AssumedForgotten), Action::Schedule { scheduler, pod, node }) => {
                let free = state.informed(scheduler).bound_to(node) == 0;
                let fits = free && state.waits(scheduler, pod) && state.scheduler(scheduler).leads;
                fits.then(|| state.assuming(scheduler, pod, node))
            }
            (Some(Mutation::EverythingAdmitted), Action::Admit { pod }) => {
                state.awaiting_admission(pod)?;
                Some(state.reported(pod, Phase::Running))
            }
            (Some(Mutation::EverythingAdmitted), Action::Reject { .. }) => None,
            (Some(Mutation::OldLeaderFenced), Action::Lead { scheduler }) => {
                let late_bindings = [None; PODS];
                let mut next = State { late_bindings, ..action.apply(state)? };
                next.store.list(usize::from(scheduler));
                Some(next)
            }
            (Some(Mutation::SilentLeaseStays), Action::Lead { .. }) => {
                let next = action.apply(state)?;
                state.lease.holder.is_none().then_some(next)
            }
            (_, action) => action.apply(state),
        }
    }
}
