//! The claims about what Nodes are told. Their sentences stand in `specs/node-ttl.md`.

use super::{BOTH, NodeTtlSlice, State, Ttl};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<NodeTtlSlice>> {
    use Fact::{EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("NODETTL-1", EachStep(a_node_is_told_what_suits_the_cluster)),
        claim("NODETTL-2", EachStep(a_size_that_suits_is_kept)),
        claim("NODETTL-3", Reachable(two_nodes_are_a_large_cluster)),
        claim("NODETTL-4", Eventually(every_node_is_told)),
    ]
}

/// How many Nodes the controller sees.
fn seen(state: &State) -> usize {
    state.store.caches().map_or(0, |seen| seen.count())
}

fn a_node_is_told_what_suits_the_cluster(_: &NodeTtlSlice, before: &State, after: &State) -> bool {
    let decides = after.asked.filter(|_| before.asked.is_none());
    decides.is_none_or(|(_, ttl)| ttl.suits(seen(before)))
}

fn a_size_that_suits_is_kept(_: &NodeTtlSlice, before: &State, after: &State) -> bool {
    let restarts = after.budgets.crashes < before.budgets.crashes;
    after.size == before.size || restarts || !before.size.suits(seen(before))
}

fn two_nodes_are_a_large_cluster(_: &NodeTtlSlice, state: &State) -> bool {
    let nodes = state.store.now().nodes;
    nodes.iter().filter(|ttl| **ttl == Some(Ttl::Long)).count() == BOTH && nodes.contains(&None)
}

fn every_node_is_told(_: &NodeTtlSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.nodes.iter().flatten().all(|ttl| ttl.suits(objects.count()))
}
