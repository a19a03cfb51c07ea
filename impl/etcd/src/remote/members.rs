//! The members of a cluster: who is asked, and who is asked instead when it does not answer.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use etcd_client::{Client, GetOptions, GetResponse, KvClient, ResponseHeader, Txn, TxnResponse};
use store::{LeaseId, Revision};
use tokio::time::Instant;

use crate::CommitError;
use crate::remote::answers;
use crate::remote::failure::{Failure, within};
use crate::remote::options::Options;
use crate::storage::Verdict;

/// How long a member may think about a read before the next one is asked.
const READ_PATIENCE: Duration = Duration::from_secs(2);

/// How long a member may think about a write: longer than it takes etcd to give one up by itself, which
/// is 7 s with its defaults (`ReqTimeout` in etcd's `server/config/config.go`).
const WRITE_PATIENCE: Duration = Duration::from_secs(8);

/// How long to go on asking one after the other.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait between two of them.
const PAUSE: Duration = Duration::from_millis(50);

/// The members. One of them is preferred, until it fails.
pub(super) struct Members {
    members: Vec<Member>,
    preferred: AtomicUsize,
    /// The number of the cluster, once a member has told it.
    cluster: OnceLock<u64>,
}

struct Member {
    url: String,
    client: Client,
    /// Whether it has shown that it is of the cluster.
    is_known: OnceLock<()>,
}

impl fmt::Debug for Members {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.members.iter().map(|member| &member.url)).finish()
    }
}

impl Members {
    pub(super) async fn of(options: &Options) -> Result<Self, CommitError> {
        let mut members = vec![];
        for url in &options.endpoints {
            let connected = Client::connect([url], Some(options.connect())).await;
            let client =
                connected.map_err(|error| CommitError::Unreachable(format!("{url}: {error}")))?;
            members.push(Member { url: url.clone(), client, is_known: OnceLock::new() });
        }
        Ok(Self { members, preferred: AtomicUsize::new(0), cluster: OnceLock::new() })
    }

    /// The preferred member: its number and a client of it.
    pub(super) fn preferred(&self) -> (usize, Client) {
        let number = self.preferred.load(Ordering::Relaxed);
        (number, self.members[number].client.clone())
    }

    /// Prefers another member to this one, if it still is the preferred one.
    pub(super) fn avoid(&self, number: usize) {
        let next = (number + 1) % self.members.len();
        // Where that fails, somebody else has done so.
        let _ = self.preferred.compare_exchange(number, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// A revision that the cluster had reached after this was called.
    pub(super) async fn revision(&self) -> Result<Revision, CommitError> {
        let counted = GetOptions::new().with_count_only();
        Ok(answers::revision(self.get(vec![0], counted).await?.header()))
    }

    /// Reads from whichever member answers.
    pub(super) async fn get(
        &self,
        key: Vec<u8>,
        options: GetOptions,
    ) -> Result<GetResponse, CommitError> {
        self.ask(|member| {
            let (key, options) = (key.clone(), options.clone());
            async move { self.get_from(member, key, options).await }
        })
        .await
    }

    /// Makes the cluster forget what was before a revision.
    pub(super) async fn compact(&self, revision: Revision) -> Result<(), CommitError> {
        self.ask(|member| async move {
            let mut kv = member.kv();
            let compacted = kv.compact(revision.0.cast_signed(), None);
            within(READ_PATIENCE, compacted).await.map(drop).map_err(Failure::of_a_read)
        })
        .await
    }

    /// Grants a lease. One that was granted in vain ends by itself.
    pub(super) async fn grant(&self, ttl_seconds: i64) -> Result<LeaseId, CommitError> {
        self.ask(|member| async move {
            self.know(member).await?;
            let mut leases = member.client.lease_client();
            let granted = within(WRITE_PATIENCE, leases.grant(ttl_seconds, None)).await;
            granted.map(|granted| LeaseId(granted.id())).map_err(Failure::of_a_read)
        })
        .await
    }

    /// Commits a transaction.
    pub(super) async fn write(&self, txn: Txn) -> Result<Verdict, CommitError> {
        let answer = self.transact(txn).await?;
        let revision = answers::revision(answer.header());
        Ok(Verdict { succeeded: answer.succeeded(), revision })
    }

    /// Sends a transaction to one member after the other, until one may have got it.
    pub(super) async fn transact(&self, txn: Txn) -> Result<TxnResponse, CommitError> {
        self.ask(|member| {
            let txn = txn.clone();
            async move {
                self.know(member).await?;
                within(WRITE_PATIENCE, member.kv().txn(txn)).await
            }
        })
        .await
    }

    async fn ask<'a, T, A>(&'a self, question: impl Fn(&'a Member) -> A) -> Result<T, CommitError>
    where
        A: Future<Output = Result<T, Failure>>,
    {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let number = self.preferred.load(Ordering::Relaxed);
            let member = &self.members[number];
            let why = match question(member).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Refused(why)) => return Err(CommitError::Refused(why)),
                Err(Failure::Unknown(why)) => {
                    self.avoid(number);
                    return Err(CommitError::Unknown(why));
                }
                Err(Failure::Undone(why)) => why,
            };
            self.avoid(number);
            if Instant::now() > deadline {
                return Err(CommitError::Unreachable(format!("{}: {why}", member.url)));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn get_from(
        &self,
        member: &Member,
        key: Vec<u8>,
        options: GetOptions,
    ) -> Result<GetResponse, Failure> {
        let answer = within(READ_PATIENCE, member.kv().get(key, Some(options))).await;
        let answer = answer.map_err(Failure::of_a_read)?;
        if !self.is_ours(answer.header()) {
            return Err(Failure::Undone("it is of another cluster".to_owned()));
        }
        member.is_known.get_or_init(|| ());
        Ok(answer)
    }

    /// Whether an answer is of the cluster of which the first was.
    pub(super) fn is_ours(&self, header: Option<&ResponseHeader>) -> bool {
        let cluster = header.map_or(0, ResponseHeader::cluster_id);
        *self.cluster.get_or_init(|| cluster) == cluster
    }

    /// Nothing is written to a member before it has shown that it is of the cluster.
    async fn know(&self, member: &Member) -> Result<(), Failure> {
        if member.is_known.get().is_none() {
            let counted = GetOptions::new().with_count_only();
            self.get_from(member, vec![0], counted).await?;
        }
        Ok(())
    }
}

impl Member {
    fn kv(&self) -> KvClient {
        self.client.kv_client().max_decoding_message_size(usize::MAX)
    }
}
