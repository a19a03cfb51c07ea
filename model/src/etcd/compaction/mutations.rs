//! Mutations of compaction: each replaces one step and passes the rest through.

use super::{Action, Change, State};

crate::mutations! {
    /// A compaction removes the tombstone of the revision that it compacts to.
    TombstoneRemoved = "etcd-18089",
    /// The index that is built after a crash lacks a tombstone before which everything is removed,
    /// so the compaction that goes on removes it too.
    TombstoneNotRestored = "etcd-19179",
    /// A compaction keeps nothing up to its revision.
    NewestRemoved = "etcd-compacts-newest-revision",
    /// A member that crashed in a compaction does not go on with it.
    CompactionForgotten = "etcd-forgets-compaction",
    /// The tombstone of a deleted key is kept for ever.
    TombstoneStays = "etcd-keeps-tombstones",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(TombstoneRemoved), Action::Remove { revision }) => {
                state.remove(revision, is_newest_put)
            }
            (Some(TombstoneRemoved), Action::Finish) => state.finish(is_newest_put),
            (Some(TombstoneNotRestored), Action::Crash) => {
                let mut next = action.apply(state)?;
                let first = next.index.iter().position(|known| *known)?;
                next.index[first] &= state.changes[first] == Some(Change::Put);
                Some(next)
            }
            (Some(NewestRemoved), Action::Remove { revision }) => {
                state.remove(revision, |_, _| false)
            }
            (Some(NewestRemoved), Action::Finish) => state.finish(|_, _| false),
            (Some(CompactionForgotten), Action::Crash) => {
                let next = action.apply(state)?;
                Some(State { finished: state.scheduled, ..next })
            }
            (Some(TombstoneStays), Action::Remove { revision }) => {
                state.remove(revision, is_newest)
            }
            (Some(TombstoneStays), Action::Finish) => state.finish(is_newest),
            (_, action) => action.apply(state),
        }
    }
}

fn is_newest(state: &State, revision: u8) -> bool {
    state.newest_known() == Some(revision) || state.change(revision) == Some(Change::Delete)
}

fn is_newest_put(state: &State, revision: u8) -> bool {
    state.is_kept(revision) && state.change(revision) == Some(Change::Put)
}
