//! The claims about Deployments. Their sentences stand in `specs/deployment.md`.

use super::objects::Objects;
use super::{DeploymentSlice, MAX_SURGE, MAX_UNAVAILABLE, NAMES, REPLICAS, Request, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<DeploymentSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("DEPLOYMENT-1", EachStep(enough_stay_available)),
        claim("DEPLOYMENT-2", Always(no_more_than_the_surge)),
        claim("DEPLOYMENT-3", EachStep(it_scales_what_it_has_read)),
        claim("DEPLOYMENT-4", Always(a_template_has_one_replica_set)),
        claim("DEPLOYMENT-5", EachStep(a_replica_set_is_used_again)),
        claim("DEPLOYMENT-6", Reachable(the_new_template_is_rolled_out)),
        claim("DEPLOYMENT-7", Reachable(a_collision_is_resolved)),
        claim("DEPLOYMENT-8", Eventually(the_rollout_completes)),
    ]
}

/// Whether the template has changed at most once.
fn is_first_rollout(slice: &DeploymentSlice, state: &State) -> bool {
    state.budgets.rollouts + 1 >= slice.budgets.rollouts
}

/// How many available Pods remain, once each ReplicaSet has as few as it is to have.
fn lasting(objects: &Objects) -> u8 {
    objects.owned().map(|(_, set)| set.lasting()).sum()
}

fn enough_stay_available(slice: &DeploymentSlice, before: &State, after: &State) -> bool {
    let (was, is) = (lasting(&before.store.now()), lasting(&after.store.now()));
    !is_first_rollout(slice, after) || is >= was || is + MAX_UNAVAILABLE >= REPLICAS
}

fn no_more_than_the_surge(slice: &DeploymentSlice, state: &State) -> bool {
    let total: u8 = state.store.now().owned().map(|(_, set)| set.replicas).sum();
    !is_first_rollout(slice, state) || total <= REPLICAS + MAX_SURGE
}

fn it_scales_what_it_has_read(_: &DeploymentSlice, before: &State, after: &State) -> bool {
    let Request::Scale { name, read, .. } = before.request else { return true };
    let replicas = |state: &State| state.set(name).map(|set| set.replicas);
    replicas(before) == replicas(after) || before.set(name) == Some(read)
}

fn a_template_has_one_replica_set(_: &DeploymentSlice, state: &State) -> bool {
    let of =
        |template| state.store.now().owned().filter(|(_, set)| set.template == template).count();
    of(0) <= 1 && of(1) <= 1
}

fn a_replica_set_is_used_again(_: &DeploymentSlice, before: &State, after: &State) -> bool {
    let asks = before.request == Request::None && matches!(after.request, Request::Create { .. });
    let has =
        |caches: Objects| caches.owned().any(|(_, set)| set.template == caches.deployment.template);
    !asks || before.store.caches().is_some_and(|caches| !has(caches))
}

fn is_rolled_out(objects: &Objects) -> bool {
    objects.owned().all(|(_, set)| {
        let wanted = if set.template == objects.deployment.template { REPLICAS } else { 0 };
        set.replicas == wanted && set.available == wanted
    })
}

fn has_set(objects: &Objects) -> bool {
    objects.owned().any(|(_, set)| set.template == objects.deployment.template)
}

fn the_new_template_is_rolled_out(_: &DeploymentSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.deployment.template == 1 && has_set(&objects) && is_rolled_out(&objects)
}

fn a_collision_is_resolved(_: &DeploymentSlice, state: &State) -> bool {
    state.store.now().sets[NAMES - 1].is_some_and(|set| set.available > 0)
}

fn the_rollout_completes(_: &DeploymentSlice, state: &State) -> bool {
    let objects = state.store.now();
    has_set(&objects) && is_rolled_out(&objects)
}
