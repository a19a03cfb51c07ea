//! The one writer: decides in order, makes a batch durable, publishes it, then answers.

use store::{Committed, Record, Refusal, Store, Transaction};
use tokio::sync::{oneshot, watch};

use crate::disk::{AppendError, Disk};
use crate::storage;

/// Why something was not committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// It makes no sense, or not now.
    #[error(transparent)]
    Invalid(#[from] Refusal),
    /// The disk refused; nothing was written.
    #[error("etcdserver: {0}")]
    Refused(String),
    /// The disk failed in a way that leaves its content unknown; the store takes no more writes.
    #[error("etcdserver: the log cannot be written: {0}")]
    Broken(String),
    /// No member of an etcd cluster can be asked; nothing was written.
    #[error("no member of etcd answers: {0}")]
    Unreachable(String),
    /// A member of an etcd cluster has not said what became of it.
    #[error("etcdserver: {0}")]
    Unknown(String),
    /// The store is shutting down.
    #[error("etcdserver: server stopped")]
    Stopped,
}

/// Told of a commit in the order of revisions, after it is durable and before it is published.
type Witness = Box<dyn FnOnce(&Committed) + Send>;

/// A change of the store beside transactions, and who is told of it as witnesses are.
type Deed = Box<dyn FnOnce(&mut Store) -> Result<(Record, storage::Witness), Refusal> + Send>;

pub(crate) type Answer<T> = oneshot::Sender<Result<T, CommitError>>;

pub(crate) enum Message {
    Commit(Transaction, Witness, Answer<Committed>),
    Change(Deed, Answer<Record>),
}

/// What waits for the disk.
enum Decided {
    Commit(Committed, Witness, Answer<Committed>),
    Change(Record, storage::Witness, Answer<Record>),
}

/// Its fields are dropped in this order: who waits for the end of `publish` finds the files free.
#[derive(Debug)]
pub(crate) struct Writer {
    disk: Disk,
    /// What is decided; ahead of what is published while a batch is being written.
    head: Store,
    broken: Option<String>,
    publish: watch::Sender<Store>,
}

impl Writer {
    pub(crate) fn new(disk: Disk, head: Store, publish: watch::Sender<Store>) -> Self {
        Self { disk, head, broken: None, publish }
    }

    /// Decides a batch, makes it durable, publishes it, answers.
    pub(crate) fn write(&mut self, batch: impl Iterator<Item = Message>) {
        let (mut decided, mut records) = (vec![], vec![]);
        for message in batch {
            decided.extend(self.decide(message, &mut records));
        }
        let written = self.make_durable(&records);
        let answers: Vec<_> =
            decided.into_iter().map(|decided| decided.witnessed(&written)).collect();
        if written.is_ok() {
            self.publish();
        }
        answers.into_iter().for_each(|answer| answer());
    }

    /// Decides; what is refused is answered at once.
    fn decide(&mut self, message: Message, records: &mut Vec<Record>) -> Option<Decided> {
        match message {
            Message::Commit(transaction, witness, answer) => {
                let committed = match self.head.commit(&transaction) {
                    Ok(committed) => committed,
                    Err(refusal) => return refuse(answer, refusal),
                };
                records.extend(committed.record.clone());
                Some(Decided::Commit(committed, witness, answer))
            }
            Message::Change(deed, answer) => {
                let (record, witness) = match deed(&mut self.head) {
                    Ok(done) => done,
                    Err(refusal) => return refuse(answer, refusal),
                };
                records.push(record.clone());
                Some(Decided::Change(record, witness, answer))
            }
        }
    }

    fn make_durable(&mut self, records: &[Record]) -> Result<(), CommitError> {
        if let Some(why) = &self.broken {
            self.head = self.publish.borrow().clone();
            return Err(CommitError::Broken(why.clone()));
        }
        if records.is_empty() {
            return Ok(());
        }
        self.disk.append(records).map_err(|error| self.take_back(error))
    }

    fn publish(&mut self) {
        let before = self.publish.send_replace(self.head.clone());
        if before.compacted() < self.head.compacted() {
            free_aside(before);
        }
        // If it cannot be done now, the log grows, and it is tried again after the next batch.
        drop(self.disk.rotate_if_long(&self.head));
    }

    fn take_back(&mut self, error: AppendError) -> CommitError {
        self.head = self.publish.borrow().clone();
        match error {
            AppendError::Refused(error) => CommitError::Refused(error.to_string()),
            AppendError::Broken(error) => {
                self.broken = Some(error.to_string());
                CommitError::Broken(error.to_string())
            }
        }
    }
}

/// Frees what was forgotten without having the next batch wait for it.
fn free_aside(before: Store) {
    let freeing = std::thread::Builder::new().name("etcd-free".to_owned());
    // Without another thread it is freed here.
    drop(freeing.spawn(move || drop(before)));
}

fn refuse<T>(answer: Answer<T>, refusal: Refusal) -> Option<Decided> {
    // A caller that has gone away is told nothing.
    drop(answer.send(Err(CommitError::Invalid(refusal))));
    None
}

impl Decided {
    /// Tells the witness if all is durable. What is left is to answer, once it is published.
    fn witnessed(self, written: &Result<(), CommitError>) -> Box<dyn FnOnce()> {
        let written = written.clone();
        // A caller that has gone away does not change what was committed.
        match self {
            Decided::Commit(committed, witness, answer) => {
                if written.is_ok() {
                    witness(&committed);
                }
                Box::new(move || drop(answer.send(written.map(|()| committed))))
            }
            Decided::Change(record, witness, answer) => {
                if written.is_ok() {
                    witness(record.revision);
                }
                Box::new(move || drop(answer.send(written.map(|()| record))))
            }
        }
    }
}
