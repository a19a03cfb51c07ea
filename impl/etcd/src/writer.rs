//! The one writer: decides commits in order, makes a batch durable, publishes it, then answers.

use std::path::Path;
use std::sync::mpsc;

use store::{Committed, Record, Revision, Store, Transaction};
use tokio::sync::{oneshot, watch};

use crate::disk::{AppendError, Disk, OpenError};

/// How many commits share one fsync at the most.
const BATCH_MAX: usize = 1024;

/// Why a commit did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The disk refused; nothing was written.
    #[error("etcdserver: {0}")]
    Refused(String),
    /// The disk failed in a way that leaves its content unknown; the store takes no more writes.
    #[error("etcdserver: the log cannot be written: {0}")]
    Broken(String),
    /// The store is shutting down.
    #[error("etcdserver: server stopped")]
    Stopped,
}

type Answer = oneshot::Sender<Result<Committed, CommitError>>;

/// Told of a commit in the order of revisions, after it is durable and before it is published.
type Witness = Box<dyn FnOnce(&Committed) + Send>;

enum Message {
    Commit(Transaction, Witness, Answer),
    Compact(Revision),
}

struct Decided {
    committed: Committed,
    witness: Witness,
    answer: Answer,
}

/// A handle to the store; clones share it. The files are closed when the last is gone.
#[derive(Clone, Debug)]
pub struct Etcd {
    sender: mpsc::Sender<Message>,
    published: watch::Receiver<Store>,
}

impl Etcd {
    /// Opens the store in a folder and starts its writer.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let (disk, store) = Disk::open(folder)?;
        let (sender, receiver) = mpsc::channel();
        let (publish, published) = watch::channel(store.clone());
        let writer = Writer { disk, head: store, publish, broken: None, compacted: false };
        std::thread::Builder::new()
            .name("etcd-writer".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(|error| OpenError::Io { path: folder.to_owned(), error })?;
        Ok(Self { sender, published })
    }

    /// What is durable now.
    pub fn snapshot(&self) -> Store {
        self.published.borrow().clone()
    }

    /// Wakes up whenever there is more.
    pub fn subscribe(&self) -> watch::Receiver<Store> {
        self.published.clone()
    }

    /// Decides a transaction; answers when it is durable and published.
    pub async fn commit(&self, transaction: Transaction) -> Result<Committed, CommitError> {
        self.commit_witnessed(transaction, |_| {}).await
    }

    /// The same, and tells `witness` of the commit before anyone can read it. Witnesses are called in
    /// the order of revisions.
    pub async fn commit_witnessed(
        &self,
        transaction: Transaction,
        witness: impl FnOnce(&Committed) + Send + 'static,
    ) -> Result<Committed, CommitError> {
        let (answer, answered) = oneshot::channel();
        let message = Message::Commit(transaction, Box::new(witness), answer);
        self.sender.send(message).map_err(|_| CommitError::Stopped)?;
        answered.await.map_err(|_| CommitError::Stopped)?
    }

    /// Forgets the history up to a revision.
    pub fn compact(&self, revision: Revision) -> Result<(), CommitError> {
        self.sender.send(Message::Compact(revision)).map_err(|_| CommitError::Stopped)
    }
}

struct Writer {
    disk: Disk,
    /// What is decided; ahead of what is published while a batch is being written.
    head: Store,
    publish: watch::Sender<Store>,
    broken: Option<String>,
    /// History was forgotten since the last snapshot; a restart must not bring it back.
    compacted: bool,
}

impl Writer {
    fn run(mut self, receiver: &mpsc::Receiver<Message>) {
        while let Ok(first) = receiver.recv() {
            let batch = std::iter::once(first).chain(receiver.try_iter()).take(BATCH_MAX);
            let (mut decided, mut records) = (vec![], vec![]);
            for message in batch {
                self.decide(message, &mut decided, &mut records);
            }
            let written = self.make_durable(&records);
            let mut answers = vec![];
            for Decided { committed, witness, answer } in decided {
                if written.is_ok() {
                    witness(&committed);
                }
                answers.push((answer, written.clone().map(|()| committed)));
            }
            self.publish(written.is_ok());
            for (answer, result) in answers {
                // A caller that has gone away does not change what was committed.
                drop(answer.send(result));
            }
        }
    }

    fn decide(&mut self, message: Message, decided: &mut Vec<Decided>, records: &mut Vec<Record>) {
        match message {
            Message::Commit(transaction, witness, answer) => {
                let committed = self.head.commit(&transaction);
                records.extend(committed.record.clone());
                decided.push(Decided { committed, witness, answer });
            }
            Message::Compact(revision) => {
                let before = self.head.compacted();
                self.head.compact(revision);
                self.compacted |= self.head.compacted() > before;
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

    fn publish(&mut self, written: bool) {
        if !written {
            return;
        }
        self.publish.send_replace(self.head.clone());
        if std::mem::take(&mut self.compacted) || self.disk.wants_snapshot() {
            self.broken = self.disk.write_snapshot(&self.head).err().map(|error| error.to_string());
        }
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
