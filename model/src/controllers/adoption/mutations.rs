//! Mutations of adoption: each replaces one step and passes the rest through.

use super::objects::{Objects, Reference, Set};
use super::{Action, Label, Request, State};

crate::mutations! {
    /// The cache is believed that the ReplicaSet is not being deleted: it takes back the Pod that
    /// the garbage collector has just made an orphan.
    TrustsCache = "k-42639",
    /// A ReplicaSet of the same name counts as the same.
    IgnoresSetUid = "adoption-rechecks-name-only",
    /// The API server accepts a second ownerReference with `controller: true`.
    SecondController = "second-controller-is-accepted",
    /// The patch names the Pod, and not its uid.
    IgnoresPodUid = "adoption-patch-without-uid",
    /// Every orphan is adopted, whatever its labels.
    IgnoresSelector = "adoption-ignores-selector",
    /// Orphans stay orphans.
    NeverAdopts = "adoption-never-asked",
    /// A Pod that no longer matches keeps its controller.
    NeverReleases = "release-never-asked",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::TrustsCache), Action::Recheck { set }) => trusts_cache(state, set),
            (Some(Mutation::IgnoresSetUid), Action::Recheck { set }) => {
                state.recheck(set, set_of_this_name)
            }
            (Some(Mutation::SecondController), Action::Commit { set }) => {
                second_controller(state, set)
            }
            (Some(Mutation::IgnoresPodUid), Action::Commit { set }) => {
                state.commit(set, |_, _| true)
            }
            (Some(Mutation::IgnoresSelector), Action::SyncSet { set }) => {
                ignores_selector(state, set)
            }
            (Some(Mutation::NeverAdopts), Action::SyncSet { set }) => {
                let next = state.sync_set(set, Label::matches)?;
                let adopts = matches!(next.requests[usize::from(set)], Request::Recheck(_));
                (!adopts).then_some(next)
            }
            (Some(Mutation::NeverReleases), Action::SyncSet { set }) => {
                let next = state.sync_set(set, Label::matches)?;
                let releases = matches!(next.requests[usize::from(set)], Request::Release(_));
                (!releases).then_some(next)
            }
            (_, action) => action.apply(state),
        }
    }
}

fn trusts_cache(state: &State, name: u8) -> Option<State> {
    let name = usize::from(name);
    let Request::Recheck(patch) = state.requests[name] else { return None };
    let shown = state.store.caches()?.set(patch.owner).filter(|set| !set.orphans);
    Some(state.requests(name, shown.map_or(Request::None, |_| Request::Adopt(patch))))
}

fn set_of_this_name(objects: &Objects, uid: Reference) -> Option<Set> {
    objects.sets[uid.name()]
}

fn second_controller(state: &State, name: u8) -> Option<State> {
    let request = state.requests[usize::from(name)];
    let meant = state.store.now().pod.zip(request.patch());
    match meant.filter(|(pod, (patch, adds))| *adds && pod.uid == patch.pod) {
        Some((pod, (patch, adds))) => {
            let next = state.requests(usize::from(name), Request::None);
            Some(next.patched(pod, patch.owner, adds))
        }
        None => Action::Commit { set: name }.apply(state),
    }
}

/// Releases by the selector, and adopts whatever it says.
fn ignores_selector(state: &State, name: u8) -> Option<State> {
    let orphan = state.store.caches()?.pod.is_some_and(|pod| pod.controller().is_none());
    state.sync_set(name, if orphan { |_, _| true } else { Label::matches })
}
