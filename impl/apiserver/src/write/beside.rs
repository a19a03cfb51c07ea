//! What is written in the same transaction as an object: all of it, or none.

use store::{Bytes, Compare, Condition, Operation, Put, Range, Revision, Transaction};

/// Further keys, and what must hold of them.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    compares: Vec<Compare>,
    operations: Vec<Operation>,
}

impl Beside {
    /// Makes a transaction do it too.
    pub(crate) fn join(self, transaction: &mut Transaction) {
        transaction.compares.extend(self.compares);
        transaction.success.extend(self.operations);
    }

    /// Writes a key that must not be there.
    pub(crate) fn take(&mut self, key: Bytes, value: Bytes) {
        self.compares.push(Compare::absent(key.clone()));
        self.operations.push(Operation::Put(Put::new(key, value)));
    }

    /// Writes a key that must not have changed since `revision`.
    pub(crate) fn replace(&mut self, key: Bytes, revision: Revision, value: Bytes) {
        self.compares.push(Compare::equal(key.clone(), Condition::ModRevision(revision)));
        self.operations.push(Operation::Put(Put::new(key, value)));
    }

    /// Removes a key.
    pub(crate) fn give_back(&mut self, key: Bytes) {
        self.operations.push(Operation::Delete(Range::Key(key)));
    }
}
