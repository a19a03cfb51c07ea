//! Transactions: compare, then read and write, at one revision; and the records that they leave.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::{Bytes, Found, KeyValue, LeaseId, Query, Range, Revision};

/// What must hold of keys for the first branch of a transaction to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compare {
    /// The keys: it must hold of each of them.
    pub range: Range,
    /// What is compared, and with what.
    pub condition: Condition,
    /// How the key's is to relate to the given.
    pub relation: Relation,
}

/// What is compared. A key that does not exist has zero for every number, and no value.
/// Source: etcd's `Compare`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// How often it has been written.
    Version(u64),
    /// When it was created.
    CreateRevision(Revision),
    /// When it was last written.
    ModRevision(Revision),
    /// Its value.
    Value(Bytes),
    /// Its lease.
    Lease(LeaseId),
}

/// How two things are to relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The same.
    Equal,
    /// The key's is greater.
    Greater,
    /// The key's is less.
    Less,
    /// Not the same.
    NotEqual,
}

impl Relation {
    /// Whether an ordering is one of this relation.
    pub fn allows(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Greater => ordering.is_gt(),
            Self::Less => ordering.is_lt(),
            Self::NotEqual => ordering.is_ne(),
        }
    }
}

impl Compare {
    /// There is no such key.
    pub fn absent(key: Bytes) -> Self {
        Self::equal(key, Condition::CreateRevision(Revision(0)))
    }

    /// A key has this.
    pub fn equal(key: Bytes, condition: Condition) -> Self {
        Self { range: Range::Key(key), condition, relation: Relation::Equal }
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Sets a value.
    Put(Put),
    /// Removes keys.
    Delete(Range),
    /// Reads keys. It sees what was written before it in its transaction.
    Read(Query),
    /// A transaction within. Its compares are decided before anything is written.
    Transaction(Transaction),
}

/// Sets a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The key.
    pub key: Bytes,
    /// Its value; nothing where it keeps the one it has.
    pub value: Option<Bytes>,
    /// The lease it then ends with, [`LeaseId::NONE`] for none; nothing where it keeps the one it has.
    pub lease: Option<LeaseId>,
}

impl Put {
    /// Sets a value without a lease.
    pub fn new(key: Bytes, value: Bytes) -> Self {
        Self { key, value: Some(value), lease: Some(LeaseId::NONE) }
    }
}

/// One branch if all of the compares hold, else the other. All that it writes has one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// What must hold.
    pub compares: Vec<Compare>,
    /// What is then done.
    pub success: Vec<Operation>,
    /// What is done otherwise.
    pub failure: Vec<Operation>,
}

impl Transaction {
    /// Does these things, whatever holds.
    pub fn of(operations: Vec<Operation>) -> Self {
        Self { success: operations, ..Self::default() }
    }

    /// Creates a key that must not exist.
    pub fn create(key: Bytes, value: Bytes) -> Self {
        Self::put_if(Compare::absent(key.clone()), key, value)
    }

    /// Replaces a key that must not have changed since `revision`.
    pub fn update(key: Bytes, revision: Revision, value: Bytes) -> Self {
        let unchanged = Compare::equal(key.clone(), Condition::ModRevision(revision));
        Self::put_if(unchanged, key, value)
    }

    /// Removes a key that must not have changed since `revision`.
    pub fn delete(key: Bytes, revision: Revision) -> Self {
        let unchanged = Compare::equal(key.clone(), Condition::ModRevision(revision));
        let success = vec![Operation::Delete(Range::Key(key))];
        Self { compares: vec![unchanged], success, failure: vec![] }
    }

    fn put_if(compare: Compare, key: Bytes, value: Bytes) -> Self {
        let success = vec![Operation::Put(Put::new(key, value))];
        Self { compares: vec![compare], success, failure: vec![] }
    }
}

/// What became of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A value was set; the key as it was before, if it was there.
    Put(Option<Arc<KeyValue>>),
    /// These keys were removed.
    Deleted(Vec<Arc<KeyValue>>),
    /// These keys were read.
    Read(Found),
    /// Which branch was taken, and what became of its operations.
    Transaction(bool, Vec<Outcome>),
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Whether the compares held.
    pub succeeded: bool,
    /// The store's revision afterwards.
    pub revision: Revision,
    /// What became of the operations of the branch that was taken.
    pub outcomes: Vec<Outcome>,
    /// What must be durable before anyone may hear of it; `None` when nothing changed.
    pub record: Option<Record>,
}

/// What happened at once, as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The store's revision afterwards: one more than before if a key was written, else the same.
    pub revision: Revision,
    /// What happened, in order.
    pub changes: Vec<Change>,
}

impl Record {
    /// How many bytes of keys and values it writes.
    pub fn written_bytes(&self) -> usize {
        self.writes().map(Write::written_bytes).sum()
    }

    /// Its writes, in order.
    pub fn writes(&self) -> impl Iterator<Item = &Write> {
        self.changes.iter().filter_map(|change| match change {
            Change::Write(write) => Some(write),
            Change::Grant(..) | Change::Revoke(_) | Change::Checkpoint(..) | Change::Compact(_) => {
                None
            }
        })
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A key was written or removed.
    Write(Write),
    /// A lease was granted for so many seconds.
    Grant(LeaseId, i64),
    /// A lease was revoked. Its keys are removed by writes beside it.
    Revoke(LeaseId),
    /// So many seconds were left of a lease; nothing: all of them.
    Checkpoint(LeaseId, Option<i64>),
    /// What was before this revision is forgotten.
    Compact(Revision),
}

/// One write: a value, or `None` for a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: Bytes,
    /// Its new value.
    pub value: Option<Bytes>,
    /// The lease that it then ends with.
    pub lease: LeaseId,
}

impl Write {
    /// How many bytes its key and its value have.
    pub(crate) fn written_bytes(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, |value| value.len())
    }
}
