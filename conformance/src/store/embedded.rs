//! Our store on disk.

use etcd::{CommitError, Etcd, Leases};
use store::{Bytes, Event, KeyValue, LeaseId, Query, Revision, Transaction};
use tempfile::TempDir;

use super::core::{self, Cursor};
use super::target::{Failed, Target};

/// A store in a folder of its own, which ends with this.
#[derive(Debug)]
pub struct Embedded {
    folder: TempDir,
    /// Nothing while it restarts.
    opened: Option<(Etcd, Leases)>,
}

impl Embedded {
    /// A new store.
    pub fn create() -> Result<Self, Failed> {
        let folder = tempfile::tempdir().map_err(otherwise)?;
        let mut embedded = Self { folder, opened: None };
        embedded.open()?;
        Ok(embedded)
    }

    fn open(&mut self) -> Result<(), Failed> {
        let etcd = Etcd::open(self.folder.path()).map_err(otherwise)?;
        self.opened = Some((etcd.clone(), Leases::of(etcd)));
        Ok(())
    }

    fn etcd(&self) -> Result<&(Etcd, Leases), Failed> {
        self.opened.as_ref().ok_or_else(|| Failed::Otherwise("it is not open".to_owned()))
    }
}

/// Something that has no name here.
pub(super) fn otherwise(error: impl std::fmt::Display) -> Failed {
    Failed::Otherwise(error.to_string())
}

impl From<CommitError> for Failed {
    fn from(error: CommitError) -> Self {
        if let CommitError::Invalid(refusal) = error { refusal.into() } else { otherwise(error) }
    }
}

impl Target for Embedded {
    type Watch = Cursor;

    fn name(&self) -> String {
        "our store on disk".to_owned()
    }

    fn can_restart(&self) -> bool {
        true
    }

    async fn restart(&mut self) -> Result<(), Failed> {
        if let Some((etcd, leases)) = self.opened.take() {
            let mut published = etcd.subscribe();
            drop((etcd, leases));
            while published.changed().await.is_ok() {}
        }
        self.open()
    }

    async fn revision(&mut self) -> Result<Revision, Failed> {
        Ok(self.etcd()?.0.snapshot().revision())
    }

    async fn commit(&mut self, transaction: Transaction) -> Result<bool, Failed> {
        Ok(self.etcd()?.0.commit(transaction).await?.succeeded)
    }

    async fn read(&mut self, query: Query) -> Result<Vec<KeyValue>, Failed> {
        core::read(&self.etcd()?.0.snapshot(), &query)
    }

    async fn compact(&mut self, revision: Revision) -> Result<(), Failed> {
        self.etcd()?.0.compact(revision).await?;
        Ok(())
    }

    async fn watch(&mut self, key: &Bytes, from: Revision) -> Result<Cursor, Failed> {
        Cursor::open(&self.etcd()?.0.snapshot(), key, from)
    }

    async fn listen(&mut self, watch: &mut Cursor, count: usize) -> Result<Vec<Event>, Failed> {
        watch.next(&self.etcd()?.0.snapshot(), count)
    }

    async fn grant(&mut self, lease: LeaseId, ttl_seconds: i64) -> Result<(), Failed> {
        self.etcd()?.1.grant(lease, ttl_seconds).await?;
        Ok(())
    }

    async fn keep_alive(&mut self, lease: LeaseId) -> Result<bool, Failed> {
        Ok(self.etcd()?.1.keep_alive(lease).await?.is_some())
    }

    async fn revoke(&mut self, lease: LeaseId) -> Result<(), Failed> {
        self.etcd()?.1.revoke(lease).await?;
        Ok(())
    }

    async fn attached(&mut self, lease: LeaseId) -> Result<Option<Vec<Bytes>>, Failed> {
        Ok(core::attached(&self.etcd()?.0.snapshot(), lease))
    }
}
