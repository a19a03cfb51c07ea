//! Leases for objects that end by themselves: one for many of them, so that few are granted.
//!
//! Source: apiserver/pkg/storage/etcd3/lease_manager.go, v1.36.

use std::time::Duration;

use store::LeaseId;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::{CommitError, Farewell, Leases, Remote, Storage};

/// For how long a lease is given to further objects, if that is no more than a twentieth of their time.
const REUSE_MAX: Duration = Duration::from_secs(60);

/// To how many objects a lease is given.
const OBJECTS_MAX: usize = 1000;

/// Grants leases, and gives each to many.
#[derive(Debug)]
pub struct LeaseManager {
    grants: Grants,
    ttl: Duration,
    last: Mutex<Option<Granted>>,
}

/// Who grants them.
#[derive(Debug)]
enum Grants {
    Embedded(Leases),
    Remote(Remote),
}

#[derive(Clone, Copy, Debug)]
struct Granted {
    lease: LeaseId,
    /// Until when it is given away: what gets it then still lives its whole time.
    until: Instant,
    objects: usize,
}

impl LeaseManager {
    /// For objects that live for so long. Who is named is told when objects of an embedded store end.
    pub fn start(storage: Storage, ttl: Duration, farewell: Farewell) -> Self {
        let grants = match storage {
            Storage::Embedded(etcd) => {
                let leases = Leases::witnessed(etcd, farewell);
                tokio::spawn(leases.clone().run());
                Grants::Embedded(leases)
            }
            Storage::Remote(remote) => Grants::Remote(remote),
        };
        Self { grants, ttl, last: Mutex::default() }
    }

    /// A lease for one more object. It ends a little later than the object has to.
    pub async fn lease(&self) -> Result<LeaseId, CommitError> {
        let mut last = self.last.lock().await;
        let now = Instant::now();
        if let Some(granted) = last.as_mut().filter(|granted| granted.takes_one_more(now)) {
            granted.objects += 1;
            return Ok(granted.lease);
        }
        let reuse = REUSE_MAX.min(self.ttl / 20);
        let lease = self.grant(whole_seconds(self.ttl + reuse)).await?;
        *last = Some(Granted { lease, until: now + reuse, objects: 1 });
        Ok(lease)
    }

    /// Gives the last one to nobody any more: there is something wrong with it.
    pub async fn forget(&self) {
        *self.last.lock().await = None;
    }

    async fn grant(&self, ttl_seconds: i64) -> Result<LeaseId, CommitError> {
        match &self.grants {
            Grants::Embedded(leases) => {
                leases.grant(LeaseId::NONE, ttl_seconds).await.map(|(lease, ..)| lease)
            }
            Grants::Remote(remote) => remote.grant(ttl_seconds).await,
        }
    }
}

impl Granted {
    fn takes_one_more(&self, now: Instant) -> bool {
        now < self.until && self.objects < OBJECTS_MAX
    }
}

/// No less than a time.
fn whole_seconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis().div_ceil(1000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex as Shelf};

    use store::{Operation, Put, Revision, Transaction};

    use super::*;
    use crate::Etcd;

    struct Kept {
        manager: LeaseManager,
        etcd: Etcd,
        /// The keys that have ended, with the revision.
        ended: Arc<Shelf<Vec<(String, Revision)>>>,
        _folder: tempfile::TempDir,
    }

    impl Kept {
        fn new(ttl: Duration) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let etcd = Etcd::open(folder.path()).unwrap();
            let ended = Arc::<Shelf<Vec<(String, Revision)>>>::default();
            let told = Arc::clone(&ended);
            let farewell: Farewell = Arc::new(move |found| {
                let told = Arc::clone(&told);
                let name =
                    |found: &Arc<store::KeyValue>| String::from_utf8_lossy(&found.key).into_owned();
                let keys: Vec<String> = found.iter().map(name).collect();
                Box::new(move |revision| {
                    let keys = keys.into_iter().map(|key| (key, revision));
                    told.lock().unwrap().extend(keys);
                })
            });
            let storage = Storage::Embedded(etcd.clone());
            let manager = LeaseManager::start(storage, ttl, farewell);
            Self { manager, etcd, ended, _folder: folder }
        }

        async fn put(&self, key: &str) -> LeaseId {
            let lease = self.manager.lease().await.unwrap();
            let put = Put::new(key.as_bytes().into(), b"{}".as_slice().into());
            let put = Operation::Put(Put { lease: Some(lease), ..put });
            self.etcd.commit(Transaction::of(vec![put])).await.unwrap();
            lease
        }
    }

    #[tokio::test]
    async fn what_has_a_lease_ends_and_who_wants_to_know_is_told() {
        let kept = Kept::new(Duration::from_secs(1));
        kept.put("a").await;
        let mut published = kept.etcd.subscribe();

        let gone = published.wait_for(|store| store.get(b"a").is_none());
        let store = tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap().unwrap();

        let told = kept.ended.lock().unwrap().clone();
        assert_eq!(told, [("a".to_owned(), store.revision())]);
        drop(store);
    }

    #[tokio::test]
    async fn a_lease_is_given_to_many_and_to_no_more() {
        let kept = Kept::new(Duration::from_secs(3600));
        let first = kept.put("a").await;
        assert_eq!(kept.put("b").await, first);
        let ttl = kept.etcd.snapshot().lease(first).unwrap().ttl_seconds;
        assert_eq!(ttl, 3660);

        kept.manager.last.lock().await.as_mut().unwrap().objects = OBJECTS_MAX;
        let second = kept.put("c").await;
        assert_ne!(second, first);
        kept.manager.forget().await;
        assert_ne!(kept.put("d").await, second);
    }

    #[tokio::test]
    async fn what_gets_a_lease_at_the_last_moment_still_has_its_whole_time() {
        let kept = Kept::new(Duration::from_secs(30));

        let lease = kept.put("a").await;

        let given_away = Duration::from_millis(1500);
        let ttl = kept.etcd.snapshot().lease(lease).unwrap().ttl_seconds;
        assert!(Duration::from_secs(ttl.cast_unsigned()) >= kept.manager.ttl + given_away, "{ttl}");
    }

    #[test]
    fn a_lease_is_not_given_where_it_would_end_too_early() {
        let now = Instant::now();
        let granted = Granted { lease: LeaseId(1), until: now + REUSE_MAX, objects: 1 };

        assert!(granted.takes_one_more(now));
        assert!(!granted.takes_one_more(now + REUSE_MAX));
    }
}
