//! The claims about compaction. Their sentences stand in `specs/etcd.md`.

use super::{Change, CompactionSlice, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<CompactionSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("ETCD-14", EachStep(every_event_from_the_compacted_revision_on)),
        claim("ETCD-15", Always(what_is_not_compacted_can_be_read)),
        claim("ETCD-16", Eventually(what_is_compacted_is_gone)),
        claim("ETCD-17", Reachable(a_deletion_leaves_nothing)),
    ]
}

fn every_event_from_the_compacted_revision_on(
    _: &CompactionSlice,
    before: &State,
    after: &State,
) -> bool {
    match (before.watch, after.watch) {
        (Some(was), Some(is)) => was == is || is.delivered == was.next,
        (_, _) => true,
    }
}

fn what_is_not_compacted_can_be_read(_: &CompactionSlice, state: &State) -> bool {
    let first = state.scheduled.max(1);
    (first..=state.revision()).all(|revision| state.database[usize::from(revision) - 1])
}

fn what_is_compacted_is_gone(_: &CompactionSlice, state: &State) -> bool {
    state.database.iter().take(usize::from(state.scheduled).saturating_sub(1)).all(|has| !has)
}

fn a_deletion_leaves_nothing(_: &CompactionSlice, state: &State) -> bool {
    let before = usize::from(state.scheduled).saturating_sub(1);
    let deleted = state.changes[..before].contains(&Some(Change::Delete));
    deleted && !state.database[..before].contains(&true)
}
