//! The claims about the ranges of Nodes. Their sentences stand in `specs/node-ipam.md`.

use super::{NODES, Node, NodeIpamSlice, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<NodeIpamSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("NODEIPAM-1", Always(nobody_has_the_range_of_another)),
        claim("NODEIPAM-2", EachStep(a_node_keeps_its_range)),
        claim("NODEIPAM-3", Reachable(a_node_waits_for_a_range)),
        claim("NODEIPAM-4", Eventually(a_range_that_is_free_is_given)),
    ]
}

fn having(state: &State) -> usize {
    state.store.now().nodes.iter().flatten().filter(|node| node.has_range).count()
}

fn nobody_has_the_range_of_another(_: &NodeIpamSlice, state: &State) -> bool {
    having(state) <= 1
}

fn a_node_keeps_its_range(_: &NodeIpamSlice, before: &State, after: &State) -> bool {
    let (before, after) = (before.store.now().nodes, after.store.now().nodes);
    let keeps = |had: &Option<Node>, has: &Option<Node>| match (had, has) {
        (Some(had), Some(has)) if had.uid == has.uid => !had.has_range || has.has_range,
        _ => true,
    };
    (0..NODES).all(|node| keeps(&before[node], &after[node]))
}

fn a_node_waits_for_a_range(_: &NodeIpamSlice, state: &State) -> bool {
    having(state) == 1 && state.store.now().nodes.iter().flatten().count() == NODES
}

fn a_range_that_is_free_is_given(_: &NodeIpamSlice, state: &State) -> bool {
    having(state) == 1 || state.store.now().nodes == [None; NODES]
}
