//! The claims about store, watch and informer. Their sentences stand in `specs/`.

use super::slice::WatchSlice;
use super::state::{Connection, Etcd, Key, Received, State, Writer};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub fn all() -> Vec<Claim<WatchSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("ETCD-1", EachStep(revisions_are_monotone)),
        claim("ETCD-2", Always(acknowledged_writes_survive)),
        claim("ETCD-3", EachStep(no_update_is_lost)),
        claim("WATCH-1", EachStep(every_change_once_and_in_order)),
        claim("WATCH-2", EachStep(bookmarks_are_lower_bounds)),
        claim("WATCH-3", Reachable(a_watch_expires)),
        claim("CACHE-1", Always(cache_is_a_prefix_of_the_log)),
        claim("CACHE-2", EachStep(cache_never_goes_back)),
        claim("CACHE-3", Eventually(cache_catches_up)),
    ]
}

fn revisions_are_monotone(_: &WatchSlice, before: &State, after: &State) -> bool {
    after.etcd.durable >= before.etcd.durable && after.etcd.compacted >= before.etcd.compacted
}

fn acknowledged_writes_survive(_: &WatchSlice, state: &State) -> bool {
    state.acknowledged <= state.etcd.revision()
}

fn no_update_is_lost(_: &WatchSlice, before: &State, after: &State) -> bool {
    before.writers.iter().zip(after.writers).all(|(was, is)| match (was, is) {
        (Writer::Holding { key, mod_revision }, Writer::Written(_)) => {
            newest(&before.etcd, *key) == *mod_revision
        }
        _ => true,
    })
}

fn every_change_once_and_in_order(_: &WatchSlice, before: &State, after: &State) -> bool {
    let Received::Event(revision) = newly_received(before, after) else {
        return true;
    };
    before.etcd.next_event(before.informer.resource_version) == Some(revision)
}

fn bookmarks_are_lower_bounds(_: &WatchSlice, before: &State, after: &State) -> bool {
    let Received::Bookmark(revision) = newly_received(before, after) else {
        return true;
    };
    let next = before.etcd.next_event(before.informer.resource_version);
    next.is_none_or(|event| event > revision)
}

fn a_watch_expires(_: &WatchSlice, state: &State) -> bool {
    state.informer.connection == Connection::Expired
}

fn cache_is_a_prefix_of_the_log(_: &WatchSlice, state: &State) -> bool {
    let informer = state.informer;
    informer.pod == state.etcd.mod_revision(Key::Pod, informer.resource_version)
}

fn cache_never_goes_back(_: &WatchSlice, before: &State, after: &State) -> bool {
    after.informer.resource_version >= before.informer.resource_version
}

fn cache_catches_up(_: &WatchSlice, state: &State) -> bool {
    state.etcd.next_event(state.informer.resource_version).is_none()
}

fn newest(etcd: &Etcd, key: Key) -> u8 {
    etcd.mod_revision(key, etcd.revision()).unwrap_or(0)
}

/// What the informer received in this step.
fn newly_received(before: &State, after: &State) -> Received {
    let received = after.informer.received;
    if received == before.informer.received { Received::Nothing } else { received }
}
