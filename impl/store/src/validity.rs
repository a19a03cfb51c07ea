//! What can be said against a transaction before anything of it is done.

use crate::commit::Branch;
use crate::{Compare, LeaseId, Operation, Put, Refusal, Revision, Store, Transaction, intervals};

/// How many compares, or operations of a branch, a transaction has at most. Source: etcd's
/// `--max-txn-ops`.
pub const OPERATIONS_MAX: usize = 128;

impl Store {
    /// Refuses what etcd refuses of the branches that are taken; all that is written is looked at before
    /// what is read.
    pub(crate) fn check(&self, branch: &Branch<'_>) -> Result<(), Refusal> {
        branch.try_for_each(&|operation| match operation {
            Operation::Put(put) => self.check_put(put),
            Operation::Delete(_) | Operation::Read(_) | Operation::Transaction(_) => Ok(()),
        })?;
        branch.try_for_each(&|operation| match operation {
            Operation::Read(query) => self.check_revision(query.revision),
            Operation::Put(_) | Operation::Delete(_) | Operation::Transaction(_) => Ok(()),
        })
    }

    fn check_revision(&self, revision: Option<Revision>) -> Result<(), Refusal> {
        match revision {
            Some(revision) if revision > self.revision() => Err(Refusal::FutureRevision),
            Some(revision) if revision < self.compacted() => Err(Refusal::Compacted),
            Some(_) | None => Ok(()),
        }
    }

    fn check_put(&self, put: &Put) -> Result<(), Refusal> {
        let keeps = put.value.is_none() || put.lease.is_none();
        if keeps && self.get(&put.key).is_none() {
            return Err(Refusal::KeyNotFound);
        }
        match put.lease {
            Some(LeaseId::NONE) | None => Ok(()),
            Some(lease) if self.lease(lease).is_some() => Ok(()),
            Some(_) => Err(Refusal::LeaseNotFound),
        }
    }
}

/// Refuses what can be seen without a store: empty keys, too many operations, keys that are written twice.
pub(crate) fn check(transaction: &Transaction) -> Result<(), Refusal> {
    check_form(transaction, OPERATIONS_MAX)?;
    intervals::check(&transaction.success)?;
    intervals::check(&transaction.failure)
}

/// Refuses empty keys and too many operations. A transaction within may have as many as are left.
fn check_form(transaction: &Transaction, operations_max: usize) -> Result<(), Refusal> {
    let Transaction { compares, success, failure } = transaction;
    let most = compares.len().max(success.len()).max(failure.len());
    let left = operations_max.checked_sub(most).ok_or(Refusal::TooManyOperations)?;
    if compares.iter().any(|Compare { range, .. }| range.start().is_empty()) {
        return Err(Refusal::EmptyKey);
    }
    let check = |operation: &Operation| match operation {
        Operation::Put(Put { key, .. }) if key.is_empty() => Err(Refusal::EmptyKey),
        Operation::Delete(range) if range.start().is_empty() => Err(Refusal::EmptyKey),
        Operation::Read(query) if query.range.start().is_empty() => Err(Refusal::EmptyKey),
        Operation::Put(_) | Operation::Delete(_) | Operation::Read(_) => Ok(()),
        Operation::Transaction(within) => check_form(within, left),
    };
    success.iter().chain(failure).try_for_each(check)
}
