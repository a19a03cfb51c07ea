//! What is asked of an etcd.

use store::{Bytes, Event, KeyValue, LeaseId, Operation, Put, Query, Range, Revision, Transaction};

/// Why it does not do what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// The revision is compacted away.
    #[error("the revision is compacted")]
    Compacted,
    /// The revision is in the future.
    #[error("the revision is in the future")]
    Future,
    /// Something else.
    #[error("{0}")]
    Otherwise(String),
}

impl From<store::Refusal> for Failed {
    fn from(refusal: store::Refusal) -> Self {
        if refusal == store::Refusal::Compacted {
            Self::Compacted
        } else if refusal == store::Refusal::FutureRevision {
            Self::Future
        } else {
            Self::Otherwise(refusal.to_string())
        }
    }
}

/// An etcd, or what claims to be one.
#[expect(
    async_fn_in_trait,
    reason = "nobody outside makes one, and none is sent to another thread"
)]
pub trait Target {
    /// A watch of one key.
    type Watch;

    /// What it is.
    fn name(&self) -> String;
    /// Whether it can be restarted.
    fn can_restart(&self) -> bool;
    /// Stops it without warning, and starts it again with what is on disk.
    async fn restart(&mut self) -> Result<(), Failed>;
    /// The newest revision.
    async fn revision(&mut self) -> Result<Revision, Failed>;
    /// Commits a transaction. Whether its compares held.
    async fn commit(&mut self, transaction: Transaction) -> Result<bool, Failed>;
    /// Sets a value.
    async fn put(&mut self, put: Put) -> Result<(), Failed> {
        self.commit(Transaction::of(vec![Operation::Put(put)])).await.map(drop)
    }
    /// Removes a key.
    async fn delete(&mut self, key: &Bytes) -> Result<(), Failed> {
        let delete = Operation::Delete(Range::Key(key.clone()));
        self.commit(Transaction::of(vec![delete])).await.map(drop)
    }
    /// Reads.
    async fn read(&mut self, query: Query) -> Result<Vec<KeyValue>, Failed>;
    /// Compacts.
    async fn compact(&mut self, revision: Revision) -> Result<(), Failed>;
    /// Watches a key from a revision on.
    async fn watch(&mut self, key: &Bytes, from: Revision) -> Result<Self::Watch, Failed>;
    /// The next events of a watch: so many, or fewer if no more come.
    async fn listen(&mut self, watch: &mut Self::Watch, count: usize)
    -> Result<Vec<Event>, Failed>;
    /// Grants a lease of this number and so many seconds.
    async fn grant(&mut self, lease: LeaseId, ttl_seconds: i64) -> Result<(), Failed>;
    /// Begins a lease anew. Whether there is such a lease.
    async fn keep_alive(&mut self, lease: LeaseId) -> Result<bool, Failed>;
    /// Ends a lease.
    async fn revoke(&mut self, lease: LeaseId) -> Result<(), Failed>;
    /// The keys that end with a lease, in order; nothing where there is no such lease.
    async fn attached(&mut self, lease: LeaseId) -> Result<Option<Vec<Bytes>>, Failed>;
}
