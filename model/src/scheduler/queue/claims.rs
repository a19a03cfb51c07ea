//! The claims about the scheduling queue. Their sentences stand in `specs/scheduler.md`.

use super::{Attempt, PODS, Pod, QueueSlice, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<QueueSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("SCHEDULER-11", Always(a_pod_that_waits_is_in_one_place)),
        claim("SCHEDULER-12", Always(who_is_unschedulable_has_no_room)),
        claim("SCHEDULER-13", EachStep(only_events_that_may_help_wake)),
        claim("SCHEDULER-14", EachStep(who_backs_off_is_tried_last)),
        claim("SCHEDULER-15", Eventually(scheduling_progresses)),
        claim("SCHEDULER-16", Reachable(an_event_comes_while_a_pod_is_tried)),
    ]
}

fn a_pod_that_waits_is_in_one_place(_: &QueueSlice, state: &State) -> bool {
    (0..PODS as u8).all(|pod| {
        let queued = state.queued(pod);
        let waits = state.is_pending(pod) && !queued.assumed;
        queued.places() <= 1 && (!waits || queued.places() == 1)
    })
}

fn who_is_unschedulable_has_no_room(_: &QueueSlice, state: &State) -> bool {
    state.room() == 0 || state.queue.iter().all(|queued| !queued.unschedulable)
}

fn only_events_that_may_help_wake(_: &QueueSlice, before: &State, after: &State) -> bool {
    (0..PODS as u8).all(|pod| {
        let wakes = before.queued(pod).unschedulable && !after.queued(pod).unschedulable;
        !wakes || after.room() > before.room() || !after.is_pending(pod)
    })
}

fn who_backs_off_is_tried_last(_: &QueueSlice, before: &State, after: &State) -> bool {
    let tried = |state: &State, pod| matches!(state.queued(pod).attempt, Attempt::Deciding { .. });
    (0..PODS as u8).all(|pod| {
        let begins = tried(after, pod) && !tried(before, pod);
        let others_wait = before.queue.iter().any(|queued| queued.active);
        let early = begins && before.queued(pod).backing_off;
        !early || !others_wait && !before.queued(pod).failed
    })
}

fn scheduling_progresses(_: &QueueSlice, state: &State) -> bool {
    let objects = state.store.now();
    let room = objects.bound() < usize::from(objects.allocatable);
    !room || !objects.pods.contains(&Pod::Pending)
}

fn an_event_comes_while_a_pod_is_tried(_: &QueueSlice, state: &State) -> bool {
    let told = |attempt: Attempt| attempt == Attempt::Deciding { fits: false, moved: true };
    state.queue.iter().any(|queued| told(queued.attempt))
}
