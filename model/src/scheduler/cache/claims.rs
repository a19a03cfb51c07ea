//! The claims about the scheduler's cache. Their sentences stand in `specs/scheduler.md`.

use super::{CacheSlice, NODES, PLACES, PODS, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<CacheSlice>> {
    use Fact::{Always, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("SCHEDULER-5", Always(capacity_is_counted_exactly)),
        claim("SCHEDULER-6", Always(nodes_are_those_of_the_informer)),
        claim("SCHEDULER-7", Always(no_node_is_overbooked)),
        claim("SCHEDULER-8", Always(never_panics)),
        claim("SCHEDULER-9", Eventually(every_place_that_is_wanted_is_taken)),
        claim("SCHEDULER-10", Reachable(pods_outlive_their_node)),
    ]
}

fn capacity_is_counted_exactly(_: &CacheSlice, state: &State) -> bool {
    let pods = state.informed_pods();
    (0..PODS).all(|pod| {
        let assumed = state.cache.pods[pod].filter(|placement| placement.assumed);
        let place =
            pods[pod].and_then(|seen| seen.node.or(assumed.map(|placement| placement.node)));
        let holds = |node: usize| state.cache.infos[node].pods[pod];
        (0..NODES).all(|node| holds(node) == (place.map(usize::from) == Some(node)))
    })
}

fn nodes_are_those_of_the_informer(_: &CacheSlice, state: &State) -> bool {
    state.cache.infos.map(|info| info.node) == state.informed_nodes()
}

fn no_node_is_overbooked(_: &CacheSlice, state: &State) -> bool {
    let pods = state.pods.now();
    (0..NODES).all(|node| pods.bound_to(node) <= PLACES[node])
}

fn never_panics(_: &CacheSlice, state: &State) -> bool {
    !state.cache.panicked
}

fn every_place_that_is_wanted_is_taken(_: &CacheSlice, state: &State) -> bool {
    let (pods, nodes) = (state.pods.now(), state.nodes.now());
    let is_there = |node: &usize| nodes.there[*node];
    let places: usize = (0..NODES).filter(is_there).map(|node| PLACES[node]).sum();
    let bound: usize = (0..NODES).filter(is_there).map(|node| pods.bound_to(node)).sum();
    bound >= places.min(PODS)
}

fn pods_outlive_their_node(_: &CacheSlice, state: &State) -> bool {
    state.cache.infos.iter().any(|info| !info.node && info.used() > 0)
}
