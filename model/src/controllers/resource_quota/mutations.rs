//! Mutations of the ResourceQuota controller: each replaces one step and passes the rest through.

use super::{Action, State};

crate::mutations! {
    /// The count is written whatever the quota has become.
    Overwrites = "quota-count-overwrites",
    /// The objects are counted before the quota is read.
    CountsFirst = "quota-counts-first",
    /// What is deleted is not counted anew.
    NeverCounts = "quota-is-never-counted",
    /// Deletions are charged at once, as if admission saw them.
    ChargesDeletions = "quota-charges-deletions",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(Overwrites), Action::CommitStatus) => state.commit_status(|_, _| true),
            (Some(CountsFirst), Action::CommitStatus) => {
                let newest = state.store.cache(0)?.quota;
                let mut reading = state.reading?;
                reading.quota = newest;
                State { reading: Some(reading), ..*state }.commit_status(|live, read| live == read)
            }
            (Some(NeverCounts), Action::ReadQuota) => None,
            (Some(ChargesDeletions), Action::DeleteObject) => {
                let next = action.apply(state)?;
                let mut quota = next.store.now().quota;
                quota.version += 1;
                quota.used = next.store.now().objects;
                Some(next.put(quota, quota.used))
            }
            (_, action) => action.apply(state),
        }
    }
}
