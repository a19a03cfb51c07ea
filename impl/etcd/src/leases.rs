//! The clock of the leases: who is not kept alive in time is revoked.
//!
//! Deadlines are in memory. A new process counts from what was left at the last checkpoint.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use store::{KeyValue, Lease, LeaseId, Record, Refusal};
use tokio::sync::{Notify, RwLock};

use crate::deadlines::{Deadlines, Due};
use crate::identity::random;
use crate::{CommitError, Etcd, Witness};

/// No lease is granted for less. Source: etcd's `minTTL`, one and a half times its election timeout.
const TTL_SECONDS_MIN: i64 = 2;

/// After which time something is tried again that the disk refused.
const RETRY: Duration = Duration::from_secs(1);

/// Makes what is told that keys end with their lease.
pub type Farewell = Arc<dyn Fn(&[Arc<KeyValue>]) -> Witness + Send + Sync>;

/// The leases of a store; clones share them.
#[derive(Clone)]
pub struct Leases {
    etcd: Etcd,
    shared: Arc<Shared>,
    farewell: Farewell,
}

impl fmt::Debug for Leases {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Leases").field("shared", &self.shared).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Shared {
    deadlines: Mutex<Deadlines>,
    /// The next deadline may be another one.
    changed: Notify,
    /// Shared by whoever revokes; held by whoever grants a lease of a chosen number. Else the deadline of
    /// a new lease could be removed with an old one that had its number.
    numbers: RwLock<()>,
}

/// What is known of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseStatus {
    /// The lease.
    pub lease: Lease,
    /// How many seconds are left of it.
    pub left_seconds: i64,
}

impl Leases {
    /// Begins to count for the leases that a store holds. They end only while [`run`](Self::run) does.
    pub fn of(etcd: Etcd) -> Self {
        Self::witnessed(etcd, Arc::new(|_| Box::new(|_| {})))
    }

    /// The same, and tells somebody of the keys that end.
    pub fn witnessed(etcd: Etcd, farewell: Farewell) -> Self {
        let mut deadlines = Deadlines::default();
        let now = Instant::now();
        for (id, lease) in etcd.snapshot().leases() {
            deadlines.set(id, lease.remaining_seconds.unwrap_or(lease.ttl_seconds), now);
        }
        let shared = Shared { deadlines: Mutex::new(deadlines), ..Shared::default() };
        Self { etcd, shared: Arc::new(shared), farewell }
    }

    /// Grants a lease, of a number of our choice where none is given. Its number and its seconds, which
    /// may be more than asked for. A caller who stops waiting leaves a lease that ends.
    pub async fn grant(
        &self,
        lease: LeaseId,
        ttl_seconds: i64,
    ) -> Result<(LeaseId, i64, Record), CommitError> {
        let granted = self.clone().grant_at_last(lease, ttl_seconds.max(TTL_SECONDS_MIN));
        tokio::spawn(granted).await.unwrap_or(Err(CommitError::Stopped))
    }

    async fn grant_at_last(
        self,
        lease: LeaseId,
        ttl_seconds: i64,
    ) -> Result<(LeaseId, i64, Record), CommitError> {
        let _held = match lease {
            LeaseId::NONE => None,
            _ => Some(self.shared.numbers.write().await),
        };
        loop {
            let id = if lease == LeaseId::NONE { free_number() } else { lease };
            match self.etcd.grant(id, ttl_seconds).await {
                Err(CommitError::Invalid(Refusal::LeaseExists)) if id != lease => {}
                granted => {
                    let record = granted?;
                    self.deadlines().set(id, ttl_seconds, Instant::now());
                    self.shared.changed.notify_one();
                    return Ok((id, ttl_seconds, record));
                }
            }
        }
    }

    /// Revokes a lease and removes its keys.
    pub async fn revoke(&self, lease: LeaseId) -> Result<Record, CommitError> {
        let _shared = self.shared.numbers.read().await;
        self.revoke_this(lease).await
    }

    /// The same, if it has ended: its number may have been given to another one in the meantime.
    async fn revoke_ended(&self, lease: LeaseId) -> Result<(), CommitError> {
        let _shared = self.shared.numbers.read().await;
        if self.deadlines().left(lease, Instant::now()).is_none() {
            self.revoke_this(lease).await?;
        }
        Ok(())
    }

    async fn revoke_this(&self, lease: LeaseId) -> Result<Record, CommitError> {
        let farewell = Arc::clone(&self.farewell);
        let revoked = self.etcd.revoke_witnessed(lease, move |keys| farewell(keys)).await;
        if matches!(revoked, Ok(_) | Err(CommitError::Invalid(_))) {
            self.deadlines().remove(lease);
        }
        revoked
    }

    /// Begins the time of a lease anew. For how many seconds; nothing if there is no such lease.
    pub async fn keep_alive(&self, lease: LeaseId) -> Result<Option<i64>, CommitError> {
        let store = self.etcd.snapshot();
        let Some(found) = store.lease(lease) else { return Ok(None) };
        if !self.deadlines().renew(lease, found.ttl_seconds, Instant::now()) {
            return Ok(None);
        }
        if found.remaining_seconds.is_some() {
            self.etcd.checkpoint(lease, None).await?;
        }
        Ok(Some(found.ttl_seconds))
    }

    /// What is known of a lease; nothing if it was revoked or has ended.
    pub fn status(&self, lease: LeaseId) -> Option<LeaseStatus> {
        let found = self.etcd.snapshot().lease(lease)?.clone();
        let left = self.deadlines().left(lease, Instant::now())?;
        Some(LeaseStatus { lease: found, left_seconds: left.as_secs().cast_signed() })
    }

    /// All leases, the one that ends first before the others.
    pub fn list(&self) -> Vec<LeaseId> {
        let store = self.etcd.snapshot();
        let by_end = self.deadlines().by_end().into_iter();
        by_end.filter(|lease| store.lease(*lease).is_some()).collect()
    }

    /// Revokes leases that have ended, and notes how much is left of long ones, until the store stops.
    pub async fn run(self) {
        loop {
            let next = self.deadlines().next();
            tokio::select! {
                () = until(next) => {}
                () = self.shared.changed.notified() => continue,
            }
            let due = self.deadlines().due(Instant::now());
            match self.perform(due).await {
                Ok(()) => {}
                Err(CommitError::Stopped) => return,
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }

    /// All at once: they share an fsync.
    async fn perform(&self, due: Due) -> Result<(), CommitError> {
        let revoked = join_all(due.ended.iter().map(|lease| self.revoke_ended(*lease))).await;
        let notes = due.checkpoints.iter();
        let noted = notes.map(|(lease, left)| self.etcd.checkpoint(*lease, Some(*left)));
        let noted = join_all(noted).await.into_iter().map(|noted| noted.map(drop));
        revoked.into_iter().chain(noted).try_for_each(|done| match done {
            // Whoever was faster has revoked it.
            Ok(_) | Err(CommitError::Invalid(_)) => Ok(()),
            Err(error) => Err(error),
        })
    }

    fn deadlines(&self) -> MutexGuard<'_, Deadlines> {
        self.shared.deadlines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn until(next: Option<Instant>) {
    match next {
        Some(next) => tokio::time::sleep_until(next.into()).await,
        None => std::future::pending().await,
    }
}

/// A number above zero that is most likely free.
fn free_number() -> LeaseId {
    LeaseId((random() >> 1 | 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lease_that_has_the_number_of_one_that_ended_stays() {
        let folder = tempfile::tempdir().unwrap();
        let leases = Leases::of(Etcd::open(folder.path()).unwrap());
        let anew = LeaseId(7);
        leases.grant(anew, 60).await.unwrap();

        // What was due when its predecessor had ended.
        leases.perform(Due { ended: vec![anew], checkpoints: vec![] }).await.unwrap();

        assert!(leases.status(anew).is_some());
        assert!(leases.etcd.snapshot().lease(anew).is_some());
    }
}
