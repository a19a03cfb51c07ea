//! The claims about StatefulSets. Their sentences stand in `specs/stateful-set.md`.

use super::{FAR, NODES, ORDINALS, Objects, Request, State, StatefulSetSlice};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<StatefulSetSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("STATEFULSET-1", Always(at_most_one_runs_per_identity)),
        claim("STATEFULSET-2", EachStep(predecessors_are_ready)),
        claim("STATEFULSET-3", EachStep(the_last_goes_first)),
        claim("STATEFULSET-4", Always(what_runs_has_a_pod)),
        claim("STATEFULSET-5", Reachable(all_are_ready)),
        claim("STATEFULSET-6", Reachable(a_terminating_pod_runs_on_a_node_that_is_cut_off)),
        claim("STATEFULSET-7", Eventually(all_are_ready)),
        claim("STATEFULSET-8", Eventually(no_more_pods_than_replicas)),
    ]
}

fn at_most_one_runs_per_identity(_: &StatefulSetSlice, state: &State) -> bool {
    let runs = |ordinal: usize| state.running.iter().filter(|node| node[ordinal]).count();
    (0..ORDINALS).all(|ordinal| runs(ordinal) <= 1)
}

/// What the controller asks for in this step, if anything.
fn asked(before: &State, after: &State) -> Request {
    if before.request == Request::None { after.request } else { Request::None }
}

fn predecessors_are_ready(_: &StatefulSetSlice, before: &State, after: &State) -> bool {
    let Request::Create(ordinal) = asked(before, after) else { return true };
    before.store.caches().is_some_and(|caches| {
        let predecessors = caches.pods[..usize::from(ordinal)].iter();
        predecessors.into_iter().all(|pod| pod.is_some_and(|pod| pod.ready && !pod.deleting))
    })
}

fn the_last_goes_first(_: &StatefulSetSlice, before: &State, after: &State) -> bool {
    let Request::Delete(ordinal) = asked(before, after) else { return true };
    let is_last =
        |caches: Objects| caches.pods[usize::from(ordinal) + 1..].iter().all(Option::is_none);
    before.store.caches().is_some_and(is_last)
}

fn what_runs_has_a_pod(_: &StatefulSetSlice, state: &State) -> bool {
    let has_pod = |node: usize, ordinal: usize| {
        state.pod(ordinal as u8).is_some_and(|pod| pod.node.map(usize::from) == Some(node))
    };
    let slots = (0..NODES).flat_map(|node| (0..ORDINALS).map(move |ordinal| (node, ordinal)));
    slots.into_iter().all(|(node, ordinal)| !state.running[node][ordinal] || has_pod(node, ordinal))
}

fn all_are_ready(_: &StatefulSetSlice, state: &State) -> bool {
    state.store.now().first_unwell().is_none()
}

fn a_terminating_pod_runs_on_a_node_that_is_cut_off(_: &StatefulSetSlice, state: &State) -> bool {
    state.partitioned
        && (0..ORDINALS as u8).any(|ordinal| {
            let runs = state.running[FAR][usize::from(ordinal)];
            // A Pod that the controller or a client deletes is on its way out as well.
            let evicted = state.budgets.deletions > 0 && state.budgets.scales > 0;
            runs && evicted && state.pod(ordinal).is_some_and(|pod| pod.deleting)
        })
}

fn no_more_pods_than_replicas(_: &StatefulSetSlice, state: &State) -> bool {
    state.store.now().last_condemned().is_none()
}
