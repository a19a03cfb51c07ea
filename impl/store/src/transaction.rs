//! Transactions: compare, then write, at one revision.

use crate::{Bytes, Revision};

/// What must hold of a key for a transaction to go ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compare {
    /// The key.
    pub key: Bytes,
    /// What must hold of it.
    pub precondition: Precondition,
}

/// A condition on one key. Source: etcd's `Compare` message, with the targets that Kubernetes uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// There is no such key.
    Absent,
    /// It was last written at this revision.
    ModRevision(Revision),
    /// It was created at this revision.
    CreateRevision(Revision),
    /// It has been written this often since its creation.
    Version(u64),
    /// It has this value.
    Value(Bytes),
}

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Sets the value.
    Put {
        /// The key.
        key: Bytes,
        /// Its value.
        value: Bytes,
    },
    /// Removes the key; nothing happens when it is absent.
    Delete {
        /// The key.
        key: Bytes,
    },
}

/// All of the writes if all of the compares hold, else nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// What must hold.
    pub compares: Vec<Compare>,
    /// What is then written, each key at most once.
    pub operations: Vec<Operation>,
}

impl Transaction {
    /// Creates a key that must not exist.
    pub fn create(key: Bytes, value: Bytes) -> Self {
        Self::put_if(key, Precondition::Absent, value)
    }

    /// Replaces a key that must not have changed since `revision`.
    pub fn update(key: Bytes, revision: Revision, value: Bytes) -> Self {
        Self::put_if(key, Precondition::ModRevision(revision), value)
    }

    /// Removes a key that must not have changed since `revision`.
    pub fn delete(key: Bytes, revision: Revision) -> Self {
        let precondition = Precondition::ModRevision(revision);
        Self {
            compares: vec![Compare { key: key.clone(), precondition }],
            operations: vec![Operation::Delete { key }],
        }
    }

    fn put_if(key: Bytes, precondition: Precondition, value: Bytes) -> Self {
        Self {
            compares: vec![Compare { key: key.clone(), precondition }],
            operations: vec![Operation::Put { key, value }],
        }
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Whether the compares held.
    pub succeeded: bool,
    /// The store's revision afterwards.
    pub revision: Revision,
    /// What must be durable before anyone may hear of it; `None` when nothing changed.
    pub record: Option<Record>,
}

/// The writes of one revision, as they stand in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The revision.
    pub revision: Revision,
    /// Its writes, in order.
    pub writes: Vec<Write>,
}

/// One write: a value, or `None` for a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: Bytes,
    /// Its new value.
    pub value: Option<Bytes>,
}
