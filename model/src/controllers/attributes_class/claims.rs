//! The claims about VolumeAttributesClasses. Their sentences stand in `specs/volume-attributes-class.md`.

use super::{AttributesClassSlice, Finalizer, Objects, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<AttributesClassSlice>> {
    use Fact::{EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("ATTRIBUTES-1", EachStep(a_class_that_is_seen_in_use_is_kept)),
        claim("ATTRIBUTES-2", Reachable(a_class_goes_just_when_it_is_named)),
        claim("ATTRIBUTES-3", Eventually(a_class_that_lives_is_protected)),
        claim("ATTRIBUTES-4", Eventually(a_class_that_nobody_names_goes)),
    ]
}

fn a_class_that_is_seen_in_use_is_kept(
    _: &AttributesClassSlice,
    before: &State,
    after: &State,
) -> bool {
    let lets_go = matches!(after.asked, Some((_, Finalizer::Goes))) && before.asked.is_none();
    !lets_go || before.store.caches().is_some_and(|seen: Objects| !seen.is_used())
}

fn a_class_goes_just_when_it_is_named(_: &AttributesClassSlice, state: &State) -> bool {
    let objects = state.store.now();
    let lets_go = matches!(state.asked, Some((_, Finalizer::Goes)));
    lets_go && objects.class.is_some_and(|class| class.deleted) && objects.is_claimed
}

fn a_class_that_lives_is_protected(_: &AttributesClassSlice, state: &State) -> bool {
    state.store.now().class.is_none_or(|class| class.finalizer || class.deleted)
}

fn a_class_that_nobody_names_goes(_: &AttributesClassSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.class.is_none_or(|class| !class.deleted || objects.is_used())
}
