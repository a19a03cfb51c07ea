//! The claims about Endpoints. Their sentences stand in `specs/endpoints.md`.

use super::{Addresses, EndpointsSlice, Objects, PODS, Request, Stage, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<EndpointsSlice>> {
    use Fact::{EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("ENDPOINTS-1", EachStep(it_asks_for_ready_pods_of_the_service)),
        claim("ENDPOINTS-2", EachStep(an_update_replaces_what_was_read)),
        claim("ENDPOINTS-3", EachStep(endpoints_stay_with_their_service)),
        claim("ENDPOINTS-4", Reachable(every_pod_has_an_address)),
        claim("ENDPOINTS-5", Eventually(endpoints_agree_with_pods)),
        claim("ENDPOINTS-6", Eventually(nobody_else_has_an_address)),
        claim("ENDPOINTS-7", Eventually(endpoints_have_a_service)),
    ]
}

fn asks(before: &State, after: &State) -> bool {
    before.request == Request::None && after.request != Request::None
}

fn ready(objects: &Objects) -> Addresses {
    objects.pods.map(|pod| pod.is_some_and(|pod| pod.labelled && pod.stage == Stage::Ready))
}

fn it_asks_for_ready_pods_of_the_service(
    _: &EndpointsSlice,
    before: &State,
    after: &State,
) -> bool {
    let (Request::Create(addresses) | Request::Update { addresses, .. }) = after.request else {
        return true;
    };
    !asks(before, after) || before.store.caches().is_some_and(|caches| ready(&caches) == addresses)
}

fn an_update_replaces_what_was_read(_: &EndpointsSlice, before: &State, after: &State) -> bool {
    let (was, is) = (before.store.now().endpoints, after.store.now().endpoints);
    let read = matches!(before.request, Request::Update { outdated: false, .. });
    was.is_none() || is.is_none() || was == is || read
}

fn endpoints_stay_with_their_service(_: &EndpointsSlice, before: &State, after: &State) -> bool {
    let deletes = asks(before, after) && after.request == Request::Delete;
    !deletes || before.store.caches().is_some_and(|caches| !caches.service)
}

fn every_pod_has_an_address(_: &EndpointsSlice, state: &State) -> bool {
    state.store.now().endpoints == Some([true; PODS])
}

fn endpoints_agree_with_pods(_: &EndpointsSlice, state: &State) -> bool {
    let objects = state.store.now();
    !objects.service || objects.endpoints == Some(ready(&objects))
}

fn nobody_else_has_an_address(_: &EndpointsSlice, state: &State) -> bool {
    let objects = state.store.now();
    let serves = ready(&objects);
    objects.endpoints.is_none_or(|of| (0..PODS).all(|number| !of[number] || serves[number]))
}

fn endpoints_have_a_service(_: &EndpointsSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.service || objects.endpoints.is_none()
}
