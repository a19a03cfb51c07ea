//! Writers, a reader and a watcher, who do not stop while members fail; and what must then hold.

use std::sync::{Arc, Mutex, PoisonError};

use etcd::{CommitError, Remote};
use libtest_mimic::Failed;
use store::{Bytes, Event, Revision, Transaction};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::members::PATIENCE;

const WRITERS: usize = 16;

/// A write: its revision, key and value.
type Written = (Revision, Bytes, Bytes);

/// A load on a cluster: it writes through one API server's storage, reads and watches through another's.
pub(crate) struct Load {
    ours: Remote,
    other: Remote,
    shared: Arc<Shared>,
    writers: JoinSet<Result<(), Failed>>,
    reader: JoinHandle<Result<usize, Failed>>,
    watcher: JoinHandle<Result<Vec<Written>, Failed>>,
}

struct Shared {
    acknowledged: watch::Sender<Vec<Written>>,
    witnessed: Mutex<Vec<Revision>>,
    /// The last revision that matters, once the writers have stopped.
    end: watch::Sender<Option<Revision>>,
}

impl Shared {
    fn has_ended(&self) -> bool {
        self.end.borrow().is_some()
    }

    fn newest_acknowledged(&self) -> Revision {
        let acknowledged = self.acknowledged.borrow();
        acknowledged.iter().map(|(revision, ..)| *revision).max().unwrap_or_default()
    }
}

impl Load {
    pub(crate) fn start(ours: &Remote, other: &Remote) -> Self {
        let shared = Arc::new(Shared {
            acknowledged: watch::Sender::new(vec![]),
            witnessed: Mutex::default(),
            end: watch::Sender::new(None),
        });
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(ours.clone(), writer, Arc::clone(&shared)));
        }
        let reader = tokio::spawn(read(other.clone(), Arc::clone(&shared)));
        let watcher = tokio::spawn(follow(other.clone(), Arc::clone(&shared)));
        Self { ours: ours.clone(), other: other.clone(), shared, writers, reader, watcher }
    }

    /// Waits until so many more writes have been acknowledged.
    pub(crate) async fn goes_on(&self, writes: usize) -> Result<(), Failed> {
        let mut acknowledged = self.shared.acknowledged.subscribe();
        let enough = acknowledged.borrow().len() + writes;
        let reached = acknowledged.wait_for(|all| all.len() >= enough);
        timeout(PATIENCE, reached).await.map_err(|_| "the load does not go on")??;
        Ok(())
    }

    /// Stops, and checks all that was acknowledged, read, watched and witnessed.
    pub(crate) async fn finish(mut self) -> Result<(), Failed> {
        self.shared.end.send_replace(Some(Revision(u64::MAX)));
        while let Some(written) = self.writers.join_next().await {
            written??;
        }
        let end = self.ours.newest().await?.revision();
        self.shared.end.send_replace(Some(end));
        let watched =
            timeout(PATIENCE, self.watcher).await.map_err(|_| "the watch stays behind")??;
        let watched = watched?;
        if timeout(PATIENCE, self.reader).await.map_err(|_| "the reader waits")??? == 0 {
            return Err("nothing was read".into());
        }
        let acknowledged = self.shared.acknowledged.borrow().clone();
        let lost = acknowledged.iter().find(|write| !watched.contains(write));
        if let Some((revision, key, _)) = lost {
            let key = String::from_utf8_lossy(key);
            return Err(format!("{key} at {revision} was acknowledged and not watched").into());
        }
        check_witnesses(&self.shared, &acknowledged)?;
        let (ours, other) = (self.ours.newest().await?, self.other.newest().await?);
        if ours.iter().ne(other.iter()) {
            return Err("two mirrors hold different keys".into());
        }
        Ok(())
    }
}

/// Every acknowledged write has been witnessed once, in the order of revisions.
fn check_witnesses(shared: &Shared, acknowledged: &[Written]) -> Result<(), Failed> {
    let witnessed = shared.witnessed.lock().unwrap_or_else(PoisonError::into_inner);
    let mut revisions: Vec<Revision> =
        acknowledged.iter().map(|(revision, ..)| *revision).collect();
    revisions.sort();
    if *witnessed != revisions {
        return Err(format!("{} writes, {} witnesses", revisions.len(), witnessed.len()).into());
    }
    Ok(())
}

/// Writes its own key again and again, each time from what it has read.
async fn write(ours: Remote, writer: usize, shared: Arc<Shared>) -> Result<(), Failed> {
    let key = Bytes::from(format!("/registry/load/{writer}").as_bytes());
    for count in 0_u64.. {
        if shared.has_ended() {
            break;
        }
        let value = Bytes::from(format!("{writer} {count}").as_bytes());
        let transaction = match ours.snapshot().get(&key) {
            Some(found) => Transaction::update(key.clone(), found.mod_revision, value.clone()),
            None => Transaction::create(key.clone(), value.clone()),
        };
        let witness = Arc::clone(&shared);
        let told = move |revision| {
            witness.witnessed.lock().unwrap_or_else(PoisonError::into_inner).push(revision);
        };
        match ours.commit(transaction, Box::new(told)).await {
            Ok(verdict) if verdict.succeeded => shared.acknowledged.send_modify(|all| {
                all.push((verdict.revision, key.clone(), value.clone()));
            }),
            // One before, of which nothing was heard, has come through.
            Ok(_) | Err(CommitError::Unknown(_) | CommitError::Unreachable(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whoever reads after something was acknowledged reads it. How often that was tried.
async fn read(other: Remote, shared: Arc<Shared>) -> Result<usize, Failed> {
    let mut reads = 0;
    while !shared.has_ended() {
        let acknowledged = shared.newest_acknowledged();
        match other.newest().await {
            Ok(store) if store.revision() < acknowledged => {
                return Err(format!("read {} after {acknowledged}", store.revision()).into());
            }
            Ok(_) => reads += 1,
            Err(CommitError::Unreachable(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(reads)
}

/// Every revision comes, and once. What was written at each.
async fn follow(other: Remote, shared: Arc<Shared>) -> Result<Vec<Written>, Failed> {
    let mut published = other.subscribe();
    let mut end = shared.end.subscribe();
    let mut after = published.borrow().revision();
    let mut watched = vec![];
    loop {
        let store = published.borrow_and_update().clone();
        for event in store.events_after(after)? {
            let Event { now, .. } = event;
            if now.mod_revision != after.next() {
                return Err(format!("{} came after {after}", now.mod_revision).into());
            }
            after = now.mod_revision;
            watched.push((after, now.key.clone(), now.value.clone()));
        }
        if end.borrow_and_update().is_some_and(|end| after >= end) {
            return Ok(watched);
        }
        tokio::select! {
            changed = published.changed() => changed?,
            changed = end.changed() => changed?,
        }
    }
}
