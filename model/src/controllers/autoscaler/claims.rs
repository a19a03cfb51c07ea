//! The claims about autoscalers. Their sentences stand in `specs/horizontal-pod-autoscaler.md`.

use super::{AutoscalerSlice, MAX, MIN, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<AutoscalerSlice>> {
    use Fact::{EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("AUTOSCALER-1", EachStep(what_is_written_is_within_the_limits)),
        claim("AUTOSCALER-2", EachStep(without_metrics_only_the_limits_count)),
        claim("AUTOSCALER-3", EachStep(what_a_client_scaled_meanwhile_stays)),
        claim("AUTOSCALER-4", Reachable(a_client_scales_beyond_the_limits)),
        claim("AUTOSCALER-5", Eventually(there_are_as_many_as_metrics_ask_for)),
    ]
}

/// Whether a step is a write of the controller.
fn is_written(before: &State, after: &State) -> bool {
    let has_decided = before.round.is_some_and(|round| round.desired.is_some());
    has_decided && after.round.is_none() && after.scale.version > before.scale.version
}

fn is_allowed(replicas: u8) -> bool {
    (MIN..=MAX).contains(&replicas)
}

fn what_is_written_is_within_the_limits(
    _: &AutoscalerSlice,
    before: &State,
    after: &State,
) -> bool {
    !is_written(before, after) || is_allowed(after.scale.replicas)
}

fn without_metrics_only_the_limits_count(
    _: &AutoscalerSlice,
    before: &State,
    after: &State,
) -> bool {
    let is_measured = before.round.is_some_and(|round| round.is_measured);
    !is_written(before, after) || is_measured || !is_allowed(before.scale.replicas)
}

fn what_a_client_scaled_meanwhile_stays(
    _: &AutoscalerSlice,
    before: &State,
    after: &State,
) -> bool {
    let is_as_read = before.round.is_some_and(|round| round.read == before.scale);
    !is_written(before, after) || (is_as_read && before.scale.replicas > 0)
}

fn a_client_scales_beyond_the_limits(_: &AutoscalerSlice, state: &State) -> bool {
    state.scale.replicas > MAX && state.round.is_some_and(|round| round.desired.is_some())
}

fn there_are_as_many_as_metrics_ask_for(_: &AutoscalerSlice, state: &State) -> bool {
    let is_asked = |wish: u8| wish.clamp(MIN, MAX) == state.scale.replicas;
    let rests = state.scale.replicas == 0;
    rests || (is_allowed(state.scale.replicas) && state.metrics.is_none_or(is_asked))
}
