//! The one writer: decides in order, makes a batch durable, publishes it, then answers.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use store::{Committed, KeyValue, LeaseId, Record, Refusal, Revision, Store, Transaction};
use tokio::sync::{oneshot, watch};

use crate::disk::{AppendError, Disk, OpenError};
use crate::identity::Identity;
use crate::storage;

/// How many decisions share one fsync at the most.
const BATCH_MAX: usize = 1024;

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

type Answer<T> = oneshot::Sender<Result<T, CommitError>>;

enum Message {
    Commit(Transaction, Witness, Answer<Committed>),
    Change(Deed, Answer<Record>),
}

/// What waits for the disk.
enum Decided {
    Commit(Committed, Witness, Answer<Committed>),
    Change(Record, storage::Witness, Answer<Record>),
}

/// A handle to the store; clones share it. The files are closed when the last is gone.
#[derive(Clone, Debug)]
pub struct Etcd {
    sender: mpsc::Sender<Message>,
    published: watch::Receiver<Store>,
    identity: Identity,
    folder: Arc<Path>,
}

impl Etcd {
    /// Opens the store in a folder and starts its writer.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let (disk, store) = Disk::open(folder)?;
        Self::start(disk, store).map_err(|error| OpenError::Io { path: folder.to_owned(), error })
    }

    /// Starts the writer of a store on its disk.
    pub(crate) fn start(disk: Disk, store: Store) -> std::io::Result<Self> {
        let identity = disk.identity();
        let folder = Arc::from(disk.folder());
        let (sender, receiver) = mpsc::channel();
        let (publish, published) = watch::channel(store.clone());
        let writer = Writer { disk, head: store, broken: None, publish };
        std::thread::Builder::new()
            .name("etcd-writer".to_owned())
            .spawn(move || writer.run(&receiver))?;
        Ok(Self { sender, published, identity, folder })
    }

    /// How much its files hold, in bytes; nothing if they cannot be asked.
    pub fn size_bytes(&self) -> Option<u64> {
        let files = std::fs::read_dir(&self.folder).ok()?.flatten();
        // One that a snapshot has just replaced holds nothing any more.
        Some(files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum())
    }

    /// Who the store is.
    pub fn identity(&self) -> Identity {
        self.identity
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
    pub(crate) async fn commit_witnessed(
        &self,
        transaction: Transaction,
        witness: impl FnOnce(&Committed) + Send + 'static,
    ) -> Result<Committed, CommitError> {
        let (answer, answered) = oneshot::channel();
        self.send(Message::Commit(transaction, Box::new(witness), answer))?;
        answered.await.map_err(|_| CommitError::Stopped)?
    }

    /// Forgets the history before a revision.
    pub async fn compact(&self, revision: Revision) -> Result<Record, CommitError> {
        self.change(move |store| store.compact(revision)).await
    }

    /// Forgets old history every `period`, keeping one period of it, until the store stops.
    pub(crate) async fn compact_every(&self, period: Duration) {
        let mut before = self.snapshot().revision();
        loop {
            tokio::time::sleep(period).await;
            // Where nothing was written since, it is compacted already.
            if self.compact(before).await == Err(CommitError::Stopped) {
                return;
            }
            before = self.snapshot().revision();
        }
    }

    /// Grants a lease of a number that is free.
    pub async fn grant(&self, lease: LeaseId, ttl_seconds: i64) -> Result<Record, CommitError> {
        self.change(move |store| store.grant(lease, ttl_seconds)).await
    }

    /// Revokes a lease and removes its keys.
    pub async fn revoke(&self, lease: LeaseId) -> Result<Record, CommitError> {
        self.change(move |store| store.revoke(lease)).await
    }

    /// The same, and tells the witness that is made for the keys. Of none is told nothing.
    pub(crate) async fn revoke_witnessed(
        &self,
        lease: LeaseId,
        witness: impl FnOnce(&[Arc<KeyValue>]) -> storage::Witness + Send + 'static,
    ) -> Result<Record, CommitError> {
        self.perform(move |store| {
            let keys = store.lease(lease).map(|found| found.keys.clone()).unwrap_or_default();
            let values: Vec<_> =
                keys.iter().filter_map(|key| store.get(key)).map(Arc::clone).collect();
            Ok((store.revoke(lease)?, witness(&values)))
        })
        .await
    }

    /// Notes how many seconds are left of a lease; nothing for all of them.
    pub async fn checkpoint(
        &self,
        lease: LeaseId,
        remaining_seconds: Option<i64>,
    ) -> Result<Record, CommitError> {
        self.change(move |store| store.checkpoint(lease, remaining_seconds)).await
    }

    async fn change(
        &self,
        deed: impl FnOnce(&mut Store) -> Result<Record, Refusal> + Send + 'static,
    ) -> Result<Record, CommitError> {
        self.perform(move |store| Ok((deed(store)?, Box::new(|_| {})))).await
    }

    async fn perform(
        &self,
        deed: impl FnOnce(&mut Store) -> Result<(Record, storage::Witness), Refusal> + Send + 'static,
    ) -> Result<Record, CommitError> {
        let (answer, answered) = oneshot::channel();
        self.send(Message::Change(Box::new(deed), answer))?;
        answered.await.map_err(|_| CommitError::Stopped)?
    }

    fn send(&self, message: Message) -> Result<(), CommitError> {
        self.sender.send(message).map_err(|_| CommitError::Stopped)
    }
}

/// Its fields are dropped in this order: who waits for the end of `publish` finds the files free.
struct Writer {
    disk: Disk,
    /// What is decided; ahead of what is published while a batch is being written.
    head: Store,
    broken: Option<String>,
    publish: watch::Sender<Store>,
}

impl Writer {
    fn run(mut self, receiver: &mpsc::Receiver<Message>) {
        while let Ok(first) = receiver.recv() {
            let batch = std::iter::once(first).chain(receiver.try_iter()).take(BATCH_MAX);
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
