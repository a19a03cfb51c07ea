//! The handle to a store, through which it is read and written.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::time::Duration;

use store::{Committed, KeyValue, LeaseId, Record, Refusal, Revision, Store, Transaction};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::disk::{Disk, OpenError, Options};
use crate::identity::Identity;
use crate::storage;
use crate::writer::{Answer, CommitError, Message, Writer};

/// How many decisions share one fsync at the most.
const BATCH_MAX: usize = 1024;

/// How many batches of one message come in a row before it is taken that only one writes.
const ALONE_MIN: usize = 16;

/// A handle to the store; clones share it. The files are closed when the last is gone.
#[derive(Clone, Debug)]
pub struct Etcd {
    /// Its thread owns it.
    writer: Weak<Mutex<Shared>>,
    /// How many messages wait for that thread.
    waiting: Arc<AtomicUsize>,
    /// How many are about to write themselves.
    willing: Arc<AtomicUsize>,
    sender: mpsc::Sender<Message>,
    published: watch::Receiver<Store>,
    identity: Identity,
    folder: Arc<Path>,
}

impl Etcd {
    /// Opens the store in a folder and starts its writer.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::open_with(folder, Options::default())
    }

    /// The same, and as these options say.
    pub fn open_with(folder: &Path, options: Options) -> Result<Self, OpenError> {
        let (disk, store) = Disk::open(folder, options)?;
        Self::start(disk, store).map_err(|error| OpenError::Io { path: folder.to_owned(), error })
    }

    /// Starts the writer of a store on its disk.
    pub(crate) fn start(disk: Disk, store: Store) -> std::io::Result<Self> {
        let identity = disk.identity();
        let folder = Arc::from(disk.folder());
        let (sender, receiver) = mpsc::channel();
        let (publish, published) = watch::channel(store.clone());
        let writer = Arc::new(Mutex::new(Shared::of(Writer::new(disk, store, publish))));
        let (shared, waiting, willing) = (Arc::downgrade(&writer), Arc::default(), Arc::default());
        let taken = Arc::clone(&waiting);
        std::thread::Builder::new()
            .name("etcd-writer".to_owned())
            .spawn(move || write_in_turn(&writer, &receiver, &taken))?;
        Ok(Self { writer: shared, waiting, willing, sender, published, identity, folder })
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
        self.decided(|answer| Message::Commit(transaction, Box::new(witness), answer)).await
    }

    /// Forgets the history before a revision.
    pub async fn compact(&self, revision: Revision) -> Result<Record, CommitError> {
        self.change(move |store| store.compact(revision)).await
    }

    /// Writes anew what is held, so that what was forgotten takes no room on disk. Who writes waits for it, as with etcd.
    pub async fn defragment(&self) -> Result<(), CommitError> {
        let writer = self.writer.clone();
        let done = tokio::task::spawn_blocking(move || {
            let shared = writer.upgrade().ok_or(CommitError::Stopped)?;
            let mut shared = shared.lock().map_err(|_| CommitError::Stopped)?;
            shared.writer.defragment()
        });
        done.await.unwrap_or(Err(CommitError::Stopped))
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
        self.decided(|answer| Message::Change(Box::new(deed), answer)).await
    }

    async fn decided<T>(
        &self,
        message: impl FnOnce(Answer<T>) -> Message,
    ) -> Result<T, CommitError> {
        let (answer, answered) = oneshot::channel();
        self.submit(message(answer)).await?;
        answered.await.map_err(|_| CommitError::Stopped)?
    }

    /// Writes here where nobody else has written of late: two changes of thread less. Where others do, the writer's
    /// own thread syncs once for all that wait, and this one has better things to do than to wait for the disk.
    async fn submit(&self, message: Message) -> Result<(), CommitError> {
        let writer = self.writer.upgrade().ok_or(CommitError::Stopped)?;
        if has_thread_to_spare() && writer.try_lock().is_ok_and(|shared| shared.is_alone()) {
            let willing = Willing::one_more(&self.willing);
            // Others of the same task have not had their turn yet.
            tokio::task::yield_now().await;
            if willing.is_alone()
                && self.waiting.load(Ordering::Relaxed) == 0
                && let Ok(mut shared) = writer.try_lock()
                && shared.is_alone()
            {
                shared.write(std::iter::once(message), &self.waiting);
                return Ok(());
            }
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.sender.send(message).map_err(|_| CommitError::Stopped)
    }
}

/// Somebody who is about to write, for as long as this lives.
struct Willing<'a>(&'a AtomicUsize);

impl<'a> Willing<'a> {
    fn one_more(willing: &'a AtomicUsize) -> Self {
        willing.fetch_add(1, Ordering::Relaxed);
        Self(willing)
    }

    fn is_alone(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 1
    }
}

impl Drop for Willing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the runtime goes on while one of its threads waits for the disk. No more than one ever does.
fn has_thread_to_spare() -> bool {
    Handle::try_current().is_ok_and(|runtime| runtime.metrics().num_workers() > 1)
}

/// The writer, and how many batches of one message it has written in a row while no other waited.
#[derive(Debug)]
struct Shared {
    writer: Writer,
    alone: usize,
}

impl Shared {
    fn of(writer: Writer) -> Self {
        Self { writer, alone: 0 }
    }

    fn is_alone(&self) -> bool {
        self.alone >= ALONE_MIN
    }

    fn write(&mut self, batch: impl Iterator<Item = Message>, waiting: &AtomicUsize) {
        let mut count = 0;
        self.writer.write(batch.inspect(|_| count += 1));
        let is_alone = count == 1 && waiting.load(Ordering::Relaxed) == 0;
        self.alone = if is_alone { self.alone + 1 } else { 0 };
    }
}

/// The writer's own thread. It ends with the last handle, or after a panic while something was written.
fn write_in_turn(
    shared: &Mutex<Shared>,
    receiver: &mpsc::Receiver<Message>,
    waiting: &AtomicUsize,
) {
    while let Ok(first) = receiver.recv() {
        let Ok(mut shared) = shared.lock() else { return };
        let batch = std::iter::once(first).chain(receiver.try_iter()).take(BATCH_MAX);
        let taken = batch.inspect(|_| {
            waiting.fetch_sub(1, Ordering::Relaxed);
        });
        shared.write(taken, waiting);
    }
}
