//! The claims about claims and volumes. Their sentences stand in `specs/persistent-volume.md`.

use super::objects::{Objects, Phase, Pod, Reference};
use super::{CLAIMS, PROVISIONED, PersistentVolumeSlice, RETAINED, State, USED, VOLUMES};
use crate::slice::{Claim, Fact};

/// The claims of `persistent-volume`. The one whose breach may follow from another's comes after it.
pub(super) fn of_binding() -> Vec<Claim<PersistentVolumeSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("VOLUME-2", EachStep(a_claim_keeps_its_volume)),
        claim("VOLUME-3", EachStep(a_volume_is_not_given_to_another_claim)),
        claim("VOLUME-1", Always(bound_pairs_name_each_other)),
        claim("VOLUME-7", EachStep(a_retained_volume_is_not_deleted)),
        claim("VOLUME-9", Reachable(a_retained_volume_waits_beside_a_claim_of_the_same_name)),
        claim("VOLUME-11", Eventually(a_claim_is_bound_where_a_volume_is_free)),
        claim("VOLUME-12", Eventually(what_was_provisioned_goes_with_its_claim)),
        claim("VOLUME-13", Eventually(no_volume_is_kept_from_others_in_vain)),
    ]
}

/// The claims of `volume-in-use`.
pub(super) fn of_use() -> Vec<Claim<PersistentVolumeSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("VOLUME-4", EachStep(a_volume_is_released_when_its_claim_is_gone)),
        claim("VOLUME-5", EachStep(a_claim_in_use_stays)),
        claim("VOLUME-6", EachStep(a_bound_volume_stays)),
        claim("VOLUME-8", Always(a_claim_waits_for_its_first_pod)),
        claim("VOLUME-10", Reachable(a_claim_waits_for_its_pod_to_end)),
        claim("VOLUME-14", Eventually(a_claim_that_nobody_uses_goes)),
    ]
}

fn bound_pairs_name_each_other(_: &PersistentVolumeSlice, state: &State) -> bool {
    let objects = state.store.now();
    (0..CLAIMS).all(|name| {
        let Some(claim) = objects.claims[name] else { return true };
        let volume = claim.volume.and_then(|volume| objects.volumes[usize::from(volume)]);
        let reference = Reference { name: name as u8, uid: claim.uid };
        volume.is_none_or(|volume| volume.claim == Some(reference))
    })
}

fn a_claim_keeps_its_volume(_: &PersistentVolumeSlice, before: &State, after: &State) -> bool {
    let (before, after) = (before.store.now(), after.store.now());
    before.claims.iter().zip(after.claims).all(|(was, is)| match (was, is) {
        (Some(was), Some(is)) => was.volume.is_none() || was.volume == is.volume,
        (None, _) | (_, None) => true,
    })
}

fn a_volume_is_not_given_to_another_claim(
    _: &PersistentVolumeSlice,
    before: &State,
    after: &State,
) -> bool {
    let (before, after) = (before.store.now(), after.store.now());
    (0..VOLUMES).all(|number| {
        let owner = |objects: Objects| objects.volumes[number]?.claim;
        owner(before).is_none() || owner(after).is_none() || owner(before) == owner(after)
    })
}

fn a_volume_is_released_when_its_claim_is_gone(
    _: &PersistentVolumeSlice,
    before: &State,
    after: &State,
) -> bool {
    let (before, after) = (before.store.now(), after.store.now());
    let is_released = |objects: &Objects, number: usize| {
        objects.volumes[number].is_some_and(|volume| volume.phase == Phase::Released)
    };
    (0..VOLUMES)
        .filter(|number| !is_released(&before, *number) && is_released(&after, *number))
        .all(|number| {
            let claim = after.volumes[number].and_then(|volume| after.meant(volume.claim?));
            claim.is_none_or(|claim| claim.volume.is_some_and(|own| usize::from(own) != number))
        })
}

fn a_claim_in_use_stays(_: &PersistentVolumeSlice, before: &State, after: &State) -> bool {
    let (before, after) = (before.store.now(), after.store.now());
    let goes = |claim: &usize| before.claims[*claim].is_some() && after.claims[*claim].is_none();
    !(0..CLAIMS).filter(goes).any(|claim| before.is_in_use(claim))
}

fn a_bound_volume_stays(_: &PersistentVolumeSlice, before: &State, after: &State) -> bool {
    let (before, after) = (before.store.now(), after.store.now());
    let goes = |number: &usize| after.volumes[*number].is_none();
    let gone = (0..VOLUMES).filter(goes).filter_map(|number| before.volumes[number]);
    gone.into_iter().all(|volume| volume.phase != Phase::Bound)
}

fn a_retained_volume_is_not_deleted(_: &PersistentVolumeSlice, _: &State, after: &State) -> bool {
    after.store.now().volumes[RETAINED].is_none_or(|volume| !volume.deleting)
}

fn a_claim_waits_for_its_first_pod(slice: &PersistentVolumeSlice, state: &State) -> bool {
    let is_kept = |volume: super::Volume| volume.claim.is_some();
    let had_pod = state.budgets.pods < slice.budgets.pods;
    had_pod || !state.store.now().volumes.into_iter().flatten().any(is_kept)
}

fn a_retained_volume_waits_beside_a_claim_of_the_same_name(
    _: &PersistentVolumeSlice,
    state: &State,
) -> bool {
    let objects = state.store.now();
    let released = objects.volumes[RETAINED].filter(|volume| volume.phase == Phase::Released);
    let reference = released.and_then(|volume| volume.claim);
    reference.is_some_and(|reference| {
        let same_name = objects.claims[usize::from(reference.name)];
        same_name.is_some_and(|claim| claim.uid != reference.uid && claim.volume.is_none())
    })
}

fn a_claim_waits_for_its_pod_to_end(_: &PersistentVolumeSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.is_in_use(USED) && objects.claims[USED].is_some_and(|claim| claim.deleting)
}

fn a_claim_is_bound_where_a_volume_is_free(_: &PersistentVolumeSlice, state: &State) -> bool {
    let objects = state.store.now();
    let waits = objects.claims[0].is_some_and(|claim| claim.volume.is_none() && !claim.deleting);
    !waits || objects.volume_where(super::Volume::is_free).is_none()
}

fn what_was_provisioned_goes_with_its_claim(_: &PersistentVolumeSlice, state: &State) -> bool {
    let objects = state.store.now();
    let reference = objects.volumes[PROVISIONED].and_then(|volume| volume.claim);
    reference.is_none_or(|reference| objects.meant(reference).is_some())
}

fn no_volume_is_kept_from_others_in_vain(_: &PersistentVolumeSlice, state: &State) -> bool {
    let objects = state.store.now();
    (0..VOLUMES).all(|number| {
        let claim = objects.volumes[number].and_then(|volume| objects.meant(volume.claim?));
        let own = claim.and_then(|claim| claim.volume);
        own.is_none_or(|own| usize::from(own) == number)
    })
}

fn a_claim_that_nobody_uses_goes(_: &PersistentVolumeSlice, state: &State) -> bool {
    let objects = state.store.now();
    let waits = |claim: &usize| objects.claims[*claim].is_some_and(|claim| claim.deleting);
    let is_used = |claim: usize| claim == USED && matches!(objects.pod, Some(Pod::Bound { .. }));
    (0..CLAIMS).filter(waits).all(is_used)
}
