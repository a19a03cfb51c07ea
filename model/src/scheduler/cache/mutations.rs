//! Mutations of the scheduler's cache: each replaces one step, or a part of it, and passes the rest
//! through.

use super::{Action, Binding, Cache, NODES, NodeInfo, PODS, State};

crate::mutations! {
    /// The deletion of a Node is missed, and nothing ever tells: the scheduler would drop a Node
    /// that a Binding does not find, but a Binding does not look for it.
    MissedNodeDeletion = "k-94437",
    /// The deletion of a Pod is missed: the cache keeps counting it, on a Node of the same name too.
    MissedPodDeletion = "k-51313",
    /// A Node is removed with its Pods. What is then heard of one of them brings a NodeInfo back
    /// that holds this one only.
    PodsGoWithNode = "k-89552",
    /// A Node is removed with its Pods, and what is then heard of them is skipped. When the Node is
    /// registered again, it seems empty.
    PodsForgotten = "k-93938",
    /// A Pod whose Binding failed stays assumed.
    FailedBindingStays = "scheduler-keeps-failed-assumption",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::MissedNodeDeletion), Action::RelistNodes) => {
                let listed = state.listed_nodes()?;
                let there = listed.informed_nodes();
                let told = (0..NODES as u8).filter(|node| there[usize::from(*node)]);
                Some(told.fold(listed, State::told_of_node))
            }
            (Some(Mutation::MissedPodDeletion), Action::RelistPods) => {
                let listed = state.listed_pods()?;
                let there = listed.informed_pods();
                let told = (0..PODS as u8).filter(|pod| there[usize::from(*pod)].is_some());
                Some(told.fold(listed, State::told_of_pod))
            }
            (Some(Mutation::PodsGoWithNode), Action::DeliverNode | Action::RelistNodes)
            | (Some(Mutation::PodsForgotten), _) => {
                let mut next = action.apply(state)?;
                next.cache = without_pods_of_missing_nodes(next.cache);
                Some(next)
            }
            (Some(Mutation::FailedBindingStays), Action::FinishBinding { pod }) => {
                let cache = state.cache;
                let failed = state.bindings[usize::from(pod)] == Binding::Failed;
                let next = action.apply(state)?;
                Some(if failed { State { cache, ..next } } else { next })
            }
            (_, action) => action.apply(state),
        }
    }
}

fn without_pods_of_missing_nodes(cache: Cache) -> Cache {
    let infos = cache.infos.map(|info| match info.node {
        true => info,
        false => NodeInfo { pods: [false; PODS], ..info },
    });
    Cache { infos, ..cache }
}
