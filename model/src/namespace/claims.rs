//! The claims about namespaces. Their sentences stand in `specs/namespace.md`.

use super::{Content, NamespaceSlice, Operation, PODS, Phase, RESOURCES, Request, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<NamespaceSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("NAMESPACE-1", Always(nothing_outlives_its_namespace)),
        claim("NAMESPACE-2", EachStep(nothing_is_created_while_content_is_deleted)),
        claim("NAMESPACE-3", EachStep(who_deletes_admits_no_creation)),
        claim("NAMESPACE-4", EachStep(the_finalizer_waits_for_the_content)),
        claim("NAMESPACE-5", EachStep(the_end_is_not_taken_back)),
        claim("NAMESPACE-6", Reachable(a_cache_that_lags_admits)),
        claim("NAMESPACE-7", Reachable(a_pod_is_waited_for)),
        claim("NAMESPACE-8", Eventually(no_namespace_terminates_for_ever)),
    ]
}

fn nothing_outlives_its_namespace(_: &NamespaceSlice, state: &State) -> bool {
    state.phase != Phase::Gone || state.content == [Content::Absent; RESOURCES]
}

fn nothing_is_created_while_content_is_deleted(
    _: &NamespaceSlice,
    before: &State,
    after: &State,
) -> bool {
    let created = |(was, is): (&Content, &Content)| *was == Content::Absent && was != is;
    let deletes = before.phase == Phase::Terminating && before.controller.progress.is_some();
    !deletes || !before.content.iter().zip(&after.content).any(created)
}

fn who_deletes_admits_no_creation(_: &NamespaceSlice, before: &State, after: &State) -> bool {
    let admitted = before.requests.iter().zip(after.requests).any(|(was, is)| {
        let creates = is.is_some_and(|is| is.server == 0 && is.admitted == Some(Operation::Create));
        creates && was.is_some_and(|was| was.admitted.is_none())
    });
    before.phase == Phase::Active || !admitted
}

fn the_finalizer_waits_for_the_content(_: &NamespaceSlice, before: &State, after: &State) -> bool {
    let removed = before.phase == Phase::Terminating && after.phase == Phase::Gone;
    !removed || before.content == [Content::Absent; RESOURCES]
}

fn the_end_is_not_taken_back(_: &NamespaceSlice, before: &State, after: &State) -> bool {
    after.phase >= before.phase
}

fn a_cache_that_lags_admits(_: &NamespaceSlice, state: &State) -> bool {
    let creates = |request: &Request| request.late && request.admitted == Some(Operation::Create);
    state.requests.iter().flatten().any(creates)
}

fn a_pod_is_waited_for(_: &NamespaceSlice, state: &State) -> bool {
    state.phase == Phase::Terminating && state.content[PODS] == Content::Deleting
}

fn no_namespace_terminates_for_ever(_: &NamespaceSlice, state: &State) -> bool {
    state.phase != Phase::Terminating
}
