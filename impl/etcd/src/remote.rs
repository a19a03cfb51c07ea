//! A cluster of etcd members somewhere else, as what an API server keeps its objects in.
//!
//! All that etcd holds is mirrored here by one watch, so that decisions read a [`Store`] as they do of an
//! embedded one. Writes go to etcd as transactions; it alone says which of them hold. The mirror may lag:
//! [`Remote::newest`] asks etcd how far it is, and waits for the mirror to be there.

pub mod answers;
mod claims;
mod compactor;
mod failure;
mod members;
mod mirror;
mod newest;
mod options;
pub mod requests;

use std::sync::Arc;
use std::time::Duration;

use store::{LeaseId, Operation, Range, Revision, Store, Transaction};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::CommitError;
use crate::storage::{Verdict, Witness};
use claims::Claims;
use members::Members;
use mirror::{Mirror, Order};
use newest::Newest;
pub use options::{Options, OptionsError, Tls};

/// After which time the mirror is to look for another member: the one that it hears lags.
const LAG_MAX: Duration = Duration::from_secs(1);

/// How often the mirror is told so before a read is given up.
const LAGS_MAX: usize = 10;

/// A handle to the cluster; clones share it.
#[derive(Clone, Debug)]
pub struct Remote {
    members: Arc<Members>,
    claims: Arc<Claims>,
    newest: Newest,
    orders: mpsc::UnboundedSender<Order>,
    published: watch::Receiver<Store>,
}

impl Remote {
    /// Reads all that the cluster holds, and follows it from there on.
    pub async fn open(options: &Options) -> Result<Self, CommitError> {
        let members = Arc::new(Members::of(options).await?);
        let store = mirror::read(&members).await?;
        let claims = Arc::new(Claims::default());
        let (orders, received) = mpsc::unbounded_channel();
        let (publish, published) = watch::channel(store);
        let mirror = Mirror::new(Arc::clone(&members), Arc::clone(&claims), received, publish);
        tokio::spawn(mirror.run());
        let newest = Newest::of(Arc::clone(&members));
        Ok(Self { members, claims, newest, orders, published })
    }

    /// What is known here. It is durable, and was the newest not long ago.
    pub fn snapshot(&self) -> Store {
        self.published.borrow().clone()
    }

    /// Wakes up whenever more is known here.
    pub fn subscribe(&self) -> watch::Receiver<Store> {
        self.published.clone()
    }

    /// A store in which is all that was acknowledged before this was called, to whomever.
    pub async fn newest(&self) -> Result<Store, CommitError> {
        let revision = self.newest.revision().await?;
        self.reached(revision).await
    }

    /// Commits a transaction that writes if it succeeds; `witness` is told of it before anyone reads it
    /// here, in the order of revisions. A caller who stops waiting does not stop it.
    pub async fn commit(
        &self,
        transaction: Transaction,
        witness: Witness,
    ) -> Result<Verdict, CommitError> {
        let committed = self.clone().commit_at_last(transaction, witness);
        tokio::spawn(committed).await.unwrap_or(Err(CommitError::Stopped))
    }

    async fn commit_at_last(
        self,
        transaction: Transaction,
        witness: Witness,
    ) -> Result<Verdict, CommitError> {
        let claim = self.claims.open(written(&transaction));
        let verdict = self.members.write(requests::transaction(&transaction)).await?;
        if verdict.succeeded {
            claim.won(verdict.revision, witness);
        } else {
            drop(claim);
        }
        // It is what it is, even where it cannot be read here yet.
        drop(self.reached(verdict.revision).await);
        Ok(verdict)
    }

    /// Grants a lease of a number that etcd chooses, and for how many seconds.
    pub(crate) async fn grant(&self, ttl_seconds: i64) -> Result<LeaseId, CommitError> {
        self.members.grant(ttl_seconds).await
    }

    /// Waits until the mirror has a revision.
    async fn reached(&self, revision: Revision) -> Result<Store, CommitError> {
        let mut published = self.published.clone();
        for _ in 0..LAGS_MAX {
            let reached = published.wait_for(|store| store.revision() >= revision);
            match timeout(LAG_MAX, reached).await {
                Ok(Ok(store)) => return Ok(store.clone()),
                Ok(Err(_)) => return Err(CommitError::Stopped),
                Err(_) => self.order(Order::LookElsewhere),
            }
        }
        let why = format!("no watch has come up to revision {revision}");
        Err(CommitError::Unreachable(why))
    }

    /// Forgets old history every `period`, keeping one period of it. Several may do this to one cluster.
    pub async fn compact_every(self, period: Duration) {
        let mut compactor = compactor::Compactor::default();
        loop {
            tokio::time::sleep(period).await;
            // What could not be done now is done after the next period.
            if let Ok(Some(revision)) = compactor.turn(&self.members).await {
                self.order(Order::Forget(revision));
            }
        }
    }

    fn order(&self, order: Order) {
        // Who listens no more has stopped, and whoever waits for it hears of that.
        let _ = self.orders.send(order);
    }
}

/// The keys that a transaction may write.
fn written(transaction: &Transaction) -> Vec<Range> {
    let operations = transaction.success.iter().chain(&transaction.failure);
    let ranges = operations.map(|operation| match operation {
        Operation::Put(put) => vec![Range::Key(put.key.clone())],
        Operation::Delete(range) => vec![range.clone()],
        Operation::Read(_) => vec![],
        Operation::Transaction(within) => written(within),
    });
    ranges.flatten().collect()
}
