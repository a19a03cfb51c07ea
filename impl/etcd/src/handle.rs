//! The handle to a store, through which it is read and written.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::time::{Duration, Instant};

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

/// Within how long who writes again does so in the same task, or has others in it who write.
const JUST_MICROSECONDS: u64 = 20;

/// A handle to the store; clones share it. The files are closed when the last is gone.
#[derive(Clone, Debug)]
pub struct Etcd {
    /// Its thread owns it.
    writer: Weak<Mutex<Writer>>,
    crowd: Arc<Crowd>,
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
        let writer = Arc::new(Mutex::new(Writer::new(disk, store, publish)));
        let (shared, crowd) = (Arc::downgrade(&writer), Arc::new(Crowd::new()));
        let served = Arc::clone(&crowd);
        std::thread::Builder::new()
            .name("etcd-writer".to_owned())
            .spawn(move || write_in_turn(&writer, &receiver, &served))?;
        Ok(Self { writer: shared, crowd, sender, published, identity, folder })
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
            let writer = writer.upgrade().ok_or(CommitError::Stopped)?;
            let mut writer = writer.lock().map_err(|_| CommitError::Stopped)?;
            writer.defragment()
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
        if self.crowd.is_one() && has_thread_to_spare() {
            let willing = Willing::one_more(&self.crowd);
            if self.crowd.has_just_written() {
                // Others of the same task may not have had their turn yet.
                tokio::task::yield_now().await;
            }
            let writer = self.writer.upgrade().ok_or(CommitError::Stopped)?;
            if willing.is_alone()
                && let Ok(mut writer) = writer.try_lock()
                && self.crowd.is_one()
            {
                self.crowd.write(&mut writer, std::iter::once(message));
                return Ok(());
            }
        }
        self.crowd.waiting.fetch_add(1, Ordering::Relaxed);
        self.sender.send(message).map_err(|_| CommitError::Stopped)
    }
}

/// How many write.
#[derive(Debug)]
struct Crowd {
    /// How many messages wait for the writer's thread.
    waiting: AtomicUsize,
    /// How many are about to write themselves.
    willing: AtomicUsize,
    /// How many batches of one message were written in a row while no other waited.
    alone: AtomicUsize,
    /// When the last batch was written, in microseconds after the beginning.
    written: AtomicU64,
    beginning: Instant,
}

impl Crowd {
    fn new() -> Self {
        let (waiting, willing, alone, written) = Default::default();
        Self { waiting, willing, alone, written, beginning: Instant::now() }
    }

    fn microseconds(&self) -> u64 {
        self.beginning.elapsed().as_micros().try_into().unwrap_or(u64::MAX)
    }

    /// Whether something was written so lately that no client can have heard of it and written again.
    fn has_just_written(&self) -> bool {
        self.microseconds() < self.written.load(Ordering::Relaxed) + JUST_MICROSECONDS
    }

    /// Whether one alone has written of late, and nobody waits.
    fn is_one(&self) -> bool {
        self.alone.load(Ordering::Relaxed) >= ALONE_MIN && self.waiting.load(Ordering::Relaxed) == 0
    }

    fn write(&self, writer: &mut Writer, batch: impl Iterator<Item = Message>) {
        let mut count = 0;
        writer.write(batch.inspect(|_| count += 1));
        let is_alone = count == 1 && self.waiting.load(Ordering::Relaxed) == 0;
        let before = self.alone.load(Ordering::Relaxed);
        // Whoever writes has the writer's lock.
        self.alone.store(if is_alone { before + 1 } else { 0 }, Ordering::Relaxed);
        self.written.store(self.microseconds(), Ordering::Relaxed);
    }
}

/// Somebody who is about to write, for as long as this lives.
struct Willing<'a>(&'a Crowd);

impl<'a> Willing<'a> {
    fn one_more(crowd: &'a Crowd) -> Self {
        crowd.willing.fetch_add(1, Ordering::Relaxed);
        Self(crowd)
    }

    fn is_alone(&self) -> bool {
        self.0.willing.load(Ordering::Relaxed) == 1
    }
}

impl Drop for Willing<'_> {
    fn drop(&mut self) {
        self.0.willing.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the runtime goes on while one of its threads waits for the disk. No more than one ever does.
fn has_thread_to_spare() -> bool {
    Handle::try_current().is_ok_and(|runtime| runtime.metrics().num_workers() > 1)
}

/// The writer's own thread. It ends with the last handle, or after a panic while something was written.
fn write_in_turn(writer: &Mutex<Writer>, receiver: &mpsc::Receiver<Message>, crowd: &Crowd) {
    while let Ok(first) = receiver.recv() {
        let Ok(mut writer) = writer.lock() else { return };
        let batch = std::iter::once(first).chain(receiver.try_iter()).take(BATCH_MAX);
        let taken = batch.inspect(|_| {
            crowd.waiting.fetch_sub(1, Ordering::Relaxed);
        });
        crowd.write(&mut writer, taken);
    }
}
