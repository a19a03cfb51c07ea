//! The claims about taints in zones. Their sentences stand in `specs/node.md`.

use super::{NODES, NodeZonesSlice, State, ZONE_OF};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<NodeZonesSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("NODE-4", EachStep(nobody_is_evicted_where_nobody_is_ready)),
        claim("NODE-5", Always(turns_of_a_zone_come_no_faster_than_its_rate)),
        claim("NODE-6", Reachable(a_whole_zone_is_tainted)),
        claim("NODE-7", Eventually(lost_nodes_are_tainted_unless_all_are)),
    ]
}

fn nobody_is_evicted_where_nobody_is_ready(
    _: &NodeZonesSlice,
    before: &State,
    after: &State,
) -> bool {
    let decides = after.asked.is_some_and(|patch| patch.tainted) && before.asked.is_none();
    !decides || before.store.caches().is_some_and(|seen| seen.has_ready())
}

fn turns_of_a_zone_come_no_faster_than_its_rate(_: &NodeZonesSlice, state: &State) -> bool {
    state.turns.iter().all(|turns| *turns <= 1)
}

fn a_whole_zone_is_tainted(_: &NodeZonesSlice, state: &State) -> bool {
    let objects = state.store.now();
    let mut zone = (0..NODES).filter(|node| ZONE_OF[*node] == 0);
    zone.all(|node| objects.nodes[node].tainted) && objects.has_ready()
}

fn lost_nodes_are_tainted_unless_all_are(_: &NodeZonesSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.nodes.iter().all(|node| node.tainted == (objects.has_ready() && !node.ready))
}
