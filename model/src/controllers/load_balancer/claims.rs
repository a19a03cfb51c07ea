//! The claims about load balancers. Their sentences stand in `specs/load-balancer.md`.

use super::{Kind, LoadBalancerSlice, Service, State, Write};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<LoadBalancerSlice>> {
    use Fact::{EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("BALANCER-1", EachStep(the_finalizer_is_seen_before_addresses_are_said)),
        claim("BALANCER-2", EachStep(only_who_asks_says_addresses)),
        claim("BALANCER-3", Reachable(a_deleted_service_waits)),
        claim("BALANCER-4", Eventually(services_say_what_nodes_have)),
    ]
}

fn the_finalizer_is_seen_before_addresses_are_said(
    _: &LoadBalancerSlice,
    before: &State,
    after: &State,
) -> bool {
    let decides = before.asked.is_none() && matches!(after.asked, Some(Write::SetIngress(_)));
    let seen = before.store.caches().and_then(|seen| seen.service);
    !decides || seen.is_some_and(|service| service.finalizer)
}

fn only_who_asks_says_addresses(_: &LoadBalancerSlice, before: &State, after: &State) -> bool {
    let said = |state: &State| state.store.now().service.and_then(|service| service.ingress);
    let is_new = said(after).is_some() && said(after) != said(before);
    !is_new || after.store.now().service.is_some_and(|service| service.kind == Kind::Balanced)
}

fn a_deleted_service_waits(_: &LoadBalancerSlice, state: &State) -> bool {
    state.store.now().service.is_some_and(|service| service.deleted && service.ingress.is_some())
}

fn services_say_what_nodes_have(_: &LoadBalancerSlice, state: &State) -> bool {
    let objects = state.store.now();
    let is_as_asked = |service: Service| match service.is_balanced() {
        true => service.finalizer && service.ingress == Some(objects.addresses),
        false => !service.finalizer && service.ingress.is_none() && !service.deleted,
    };
    objects.service.is_none_or(is_as_asked)
}
