//! What an API server keeps its objects in: a store of its own, or an etcd cluster.

use std::time::Duration;

use store::{Committed, Revision, Store, Transaction};
use tokio::sync::watch;

use crate::{CommitError, Etcd, Remote};

/// Told of the revision of a commit, in the order of revisions and before anyone can read it here.
pub type Witness = Box<dyn FnOnce(Revision) + Send>;

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the compares held.
    pub succeeded: bool,
    /// The revision afterwards.
    pub revision: Revision,
}

/// Where objects are kept; clones share it.
#[derive(Clone, Debug)]
pub enum Storage {
    /// In this process.
    Embedded(Etcd),
    /// In etcd members somewhere else.
    Remote(Remote),
}

impl Storage {
    /// What is known here. It is durable.
    pub fn snapshot(&self) -> Store {
        match self {
            Self::Embedded(etcd) => etcd.snapshot(),
            Self::Remote(remote) => remote.snapshot(),
        }
    }

    /// Whether others write too, so that what is known here may not be the newest.
    pub fn lags(&self) -> bool {
        matches!(self, Self::Remote(_))
    }

    /// A store in which is all that was acknowledged before this was called, to whomever.
    pub async fn newest(&self) -> Result<Store, CommitError> {
        match self {
            Self::Embedded(etcd) => Ok(etcd.snapshot()),
            Self::Remote(remote) => remote.newest().await,
        }
    }

    /// Wakes up whenever more is known here.
    pub fn subscribe(&self) -> watch::Receiver<Store> {
        match self {
            Self::Embedded(etcd) => etcd.subscribe(),
            Self::Remote(remote) => remote.subscribe(),
        }
    }

    /// Commits a transaction that writes if it succeeds; answers when that is durable.
    pub async fn commit(
        &self,
        transaction: Transaction,
        witness: Witness,
    ) -> Result<Verdict, CommitError> {
        match self {
            Self::Embedded(etcd) => {
                let witness = |committed: &Committed| {
                    if committed.record.is_some() {
                        witness(committed.revision);
                    }
                };
                let committed = etcd.commit_witnessed(transaction, witness).await?;
                Ok(Verdict { succeeded: committed.succeeded, revision: committed.revision })
            }
            Self::Remote(remote) => remote.commit(transaction, witness).await,
        }
    }

    /// How much the files of a store of this process hold, in bytes; others do not say.
    pub fn size_bytes(&self) -> Option<u64> {
        match self {
            Self::Embedded(etcd) => etcd.size_bytes(),
            Self::Remote(_) => None,
        }
    }

    /// Forgets old history every `period`, keeping one period of it, as upstream's compactor does; until
    /// the store stops.
    pub async fn compact_every(self, period: Duration) {
        match self {
            Self::Embedded(etcd) => etcd.compact_every(period).await,
            Self::Remote(remote) => remote.compact_every(period).await,
        }
    }
}
