//! Reads of a range, with everything that can be asked of one.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::{KeyValue, Range, Refusal, Revision, Store};

/// What is asked for. Source: etcd's `RangeRequest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The keys.
    pub range: Range,
    /// How many at most; 0 for all.
    pub limit: usize,
    /// As of when; nothing for now.
    pub revision: Option<Revision>,
    /// In which order, if not that of the keys.
    pub sort: Option<(SortKey, Direction)>,
    /// Whether values are left out.
    pub keys_only: bool,
    /// Whether only their number is asked for.
    pub count_only: bool,
    /// Only those last written at these revisions.
    pub mod_revisions: Revisions,
    /// Only those created at these revisions.
    pub create_revisions: Revisions,
}

/// From the first to the last, where they are given.
pub type Revisions = (Option<Revision>, Option<Revision>);

/// By what keys are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// By name.
    Key,
    /// By how often they were written.
    Version,
    /// By when they were created.
    CreateRevision,
    /// By when they were last written.
    ModRevision,
    /// By value.
    Value,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The least.
    Ascending,
    /// The greatest.
    Descending,
    /// The least, but only of those first keys that the limit lets through, and one more: what etcd does
    /// where a sort key is named and no order. Source: etcd's `server/etcdserver/txn/range.go`.
    Unsaid,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The keys, in order.
    pub keys: Vec<Arc<KeyValue>>,
    /// How many the range holds, whatever the limit and the bounds on revisions.
    pub count: usize,
    /// Whether the limit left some out.
    pub more: bool,
}

impl Query {
    /// Everything in a range, now.
    pub fn all(range: Range) -> Self {
        Self {
            range,
            limit: 0,
            revision: None,
            sort: None,
            keys_only: false,
            count_only: false,
            mod_revisions: (None, None),
            create_revisions: (None, None),
        }
    }

    fn wants(&self, found: &KeyValue) -> bool {
        within(found.mod_revision, self.mod_revisions)
            && within(found.create_revision, self.create_revisions)
    }

    /// Whether the first keys of the range are the first of the answer.
    fn takes_the_first(&self) -> bool {
        let bounds = [self.mod_revisions, self.create_revisions];
        matches!(self.sort, None | Some((_, Direction::Unsaid)))
            && bounds.iter().all(|bounds| *bounds == (None, None))
    }
}

fn within(revision: Revision, (first, last): Revisions) -> bool {
    first.is_none_or(|first| first <= revision) && last.is_none_or(|last| revision <= last)
}

impl Store {
    /// Answers a query.
    pub fn read(&self, query: &Query) -> Result<Found, Refusal> {
        match query.revision {
            Some(revision) if revision > self.revision() => Err(Refusal::FutureRevision),
            Some(revision) if revision < self.revision() => {
                let past = self.at_within(revision, &query.range);
                past.map(|past| past.read_now(query)).map_err(|_| Refusal::Compacted)
            }
            Some(_) | None => Ok(self.read_now(query)),
        }
    }

    fn read_now(&self, query: &Query) -> Found {
        let count = self.range(&query.range).count();
        if query.count_only {
            return Found { count, ..Found::default() };
        }
        let wanted = self.range(&query.range).filter(|found| query.wants(found));
        let mut keys: Vec<Arc<KeyValue>> = match query.takes_the_first() && query.limit > 0 {
            true => wanted.take(query.limit + 1).cloned().collect(),
            false => wanted.cloned().collect(),
        };
        if let Some((key, direction)) = query.sort {
            sort(&mut keys, key, direction);
        }
        let more = query.limit > 0 && keys.len() > query.limit;
        if more {
            keys.truncate(query.limit);
        }
        if query.keys_only {
            let without = |found: Arc<KeyValue>| {
                Arc::new(KeyValue { value: Arc::from([]), ..(*found).clone() })
            };
            keys = keys.into_iter().map(without).collect();
        }
        Found { keys, count, more }
    }
}

/// Sorts; what is alike stays in the order of keys, also where the greatest comes first.
fn sort(keys: &mut [Arc<KeyValue>], by: SortKey, direction: Direction) {
    let order = |one: &KeyValue, other: &KeyValue| match by {
        SortKey::Key => one.key.cmp(&other.key),
        SortKey::Version => one.version.cmp(&other.version),
        SortKey::CreateRevision => one.create_revision.cmp(&other.create_revision),
        SortKey::ModRevision => one.mod_revision.cmp(&other.mod_revision),
        SortKey::Value => one.value.cmp(&other.value),
    };
    keys.sort_by(|one, other| match direction {
        Direction::Ascending | Direction::Unsaid => order(one, other),
        Direction::Descending => Ordering::reverse(order(one, other)),
    });
}
