//! What a controller has asked for and not yet seen: while there is any, its cache is too old to count.
//!
//! Source: upstream's `ControllerExpectations` in pkg/controller/controller_utils.go (v1.36).

use std::collections::{BTreeMap, BTreeSet};

use api::{Key, Timestamp};

/// After this long an unmet expectation is given up, in case its watch event never comes.
pub const TIMEOUT_SECONDS: i64 = 5 * 60;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Expected {
    creations: usize,
    deletions: BTreeSet<String>,
    since: Timestamp,
}

/// Per key, the creations (counted) and deletions (by uid) that it waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    by_key: BTreeMap<Key, Expected>,
}

impl Expectations {
    /// Expects this many creations and the deletions of these uids, from `now`.
    pub fn expect(
        &mut self,
        key: &Key,
        creations: usize,
        deletions: impl IntoIterator<Item = String>,
        now: Timestamp,
    ) {
        let expected =
            Expected { creations, deletions: deletions.into_iter().collect(), since: now };
        self.by_key.insert(key.clone(), expected);
    }

    /// A creation was seen, or it failed.
    pub fn creation_observed(&mut self, key: &Key) {
        if let Some(expected) = self.by_key.get_mut(key) {
            expected.creations = expected.creations.saturating_sub(1);
        }
    }

    /// A deletion was seen, or it failed.
    pub fn deletion_observed(&mut self, key: &Key, uid: &str) {
        if let Some(expected) = self.by_key.get_mut(key) {
            expected.deletions.remove(uid);
        }
    }

    /// Whether the cache shows all that was asked for, or it is too late to wait.
    pub fn satisfied(&self, key: &Key, now: Timestamp) -> bool {
        self.by_key.get(key).is_none_or(|expected| {
            (expected.creations == 0 && expected.deletions.is_empty())
                || api::time::seconds_between(expected.since, now) > TIMEOUT_SECONDS
        })
    }

    /// Forgets a key whose object is gone.
    pub fn forget(&mut self, key: &Key) {
        self.by_key.remove(key);
    }
}
