//! The claims about preemption. Their sentences stand in `specs/scheduler.md`.

use super::{HIGH, PODS, PRIORITY, PROTECTED, PreemptionSlice, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<PreemptionSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("SCHEDULER-17", Always(only_lower_priority_is_preempted)),
        claim("SCHEDULER-18", EachStep(the_place_of_a_nominated_pod_is_kept)),
        // A run ends with the first claim that a step breaks, and one step may break both of these.
        claim("SCHEDULER-20", EachStep(one_place_costs_one_pod)),
        claim("SCHEDULER-19", EachStep(a_disruption_budget_is_respected_where_possible)),
        claim("SCHEDULER-21", Eventually(the_preemptor_is_bound)),
        claim("SCHEDULER-22", Eventually(nominations_name_nodes_that_exist)),
        claim("SCHEDULER-23", Reachable(a_protected_pod_is_preempted)),
    ]
}

fn only_lower_priority_is_preempted(_: &PreemptionSlice, state: &State) -> bool {
    let priority = |pod: u8| PRIORITY[usize::from(pod)];
    let eviction = state.scheduler.eviction;
    eviction.is_none_or(|of| priority(of.victim) < priority(of.preemptor))
}

fn the_place_of_a_nominated_pod_is_kept(
    _: &PreemptionSlice,
    before: &State,
    after: &State,
) -> bool {
    (0..PODS).all(|pod| {
        let assumed =
            after.scheduler.assumed[pod].filter(|_| before.scheduler.assumed[pod].is_none());
        let promised = (0..PODS as u8).any(|other| {
            let above = PRIORITY[usize::from(other)] > PRIORITY[pod];
            above && before.nominated(other) == assumed.map(|assumed| assumed.node)
        });
        assumed.is_none() || !promised
    })
}

fn a_disruption_budget_is_respected_where_possible(
    _: &PreemptionSlice,
    before: &State,
    after: &State,
) -> bool {
    let eviction = after.scheduler.eviction.filter(|_| before.scheduler.eviction.is_none());
    let violates = eviction.filter(|eviction| eviction.victim == PROTECTED);
    violates.is_none_or(|eviction| !before.has_unprotected_victim(eviction.preemptor))
}

/// Who is preempted is the first, as long as nothing went wrong; whatever went wrong, no other
/// terminates on the Node that the preemptor waits for.
fn one_place_costs_one_pod(slice: &PreemptionSlice, before: &State, after: &State) -> bool {
    let Some(eviction) = after.scheduler.eviction.filter(|_| before.scheduler.eviction.is_none())
    else {
        return true;
    };
    let undisturbed = after.budgets == slice.budgets;
    let (pods, nodes) = (before.store.now().pods, before.informed().nodes);
    let promised = before.nominated(eviction.preemptor).filter(|at| nodes[usize::from(*at)]);
    let costs = |pod: usize| match pods[pod] {
        None => undisturbed && !before.to_create[pod],
        Some(object) => {
            let waited_for = promised.is_some() && object.node == promised;
            object.deleting && (undisturbed || waited_for)
        }
    };
    (0..PODS).all(|pod| pod == usize::from(eviction.victim) || !costs(pod))
}

fn the_preemptor_is_bound(_: &PreemptionSlice, state: &State) -> bool {
    let objects = state.store.now();
    let there = |node: u8| objects.nodes[usize::from(node)];
    objects.pods[usize::from(HIGH)].is_none_or(|object| object.node.is_some_and(there))
}

fn nominations_name_nodes_that_exist(_: &PreemptionSlice, state: &State) -> bool {
    let objects = state.store.now();
    let is_there = |node: u8| objects.nodes[usize::from(node)];
    let written = objects.pods.iter().flatten().filter_map(|object| object.nominated);
    let remembered = (0..PODS as u8).filter_map(|pod| state.nominated(pod));
    written.chain(remembered).all(is_there)
}

fn a_protected_pod_is_preempted(_: &PreemptionSlice, state: &State) -> bool {
    state.scheduler.eviction.is_some_and(|eviction| eviction.victim == PROTECTED)
}
