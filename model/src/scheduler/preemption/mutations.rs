//! Mutations of preemption: each replaces one step and passes the rest through.

use super::{Action, NODES, PRIORITY, PROTECTED, State};

crate::mutations! {
    /// Pods of the same priority are preempted too.
    EqualPriority = "preemption-takes-equal-priority",
    /// A Node is tried without the Pods that are nominated to it.
    NominatedIgnored = "scheduler-ignores-nominated-pods",
    /// The first victim that is found will do, whatever protects it.
    BudgetIgnored = "preemption-ignores-disruption-budget",
    /// A Pod that is covered by a PodDisruptionBudget is never preempted.
    ProtectedRefused = "preemption-refuses-protected-pods",
    /// While its victim terminates, a Pod that is tried again finds another victim.
    TerminatingIgnored = "preemption-ignores-terminating-victims",
    /// A Pod that is nominated waits, whether or not a victim terminates.
    WaitsWithoutVictim = "preemptor-waits-without-victims",
    /// A Pod waits for the place on a Node that is gone.
    WaitsForMissingNode = "nomination-outlives-node",
    /// A Binding leaves the nomination in the status, wherever the Pod went.
    NominationKept = "binding-keeps-nomination",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::EqualPriority), Action::Preempt { pod, node }) => {
                let equal =
                    |victim: &u8| PRIORITY[usize::from(*victim)] <= PRIORITY[usize::from(pod)];
                let there = state.informed().nodes[usize::from(node)];
                let victim = state.occupant(node).filter(equal).filter(|_| there)?;
                state.may_preempt(pod).then(|| state.preempting(pod, node, victim))
            }
            (Some(Mutation::NominatedIgnored), Action::Schedule { pod, node }) => {
                let fits = state.waits(pod) && state.has_place(node);
                fits.then(|| state.assuming(pod, node))
            }
            (Some(Mutation::BudgetIgnored), Action::Preempt { pod, node }) => {
                let victim = state.lower_occupant(pod, node)?;
                state.may_preempt(pod).then(|| state.preempting(pod, node, victim))
            }
            (Some(Mutation::ProtectedRefused), Action::Preempt { pod, node }) => {
                let victim = state.victim(pod, node).filter(|victim| *victim != PROTECTED)?;
                state.may_preempt(pod).then(|| state.preempting(pod, node, victim))
            }
            (Some(Mutation::TerminatingIgnored), Action::Preempt { pod, node }) => {
                let living = |node| {
                    state.lower_occupant(pod, node).filter(|victim| !state.terminates(*victim))
                };
                let unprotected = |node| living(node).is_some_and(|victim| victim != PROTECTED);
                let victim = living(node)?;
                let spared = victim == PROTECTED && (0..NODES as u8).any(unprotected);
                let tries = state.fits_nowhere(pod) && !spared;
                tries.then(|| state.preempting(pod, node, victim))
            }
            (Some(Mutation::WaitsWithoutVictim), Action::Preempt { pod, .. }) => {
                let next = action.apply(state)?;
                state.nominated(pod).is_none().then_some(next)
            }
            (Some(Mutation::WaitsForMissingNode), Action::Preempt { pod, .. }) => {
                let next = action.apply(state)?;
                let nodes = state.informed().nodes;
                let there = state.nominated(pod).is_none_or(|node| nodes[usize::from(node)]);
                there.then_some(next)
            }
            (Some(Mutation::NominationKept), Action::CommitBinding { pod }) => {
                state.binding_committed(pod, |object| object.nominated)
            }
            (_, action) => action.apply(state),
        }
    }
}
