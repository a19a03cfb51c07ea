//! The claims about disruption. Their sentences stand in `specs/disruption.md`.

use super::{DisruptionSlice, Eviction, Objects, PODS, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario. The one whose breach may follow from another's comes after it.
pub(super) fn all() -> Vec<Claim<DisruptionSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("DISRUPTION-3", EachStep(none_is_evicted_at_zero)),
        claim("DISRUPTION-4", EachStep(none_is_evicted_by_an_old_generation)),
        claim("DISRUPTION-2", EachStep(an_eviction_is_recorded)),
        claim("DISRUPTION-1", EachStep(an_eviction_leaves_enough)),
        claim("DISRUPTION-5", Always(no_more_is_allowed_than_is_true)),
        claim("DISRUPTION-6", Reachable(an_evicted_pod_goes)),
        claim("DISRUPTION-7", Reachable(the_last_disruption_is_spent)),
        claim("DISRUPTION-8", Eventually(an_eviction_is_possible_again)),
        claim("DISRUPTION-9", Eventually(the_generation_is_observed)),
    ]
}

/// The Pod whose eviction is granted in this step.
fn granted(before: &State, after: &State) -> Option<usize> {
    (0..PODS).find(|number| {
        before.evictions[*number] != Eviction::Granted
            && after.evictions[*number] == Eviction::Granted
    })
}

fn healthy(state: &State, counts: impl Fn(usize, &Objects) -> bool) -> u8 {
    let objects = state.store.now();
    let healthy = |number: &usize| objects.pods[*number].is_some_and(|pod| pod.is_healthy());
    (0..PODS).filter(healthy).filter(|number| counts(*number, &objects)).count() as u8
}

fn an_eviction_leaves_enough(_: &DisruptionSlice, before: &State, after: &State) -> bool {
    let stays = |number: usize, _: &Objects| after.evictions[number] != Eviction::Granted;
    granted(before, after).is_none()
        || healthy(after, stays) >= after.store.now().budget.min_available
}

fn an_eviction_is_recorded(_: &DisruptionSlice, before: &State, after: &State) -> bool {
    let (was, is) = (before.store.now().budget, after.store.now().budget);
    granted(before, after).is_none_or(|pod| {
        is.disrupted_pods[pod] && is.disruptions_allowed + 1 == was.disruptions_allowed
    })
}

fn none_is_evicted_at_zero(_: &DisruptionSlice, before: &State, after: &State) -> bool {
    granted(before, after).is_none() || before.store.now().budget.disruptions_allowed > 0
}

fn none_is_evicted_by_an_old_generation(
    _: &DisruptionSlice,
    before: &State,
    after: &State,
) -> bool {
    granted(before, after).is_none() || before.store.now().budget.is_observed()
}

fn no_more_is_allowed_than_is_true(_: &DisruptionSlice, state: &State) -> bool {
    let budget = state.store.now().budget;
    let stays = |number: usize, objects: &Objects| !objects.budget.disrupted_pods[number];
    let allowed = healthy(state, stays).saturating_sub(budget.min_available);
    !budget.is_observed() || budget.disruptions_allowed <= allowed
}

fn an_evicted_pod_goes(_: &DisruptionSlice, state: &State) -> bool {
    state.store.now().pods.iter().any(Option::is_none)
}

fn the_last_disruption_is_spent(_: &DisruptionSlice, state: &State) -> bool {
    let budget = state.store.now().budget;
    let waits = |eviction: &Eviction| matches!(eviction, Eviction::Checked(_));
    budget.disruptions_allowed == 0
        && budget.disrupted_pods.contains(&true)
        && state.evictions.iter().any(waits)
}

fn an_eviction_is_possible_again(_: &DisruptionSlice, state: &State) -> bool {
    let budget = state.store.now().budget;
    budget.allows_eviction() || usize::from(budget.min_available) >= PODS
}

fn the_generation_is_observed(_: &DisruptionSlice, state: &State) -> bool {
    state.store.now().budget.is_observed()
}
