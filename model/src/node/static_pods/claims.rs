//! The claims about static Pods. Their sentences stand in `specs/kubelet.md`.

use super::{Mirror, State, StaticPodSlice, VERSIONS, Work};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<StaticPodSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("KUBELET-9", Always(one_instance_runs)),
        claim("KUBELET-10", EachStep(what_the_manifest_wants_is_not_stopped)),
        claim("KUBELET-11", EachStep(nothing_is_stopped_before_all_sources_are_seen)),
        claim("KUBELET-12", Eventually(what_the_manifest_says_runs)),
        claim("KUBELET-13", Eventually(the_mirror_is_of_the_manifest)),
        claim("KUBELET-14", Reachable(it_runs_without_the_api_server)),
    ]
}

fn versions() -> std::ops::Range<u8> {
    0..VERSIONS as u8
}

/// Whether a step has made the pod worker of this version stop it.
fn ends(before: &State, after: &State, version: u8) -> bool {
    before.worker(version) != Work::Terminating && after.worker(version) == Work::Terminating
}

fn one_instance_runs(_: &StaticPodSlice, state: &State) -> bool {
    state.running.iter().filter(|runs| **runs).count() <= 1
}

fn what_the_manifest_wants_is_not_stopped(
    _: &StaticPodSlice,
    before: &State,
    after: &State,
) -> bool {
    versions().all(|version| !ends(before, after, version) || !after.wants(version))
}

fn nothing_is_stopped_before_all_sources_are_seen(
    _: &StaticPodSlice,
    before: &State,
    after: &State,
) -> bool {
    versions().all(|version| !ends(before, after, version) || before.has_synced())
}

fn what_the_manifest_says_runs(_: &StaticPodSlice, state: &State) -> bool {
    let manifest = state.manifest;
    versions().all(|version| {
        let wanted = manifest.present && manifest.version == version;
        state.running[usize::from(version)] == wanted
    })
}

fn the_mirror_is_of_the_manifest(_: &StaticPodSlice, state: &State) -> bool {
    let manifest = state.manifest;
    let wanted = Mirror { version: manifest.version, deleting: false };
    state.store.now().mirror == manifest.present.then_some(wanted)
}

fn it_runs_without_the_api_server(_: &StaticPodSlice, state: &State) -> bool {
    !state.has_synced() && state.workers.contains(&Work::Syncing)
}
