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
    Commit(Result<Committed, Refusal>, Witness, Answer<Committed>),
    Change(Result<(Record, storage::Witness), Refusal>, Answer<Record>),
}

/// How many bytes of keys and values share one fsync, but for those of the last message.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

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

    /// Decides a batch, makes it durable, publishes it, answers. What is too much for one is left in it.
    pub(crate) fn write(&mut self, batch: impl Iterator<Item = Message>) {
        let (mut decided, mut records, mut bytes) = (vec![], vec![], 0);
        for message in batch {
            let (decision, record) = self.decide(message);
            decided.push(decision);
            bytes += record.as_ref().map_or(0, Record::written_bytes);
            records.extend(record);
            if bytes >= BATCH_BYTES_MAX {
                break;
            }
        }
        let written = self.make_durable(&records);
        let answers: Vec<_> =
            decided.into_iter().map(|decided| decided.witnessed(&written)).collect();
        if written.is_ok() {
            self.publish();
        }
        answers.into_iter().for_each(|answer| answer());
    }

    /// Decides. What is refused may rest on what is not durable yet, and is answered as late.
    fn decide(&mut self, message: Message) -> (Decided, Option<Record>) {
        match message {
            Message::Commit(transaction, witness, answer) => {
                let committed = self.head.commit(&transaction);
                let record = committed.as_ref().ok().and_then(|committed| committed.record.clone());
                (Decided::Commit(committed, witness, answer), record)
            }
            Message::Change(deed, answer) => {
                let done = deed(&mut self.head);
                let record = done.as_ref().ok().map(|(record, _)| record.clone());
                (Decided::Change(done, answer), record)
            }
        }
    }

    /// Writes anew what is held.
    pub(crate) fn defragment(&mut self) -> Result<(), CommitError> {
        if let Some(why) = &self.broken {
            return Err(CommitError::Broken(why.clone()));
        }
        self.disk.defragment(&self.head).map_err(|error| self.take_back(error))
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
        // If it is refused now, the log grows, and it is tried again after the next batch.
        drop(self.disk.rotate_if_long(&self.head).map_err(|error| self.take_back(error)));
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

impl Decided {
    /// Tells the witness if all is durable. What is left is to answer, once it is published.
    fn witnessed(self, written: &Result<(), CommitError>) -> Box<dyn FnOnce()> {
        let written = written.clone();
        // A caller that has gone away does not change what was committed.
        match self {
            Decided::Commit(decision, witness, answer) => {
                let committed = written.and_then(|()| Ok(decision?));
                if let Ok(committed) = &committed {
                    witness(committed);
                }
                Box::new(move || drop(answer.send(committed)))
            }
            Decided::Change(decision, answer) => {
                let done = written.and_then(|()| Ok(decision?)).map(|(record, witness)| {
                    witness(record.revision);
                    record
                });
                Box::new(move || drop(answer.send(done)))
            }
        }
    }
}
