//! The claims about lists, watches and the reflector. Their sentences stand in `specs/`.

use super::{Asked, Call, Client, Phase, Reader, ReflectorSlice, State};
use crate::slice::{Claim, Fact};

/// The claims of the scenario `reflector`.
pub(super) const OF_REFLECTOR: &[&str] = &[
    "WATCH-1", "WATCH-2", "WATCH-4", "WATCH-5", "WATCH-8", "WATCH-9", "CACHE-1", "CACHE-2",
    "CACHE-4", "CACHE-5",
];
/// The claims of the scenario `list`.
pub(super) const OF_LISTS: &[&str] = &["WATCH-4", "WATCH-5", "WATCH-6", "WATCH-7", "CACHE-5"];

/// Every claim.
pub(super) fn all() -> Vec<Claim<ReflectorSlice>> {
    use Fact::{Always, EachStep, Eventually, Possible, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("WATCH-1", EachStep(every_change_once_and_in_order)),
        claim("WATCH-2", EachStep(bookmarks_are_lower_bounds)),
        claim("WATCH-4", EachStep(most_recent_lists_have_what_was_written)),
        claim("WATCH-5", EachStep(lists_are_not_older_than_asked)),
        claim("WATCH-6", EachStep(exact_lists_are_exact)),
        claim("WATCH-7", Reachable(any_list_is_old)),
        claim("WATCH-8", Reachable(a_resource_version_is_too_large)),
        claim("WATCH-9", EachStep(watches_miss_no_event)),
        claim("CACHE-1", Always(cache_is_a_prefix_of_the_log)),
        claim("CACHE-2", EachStep(cache_never_goes_back)),
        claim("CACHE-4", Eventually(reflector_catches_up)),
        claim("CACHE-5", Possible(watch_caches_catch_up)),
    ]
}

fn every_change_once_and_in_order(_: &ReflectorSlice, before: &State, after: &State) -> bool {
    received(before, after).is_none_or(|(seen, revision)| {
        !before.is_event(revision) || before.next_event(seen, revision) == Some(revision)
    })
}

fn bookmarks_are_lower_bounds(_: &ReflectorSlice, before: &State, after: &State) -> bool {
    received(before, after).is_none_or(|(seen, revision)| {
        before.is_event(revision) || before.next_event(seen, revision).is_none()
    })
}

fn most_recent_lists_have_what_was_written(
    _: &ReflectorSlice,
    before: &State,
    after: &State,
) -> bool {
    lists(before, after)
        .all(|(call, revision)| call.asked != Asked::MostRecent || revision >= call.floor)
}

fn lists_are_not_older_than_asked(_: &ReflectorSlice, before: &State, after: &State) -> bool {
    lists(before, after).all(|(call, revision)| match call.asked {
        Asked::NotOlderThan(asked) => revision >= asked,
        Asked::MostRecent | Asked::Any | Asked::Exact(_) => true,
    })
}

fn exact_lists_are_exact(_: &ReflectorSlice, before: &State, after: &State) -> bool {
    lists(before, after).all(|(call, revision)| match call.asked {
        Asked::Exact(asked) => revision == asked && revision >= before.compacted,
        Asked::MostRecent | Asked::Any | Asked::NotOlderThan(_) => true,
    })
}

fn any_list_is_old(_: &ReflectorSlice, state: &State) -> bool {
    state.call(Client::Reader).is_some_and(|call| {
        call.asked == Asked::Any && state.answer_to(call).is_some_and(|cached| cached < call.floor)
    })
}

fn a_resource_version_is_too_large(_: &ReflectorSlice, state: &State) -> bool {
    state.reflector.unavailable
}

fn watches_miss_no_event(_: &ReflectorSlice, before: &State, after: &State) -> bool {
    match (before.reflector.phase, after.reflector.phase) {
        (Phase::Listed(_), Phase::Watching(server)) => {
            before.reflector.resource_version >= Some(before.servers[usize::from(server)].oldest)
        }
        (_, _) => true,
    }
}

fn cache_is_a_prefix_of_the_log(_: &ReflectorSlice, state: &State) -> bool {
    let reflector = state.reflector;
    reflector.resource_version.is_none_or(|revision| reflector.pod == state.pod_at(revision))
}

fn cache_never_goes_back(_: &ReflectorSlice, before: &State, after: &State) -> bool {
    after.reflector.resource_version >= before.reflector.resource_version
}

fn reflector_catches_up(_: &ReflectorSlice, state: &State) -> bool {
    let seen = state.reflector.resource_version.unwrap_or(0);
    let watching = matches!(state.reflector.phase, Phase::Watching(_));
    watching && state.next_event(seen, state.revision()).is_none()
}

fn watch_caches_catch_up(_: &ReflectorSlice, state: &State) -> bool {
    state.servers.iter().all(|server| server.revision == state.revision())
}

/// Where the reflector was, and the resourceVersion that its watch brought in this step.
fn received(before: &State, after: &State) -> Option<(u8, u8)> {
    let (_, seen) = before.watched()?;
    let revision = after.reflector.resource_version?;
    (revision != seen).then_some((seen, revision))
}

/// The lists that were answered in this step, and the resourceVersion of each.
fn lists(before: &State, after: &State) -> impl Iterator<Item = (Call, u8)> {
    let read = match after.reader {
        Reader::Answered(revision) => before.call(Client::Reader).zip(Some(revision)),
        Reader::Idle | Reader::Listing(_) | Reader::Refused => None,
    };
    let listed = match after.reflector.phase {
        Phase::Listed(_) => before.call(Client::Reflector).zip(after.reflector.resource_version),
        Phase::Off | Phase::Idle | Phase::Listing(_) | Phase::Watching(_) => None,
    };
    read.into_iter().chain(listed)
}
