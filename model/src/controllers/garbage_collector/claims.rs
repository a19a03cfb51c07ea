//! The claims about garbage collection. Their sentences stand in `specs/garbage-collector.md`.

use super::objects::{Objects, Policy, Reference};
use super::{CollectorSlice, DEPENDENTS, Entry, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<CollectorSlice>> {
    use Fact::{EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("GC-1", EachStep(a_live_owner_keeps_its_dependents)),
        claim("GC-2", EachStep(an_orphan_is_kept)),
        claim("GC-3", EachStep(foreground_deletion_waits)),
        claim("GC-4", EachStep(orphaning_comes_first)),
        claim("GC-5", Reachable(a_dependent_outlives_its_owner)),
        claim("GC-6", Reachable(a_dependent_goes_before_its_owner)),
        claim("GC-7", Eventually(orphans_are_collected)),
        claim("GC-8", Eventually(a_deleted_owner_goes)),
    ]
}

fn deleted(before: &State, after: &State) -> impl Iterator<Item = Option<Reference>> {
    let (was, is) = (before.store.now(), after.store.now());
    let gone = move |number: &usize| is.dependents[*number].is_none();
    (0..DEPENDENTS).filter(gone).filter_map(move |number| Some(was.dependents[number]?.owner))
}

fn a_live_owner_keeps_its_dependents(_: &CollectorSlice, before: &State, after: &State) -> bool {
    let owner = before.store.now().owner_at(Reference::Right);
    let keeps = owner.is_some_and(|owner| owner.deleting != Some(Policy::Foreground));
    deleted(before, after).all(|reference| !(keeps && reference == Some(Reference::Right)))
}

fn an_orphan_is_kept(_: &CollectorSlice, before: &State, after: &State) -> bool {
    deleted(before, after).all(|reference| reference.is_some())
}

fn goes(before: &State, after: &State, policy: Policy) -> bool {
    let owner = before.store.now().owner.and_then(|owner| owner.deleting);
    owner == Some(policy) && after.store.now().owner.is_none()
}

fn nobody_blocks(state: &State) -> bool {
    let free = |cache: Objects| !(0..DEPENDENTS).any(|number| state.blocks(&cache, number));
    state.store.caches().is_none_or(free)
}

fn foreground_deletion_waits(_: &CollectorSlice, before: &State, after: &State) -> bool {
    !goes(before, after, Policy::Foreground) || nobody_blocks(before)
}

fn orphaning_comes_first(_: &CollectorSlice, before: &State, after: &State) -> bool {
    !goes(before, after, Policy::Orphan) || nobody_blocks(before)
}

fn a_dependent_outlives_its_owner(_: &CollectorSlice, state: &State) -> bool {
    let objects = state.store.now();
    let orphan = |dependent: &super::Dependent| dependent.owner.is_none();
    objects.owner.is_none() && objects.dependents.iter().flatten().any(orphan)
}

fn a_dependent_goes_before_its_owner(_: &CollectorSlice, state: &State) -> bool {
    let objects = state.store.now();
    let deletes = |number: usize| state.graph.dependents[number] == Entry::Deleting;
    let right = |number: usize| objects.reference(number) == Some(Reference::Right);
    objects.owner_at(Reference::Right).is_some()
        && (0..DEPENDENTS).any(|number| deletes(number) && right(number))
}

fn orphans_are_collected(_: &CollectorSlice, state: &State) -> bool {
    let objects = state.store.now();
    let references = (0..DEPENDENTS).filter_map(|number| objects.reference(number));
    references.into_iter().all(|reference| objects.owner_at(reference).is_some())
}

fn a_deleted_owner_goes(_: &CollectorSlice, state: &State) -> bool {
    state.store.now().owner.is_none_or(|owner| owner.deleting.is_none())
}
