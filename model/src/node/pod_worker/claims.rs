//! The claims about pod workers. Their sentences stand in `specs/pod.md` and `specs/kubelet.md`.

use super::{Container, PODS, Phase, PodWorkerSlice, State, Work};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<PodWorkerSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("POD-7", EachStep(phases_are_monotone)),
        claim("POD-8", EachStep(nothing_starts_once_termination_began)),
        claim("POD-9", Eventually(what_has_ended_is_reported_and_removed)),
        claim("POD-10", Eventually(what_is_wanted_runs_and_is_ready)),
        claim("KUBELET-4", Always(nothing_runs_in_a_final_phase)),
        claim("KUBELET-5", Always(what_seems_free_is_free)),
        claim("KUBELET-6", Always(who_was_placed_is_admitted)),
        claim("KUBELET-7", Always(readiness_is_true)),
        claim("KUBELET-8", Reachable(a_container_is_replaced_before_it_is_reported)),
    ]
}

fn pods() -> std::ops::Range<u8> {
    0..PODS as u8
}

fn phases_are_monotone(_: &PodWorkerSlice, before: &State, after: &State) -> bool {
    pods().all(|pod| match (before.object(pod), after.object(pod)) {
        (Some(was), Some(is)) if was.phase.is_terminal() => was.phase == is.phase,
        (Some(was), Some(is)) => was.phase <= is.phase,
        (_, _) => true,
    })
}

fn nothing_starts_once_termination_began(
    _: &PodWorkerSlice,
    before: &State,
    after: &State,
) -> bool {
    let runs = |state: &State, pod| matches!(state.container(pod), Container::Running { .. });
    pods().all(|pod| {
        let starts = runs(after, pod) && !runs(before, pod);
        !starts || before.worker(pod).work == Work::Syncing
    })
}

fn nothing_runs_in_a_final_phase(_: &PodWorkerSlice, state: &State) -> bool {
    pods().all(|pod| {
        let ended = state.object(pod).is_some_and(|object| object.phase.is_terminal());
        !ended || !state.container(pod).is_live()
    })
}

fn what_seems_free_is_free(_: &PodWorkerSlice, state: &State) -> bool {
    pods().all(|pod| {
        let free = state.object(pod).is_none_or(|object| object.phase.is_terminal());
        !free || !state.worker(pod).holds()
    })
}

fn who_was_placed_is_admitted(_: &PodWorkerSlice, state: &State) -> bool {
    pods().all(|pod| state.worker(pod).work != Work::Rejected)
}

fn readiness_is_true(_: &PodWorkerSlice, state: &State) -> bool {
    pods().all(|pod| {
        let ready = state.object(pod).is_some_and(|object| object.ready);
        let unprobed = Container::Running { probed: false, reported: true };
        !ready || state.container(pod) != unprobed
    })
}

fn a_container_is_replaced_before_it_is_reported(_: &PodWorkerSlice, state: &State) -> bool {
    pods().any(|pod| {
        let ready = state.object(pod).is_some_and(|object| object.ready);
        ready && matches!(state.container(pod), Container::Running { reported: false, .. })
    })
}

fn what_has_ended_is_reported_and_removed(_: &PodWorkerSlice, state: &State) -> bool {
    pods().all(|pod| {
        let reported = |phase: Phase| phase.is_terminal() || !state.has_ended(pod);
        state.object(pod).is_none_or(|object| !object.deleting && reported(object.phase))
    })
}

fn what_is_wanted_runs_and_is_ready(_: &PodWorkerSlice, state: &State) -> bool {
    pods().all(|pod| {
        let runs = state.container(pod) == Container::Running { probed: true, reported: true };
        let settled = |object: super::Pod| object.deleting || object.phase.is_terminal();
        state.object(pod).is_none_or(|object| settled(object) || object.ready && runs)
    })
}
