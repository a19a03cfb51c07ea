//! The claims about DaemonSets. Their sentences stand in `specs/daemon-set.md`.

use super::{DaemonSetSlice, Expected, NODES, Pod, Request, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<DaemonSetSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("DAEMONSET-1", Always(at_most_one_per_node)),
        claim("DAEMONSET-2", EachStep(it_asks_for_eligible_nodes)),
        claim("DAEMONSET-3", EachStep(it_asks_when_it_has_seen_all)),
        claim("DAEMONSET-4", Reachable(every_node_has_one)),
        claim("DAEMONSET-5", Eventually(every_eligible_node_has_one)),
        claim("DAEMONSET-6", Eventually(no_other_node_has_one)),
    ]
}

fn active(state: &State, node: usize) -> usize {
    state.store.now().pods[node].iter().filter(|pod| **pod == Pod::Active).count()
}

fn at_most_one_per_node(_: &DaemonSetSlice, state: &State) -> bool {
    (0..NODES).all(|node| active(state, node) <= 1)
}

fn asks(before: &State, after: &State) -> bool {
    before.request == Request::None && after.request != Request::None
}

fn it_asks_for_eligible_nodes(_: &DaemonSetSlice, before: &State, after: &State) -> bool {
    let Request::Create(node) = after.request else { return true };
    let eligible = |caches: super::Objects| caches.eligible[usize::from(node)];
    !asks(before, after) || before.store.caches().is_some_and(eligible)
}

fn it_asks_when_it_has_seen_all(_: &DaemonSetSlice, before: &State, after: &State) -> bool {
    !asks(before, after) || before.expected == Expected::None
}

fn every_node_has_one(_: &DaemonSetSlice, state: &State) -> bool {
    (0..NODES).all(|node| active(state, node) == 1)
}

fn every_eligible_node_has_one(_: &DaemonSetSlice, state: &State) -> bool {
    let eligible = state.store.now().eligible;
    (0..NODES).all(|node| !eligible[node] || active(state, node) == 1)
}

fn no_other_node_has_one(_: &DaemonSetSlice, state: &State) -> bool {
    let eligible = state.store.now().eligible;
    (0..NODES).all(|node| eligible[node] || active(state, node) == 0)
}
