//! Deciding: what a transaction does to the store, and what it leaves in the log.

use std::cmp::Ordering;

use crate::{
    Bytes, Change, Committed, Compare, Condition, Event, KeyValue, LeaseId, Operation, Outcome,
    Put, Range, Record, Refusal, Revision, Store, Transaction, Write, validity,
};

/// For how many seconds a lease is granted at most. Source: etcd's `lease.MaxLeaseTTL`.
const LEASE_SECONDS_MAX: i64 = 9_000_000_000;

/// How many bytes of keys and values a transaction may write. A request is far smaller; but it may name keys whose values
/// stay, and these are written again.
const WRITTEN_BYTES_MAX: usize = 256 * 1024 * 1024;

impl Store {
    /// Decides and applies a transaction.
    pub fn commit(&mut self, transaction: &Transaction) -> Result<Committed, Refusal> {
        validity::check(transaction)?;
        let branch = self.branch(transaction);
        self.check(&branch)?;
        let mut decision = Decision::on(self, &branch);
        let done = decision.run(branch).and_then(|done| decision.check_size().map(|()| done));
        let Decision { revision, writes, events, .. } = decision;
        let (succeeded, outcomes) = match done {
            Ok(done) => done,
            Err(refusal) => {
                self.take_back(&events);
                return Err(refusal);
            }
        };
        let record = (!writes.is_empty()).then(|| {
            self.remember(revision, events);
            Record { revision, changes: writes.into_iter().map(Change::Write).collect() }
        });
        Ok(Committed { succeeded, revision: self.revision(), outcomes, record })
    }

    /// Grants a lease of a number that is free.
    pub fn grant(&mut self, lease: LeaseId, ttl_seconds: i64) -> Result<Record, Refusal> {
        if lease == LeaseId::NONE {
            return Err(Refusal::LeaseNotFound);
        }
        if ttl_seconds > LEASE_SECONDS_MAX {
            return Err(Refusal::LeaseTooLong);
        }
        if self.lease(lease).is_some() {
            return Err(Refusal::LeaseExists);
        }
        let record = self.record_of(vec![Change::Grant(lease, ttl_seconds)]);
        self.apply(&record);
        Ok(record)
    }

    /// Revokes a lease: its keys are removed, all at one revision.
    pub fn revoke(&mut self, lease: LeaseId) -> Result<Record, Refusal> {
        let found = self.lease(lease).ok_or(Refusal::LeaseNotFound)?;
        let remove = |key: &Bytes| {
            Change::Write(Write { key: key.clone(), value: None, lease: LeaseId::NONE })
        };
        let mut changes: Vec<_> = found.keys.iter().map(remove).collect();
        changes.push(Change::Revoke(lease));
        let record = self.record_of(changes);
        self.apply(&record);
        Ok(record)
    }

    /// Notes how much is left of a lease, so that a new process does not begin anew; nothing for all.
    pub fn checkpoint(
        &mut self,
        lease: LeaseId,
        remaining_seconds: Option<i64>,
    ) -> Result<Record, Refusal> {
        self.lease(lease).ok_or(Refusal::LeaseNotFound)?;
        let record = self.record_of(vec![Change::Checkpoint(lease, remaining_seconds)]);
        self.apply(&record);
        Ok(record)
    }

    /// Forgets what was before `revision`; what can be read at it stays.
    pub fn compact(&mut self, revision: Revision) -> Result<Record, Refusal> {
        if revision <= self.compacted() {
            return Err(Refusal::Compacted);
        }
        if revision > self.revision() {
            return Err(Refusal::FutureRevision);
        }
        let record = self.record_of(vec![Change::Compact(revision)]);
        self.apply(&record);
        Ok(record)
    }

    fn record_of(&self, changes: Vec<Change>) -> Record {
        let writes = changes.iter().any(|change| matches!(change, Change::Write(_)));
        let revision = if writes { self.revision().next() } else { self.revision() };
        Record { revision, changes }
    }

    fn holds(&self, Compare { range, condition, relation }: &Compare) -> bool {
        let mut keys = self.range(range).peekable();
        if keys.peek().is_none() {
            let ordering = of_nothing(condition);
            return ordering.is_some_and(|ordering| relation.allows(ordering));
        }
        keys.all(|found| relation.allows(compared(found, condition)))
    }

    /// The branch of a transaction, and of those within, that is taken: decided before any of them
    /// writes.
    fn branch<'a>(&self, transaction: &'a Transaction) -> Branch<'a> {
        let succeeded = transaction.compares.iter().all(|compare| self.holds(compare));
        let operations = if succeeded { &transaction.success } else { &transaction.failure };
        let steps = operations.iter().map(|operation| match operation {
            Operation::Transaction(within) => Step::Branch(self.branch(within)),
            Operation::Put(_) | Operation::Delete(_) | Operation::Read(_) => Step::Do(operation),
        });
        Branch { succeeded, steps: steps.collect() }
    }
}

fn compared(found: &KeyValue, condition: &Condition) -> Ordering {
    match condition {
        Condition::Version(version) => found.version.cmp(version),
        Condition::CreateRevision(revision) => found.create_revision.cmp(revision),
        Condition::ModRevision(revision) => found.mod_revision.cmp(revision),
        Condition::Value(value) => found.value.cmp(value),
        Condition::Lease(lease) => found.lease.cmp(lease),
    }
}

/// A key that does not exist has zero for every number, and no value that could be compared.
fn of_nothing(condition: &Condition) -> Option<Ordering> {
    match condition {
        Condition::Version(version) => Some(0.cmp(version)),
        Condition::CreateRevision(revision) | Condition::ModRevision(revision) => {
            Some(Revision(0).cmp(revision))
        }
        Condition::Lease(lease) => Some(LeaseId::NONE.cmp(lease)),
        Condition::Value(_) => None,
    }
}

/// What is taken of a transaction.
pub(crate) struct Branch<'a> {
    succeeded: bool,
    steps: Vec<Step<'a>>,
}

enum Step<'a> {
    Do(&'a Operation),
    Branch(Branch<'a>),
}

impl Branch<'_> {
    /// Checks each operation, those of branches within included.
    pub(crate) fn try_for_each(
        &self,
        check: &dyn Fn(&Operation) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        self.steps.iter().try_for_each(|step| match step {
            Step::Do(operation) => check(operation),
            Step::Branch(within) => within.try_for_each(check),
        })
    }

    /// Whether something is read as of a revision that is named.
    fn reads_the_past(&self) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Do(Operation::Read(query)) => query.revision.is_some(),
            Step::Do(Operation::Put(_) | Operation::Delete(_) | Operation::Transaction(_)) => false,
            Step::Branch(within) => within.reads_the_past(),
        })
    }
}

/// A transaction while it runs: the store as it was, where that is read, the store as it makes it, and what it has
/// changed. Without a copy of the store, what others do not share is changed where it lies.
struct Decision<'a> {
    before: Option<Store>,
    store: &'a mut Store,
    revision: Revision,
    writes: Vec<Write>,
    events: Vec<Event>,
}

impl<'a> Decision<'a> {
    fn on(store: &'a mut Store, branch: &Branch<'_>) -> Self {
        let before = branch.reads_the_past().then(|| store.clone());
        let revision = store.revision().next();
        Self { before, store, revision, writes: vec![], events: vec![] }
    }

    fn check_size(&self) -> Result<(), Refusal> {
        let bytes: usize = self.writes.iter().map(Write::written_bytes).sum();
        if bytes > WRITTEN_BYTES_MAX { Err(Refusal::TooLarge) } else { Ok(()) }
    }

    fn run(&mut self, branch: Branch<'_>) -> Result<(bool, Vec<Outcome>), Refusal> {
        let outcomes = branch.steps.into_iter().map(|step| match step {
            Step::Branch(within) => {
                let (succeeded, outcomes) = self.run(within)?;
                Ok(Outcome::Transaction(succeeded, outcomes))
            }
            Step::Do(operation) => self.take(operation),
        });
        Ok((branch.succeeded, outcomes.collect::<Result<_, _>>()?))
    }

    fn take(&mut self, operation: &Operation) -> Result<Outcome, Refusal> {
        match operation {
            Operation::Put(put) => self.put(put),
            Operation::Delete(range) => Ok(self.delete(range)),
            // Whoever names a revision does not mean the one that is being made.
            Operation::Read(query) => {
                let read = match (&self.before, query.revision) {
                    (Some(before), Some(_)) => before.read(query),
                    (_, None) | (None, Some(_)) => self.store.read(query),
                };
                read.map(Outcome::Read)
            }
            Operation::Transaction(_) => unreachable!("transactions within are branches"),
        }
    }

    fn put(&mut self, Put { key, value, lease }: &Put) -> Result<Outcome, Refusal> {
        let before = self.store.get(key).cloned();
        let kept = || before.as_deref().ok_or(Refusal::KeyNotFound);
        let value = match value {
            Some(value) => value.clone(),
            None => kept()?.value.clone(),
        };
        let lease = match lease {
            Some(lease) => *lease,
            None => kept()?.lease,
        };
        self.write(Write { key: key.clone(), value: Some(value), lease });
        Ok(Outcome::Put(before))
    }

    fn delete(&mut self, range: &Range) -> Outcome {
        let removed: Vec<_> = self.store.range(range).cloned().collect();
        for found in &removed {
            let key = found.key.clone();
            self.write(Write { key, value: None, lease: LeaseId::NONE });
        }
        Outcome::Deleted(removed)
    }

    fn write(&mut self, write: Write) {
        self.events.push(self.store.write_at(self.revision, &write));
        self.writes.push(write);
    }
}
