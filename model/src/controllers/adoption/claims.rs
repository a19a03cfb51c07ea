//! The claims about adoption. Their sentences stand in `specs/replica-set.md`.

use super::objects::{Reference, SETS};
use super::{AdoptionSlice, Label, Request, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<AdoptionSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("REPLICASET-6", Always(a_pod_has_one_controller)),
        claim("REPLICASET-7", EachStep(who_adopts_has_been_seen_alive)),
        claim("REPLICASET-8", EachStep(a_patch_changes_the_pod_that_was_seen)),
        claim("REPLICASET-9", EachStep(it_claims_by_its_selector)),
        claim("REPLICASET-10", Reachable(a_released_pod_is_adopted)),
        claim("REPLICASET-11", Eventually(an_orphan_is_adopted)),
        claim("REPLICASET-12", Eventually(a_pod_that_does_not_match_is_released)),
    ]
}

/// What was asked for in this step, by name.
fn asked(before: &State, after: &State) -> impl Iterator<Item = (usize, Request)> {
    let (before, after) = (before.requests, after.requests);
    (0..SETS).filter(move |name| before[*name] != after[*name]).map(move |name| (name, after[name]))
}

fn a_pod_has_one_controller(_: &AdoptionSlice, state: &State) -> bool {
    let controllers = state.store.now().pod.map_or([false; 3], |pod| pod.controllers);
    controllers.iter().filter(|controller| **controller).count() <= 1
}

fn who_adopts_has_been_seen_alive(_: &AdoptionSlice, before: &State, after: &State) -> bool {
    let objects = before.store.now();
    asked(before, after).all(|(name, request)| match request {
        Request::Adopt(patch) => {
            objects.sets[name].is_some_and(|set| set.uid == patch.owner && !set.orphans)
        }
        Request::None | Request::Recheck(_) | Request::Release(_) => true,
    })
}

fn a_patch_changes_the_pod_that_was_seen(_: &AdoptionSlice, before: &State, after: &State) -> bool {
    let (was, is) = (before.store.now().pod, after.store.now().pod);
    let committed = |name: usize| before.requests[name].patch().map(|(patch, _)| patch);
    asked(before, after).filter_map(|(name, _)| committed(name)).all(|patch| {
        let changed = was.zip(is).filter(|(was, is)| was.controllers != is.controllers);
        changed.is_none_or(|(was, _)| was.uid == patch.pod)
    })
}

fn it_claims_by_its_selector(_: &AdoptionSlice, before: &State, after: &State) -> bool {
    let Some(pod) = before.store.caches().and_then(|caches| caches.pod) else { return true };
    asked(before, after).all(|(name, request)| match request {
        Request::Recheck(_) => pod.label.matches(name) && pod.controller().is_none(),
        Request::Release(patch) => {
            !pod.label.matches(name) && pod.controller() == Some(patch.owner)
        }
        Request::None | Request::Adopt(_) => true,
    })
}

fn a_released_pod_is_adopted(_: &AdoptionSlice, state: &State) -> bool {
    let pod = state.store.now().pod.filter(|pod| pod.label == Label::Second);
    pod.is_some_and(|pod| pod.controller() == Some(Reference::Second))
}

fn an_orphan_is_adopted(_: &AdoptionSlice, state: &State) -> bool {
    let objects = state.store.now();
    let Some(pod) = objects.pod else { return true };
    let selects =
        |name: usize| objects.sets[name].is_some_and(|set| !set.orphans) && pod.label.matches(name);
    pod.controller().is_some() || !(0..SETS).any(selects)
}

fn a_pod_that_does_not_match_is_released(_: &AdoptionSlice, state: &State) -> bool {
    let Some(pod) = state.store.now().pod else { return true };
    pod.controller().is_none_or(|owner| pod.label.matches(owner.name()))
}
