//! The claims about the API server. Their sentences stand in `specs/api-server.md`.

use super::{ApiServerSlice, CLIENTS, Collector, HARD, Object, Refusal, State, Verb};
use crate::slice::{Claim, Fact};

/// The claims of the scenario `api-server`.
pub(super) const OF_WRITES: &[&str] = &[
    "API-1", "API-2", "API-3", "API-4", "API-5", "API-6", "API-7", "API-8", "API-9", "API-10",
    "API-11", "API-12", "API-13", "API-14", "API-15", "API-16",
];
/// The claims of the scenario `quota`.
pub(super) const OF_QUOTA: &[&str] = &["API-1", "API-17", "API-18"];

/// Every claim.
pub(super) fn all() -> Vec<Claim<ApiServerSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("API-1", EachStep(a_create_replaces_nothing)),
        claim("API-2", EachStep(an_update_names_the_newest)),
        claim("API-3", EachStep(resource_version_changes_with_the_object)),
        claim("API-4", EachStep(generation_counts_changes_of_spec)),
        claim("API-5", EachStep(status_and_spec_change_apart)),
        claim("API-6", EachStep(a_patch_overwrites_nothing)),
        claim("API-7", EachStep(a_deletion_is_not_taken_back)),
        claim("API-8", EachStep(no_finalizer_is_added_late)),
        claim("API-9", EachStep(finalizers_hold_back)),
        claim("API-10", EachStep(grace_periods_only_shrink)),
        claim("API-11", EachStep(preconditions_hold)),
        claim("API-12", EachStep(a_dry_run_changes_nothing)),
        claim("API-13", EachStep(a_policy_sets_its_finalizer)),
        claim("API-14", Reachable(an_update_conflicts)),
        claim("API-15", Reachable(a_finalizer_is_waited_for)),
        claim("API-16", Eventually(every_request_is_answered)),
        claim("API-17", Always(quota_is_not_exceeded)),
        claim("API-18", Reachable(quota_refuses)),
    ]
}

fn a_create_replaces_nothing(_: &ApiServerSlice, before: &State, after: &State) -> bool {
    pairs(before, after).all(|(was, is)| was.uid == is.uid)
}

fn an_update_names_the_newest(_: &ApiServerSlice, before: &State, after: &State) -> bool {
    let conditional = [Verb::Update, Verb::UpdateStatus, Verb::AddFinalizer];
    handled(before, after).all(|(client, verb)| {
        let read = before.clients[client].read.map(|(_, version)| version);
        let newest = before.objects[0].map(|object| object.resource_version);
        !conditional.contains(&verb) || after.objects == before.objects || read == newest
    })
}

fn resource_version_changes_with_the_object(
    _: &ApiServerSlice,
    before: &State,
    after: &State,
) -> bool {
    pairs(before, after).all(|(was, is)| {
        let resource_version = is.resource_version;
        let same = is == Object { resource_version, ..was };
        (resource_version == was.resource_version) == same
            && resource_version >= was.resource_version
    })
}

fn generation_counts_changes_of_spec(_: &ApiServerSlice, before: &State, after: &State) -> bool {
    pairs(before, after).all(|(was, is)| {
        let counted = was.spec != is.spec || was.deletion.is_none() && is.deletion.is_some();
        is.generation == was.generation + u8::from(counted)
    })
}

fn status_and_spec_change_apart(_: &ApiServerSlice, before: &State, after: &State) -> bool {
    let by_status = handled(before, after).any(|(_, verb)| verb == Verb::UpdateStatus);
    pairs(before, after)
        .all(|(was, is)| if by_status { was.spec == is.spec } else { was.status == is.status })
}

fn a_patch_overwrites_nothing(_: &ApiServerSlice, before: &State, after: &State) -> bool {
    let patches = handled(before, after).any(|(_, verb)| verb == Verb::Patch);
    pairs(before, after).all(|(was, is)| {
        let Object { resource_version, label, .. } = is;
        !patches || is == Object { resource_version, label, ..was }
    })
}

fn a_deletion_is_not_taken_back(_: &ApiServerSlice, before: &State, after: &State) -> bool {
    pairs(before, after).all(|(was, is)| was.deletion.is_none() || is.deletion.is_some())
}

fn no_finalizer_is_added_late(_: &ApiServerSlice, before: &State, after: &State) -> bool {
    pairs(before, after).all(|(was, is)| was.deletion.is_none() || was.finalizer || !is.finalizer)
}

fn finalizers_hold_back(_: &ApiServerSlice, before: &State, after: &State) -> bool {
    let removes = handled(before, after).any(|(_, verb)| verb == Verb::RemoveFinalizers);
    let stays = after.objects[0].is_some();
    before.objects[0].is_none_or(|object| stays || removes || !object.finalizer)
}

fn grace_periods_only_shrink(_: &ApiServerSlice, before: &State, after: &State) -> bool {
    pairs(before, after)
        .all(|(was, is)| was.deletion.is_none_or(|period| is.deletion.unwrap_or(0) <= period))
}

fn preconditions_hold(_: &ApiServerSlice, before: &State, after: &State) -> bool {
    let object = before.objects[0].map(|object| (object.uid, object.resource_version));
    let unchanged = after.objects == before.objects;
    handled(before, after).all(|(client, verb)| {
        let read = before.clients[client].read;
        let uid = verb != Verb::DeleteUid || read.map(|of| of.0) == object.map(|of| of.0);
        unchanged || uid && (verb != Verb::DeleteResourceVersion || read == object)
    })
}

fn a_dry_run_changes_nothing(_: &ApiServerSlice, before: &State, after: &State) -> bool {
    let dry = handled(before, after).any(|(_, verb)| verb == Verb::DeleteDryRun);
    !dry || (after.objects == before.objects && after.revision == before.revision)
}

fn a_policy_sets_its_finalizer(_: &ApiServerSlice, before: &State, after: &State) -> bool {
    let starts = before.objects[0].is_some_and(|object| object.deletion.is_none());
    let is = after.objects[0].map(|object| object.collector);
    handled(before, after).filter(|_| starts).all(|(_, verb)| {
        (verb != Verb::DeleteForeground || is == Some(Collector::Foreground))
            && (verb != Verb::DeleteOrphan || is == Some(Collector::Orphan))
    })
}

fn an_update_conflicts(_: &ApiServerSlice, state: &State) -> bool {
    state.clients[0].refused == Some(Refusal::Conflict)
}

fn a_finalizer_is_waited_for(_: &ApiServerSlice, state: &State) -> bool {
    state.objects[0].is_some_and(|object| object.deletion == Some(0) && object.finalizer)
}

fn every_request_is_answered(_: &ApiServerSlice, state: &State) -> bool {
    state.clients.iter().all(|client| client.request.is_none())
}

fn quota_is_not_exceeded(_: &ApiServerSlice, state: &State) -> bool {
    state.quota.is_none_or(|quota| quota.created <= quota.used && quota.used <= HARD)
}

fn quota_refuses(_: &ApiServerSlice, state: &State) -> bool {
    state.clients.iter().any(|client| client.refused == Some(Refusal::Forbidden))
}

/// The objects that exist before and after a step.
fn pairs(before: &State, after: &State) -> impl Iterator<Item = (Object, Object)> {
    before.objects.into_iter().zip(after.objects).filter_map(|(was, is)| was.zip(is))
}

/// The requests that were handled in a step, and not lost.
fn handled(before: &State, after: &State) -> impl Iterator<Item = (usize, Verb)> {
    let lost = before.budgets != after.budgets;
    let verbs = before.clients.map(|client| client.request.map(|request| request.verb));
    let answered = after.clients.map(|client| client.request.is_none() && !lost);
    (0..CLIENTS)
        .filter_map(move |client| Some((client, verbs[client].filter(|_| answered[client])?)))
}
