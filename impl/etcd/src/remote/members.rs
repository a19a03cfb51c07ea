//! The members of a cluster: who is asked, and who is asked instead when it does not answer.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use etcd_client::{
    Client, ConnectOptions, Error, GetOptions, GetResponse, KvClient, TlsOptions, Txn, TxnResponse,
};
use store::Revision;
use tokio::time::{Instant, timeout};
use tonic::transport::{Certificate, Identity};
use tonic::{Code, ConnectError, Status};

use crate::CommitError;
use crate::remote::answers;
use crate::storage::Verdict;

/// How long to wait for a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// How long a member may think about a read before the next one is asked.
const READ_PATIENCE: Duration = Duration::from_secs(2);

/// How long a member may think about a write: longer than it takes etcd to give one up by itself, which
/// is 7 s with its defaults (`ReqTimeout` in etcd's `server/config/config.go`).
const WRITE_PATIENCE: Duration = Duration::from_secs(8);

/// How long to go on asking one after the other.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait between two of them.
const PAUSE: Duration = Duration::from_millis(50);

/// After which silence a member is asked whether it is there, and how long it may think. Members close
/// connections that ask more than every 5 s.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// What a member says that has no leader; it refuses requests that ask for one before it looks at them.
/// Source: `ErrNoLeader` in etcd's `api/v3rpc/rpctypes/error.go`.
const NO_LEADER: &str = "etcdserver: no leader";

/// Which cluster, and how to talk to it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// URLs of members: `http://` or `https://`, host, port.
    pub endpoints: Vec<String>,
    /// What `https` needs.
    pub tls: Option<Tls>,
}

/// Certificates, as PEM.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Who has signed the certificates of the members.
    pub authority: String,
    /// The certificate to show, and its key.
    pub identity: Option<(String, String)>,
}

/// Options that make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// A URL is none.
    #[error("\"{0}\" is not the URL of an etcd member, as http://127.0.0.1:2379 is")]
    Url(String),
    /// A URL wants TLS and nobody says whom to trust.
    #[error("{0} needs the certificate of the authority that its member trusts")]
    NoAuthority(String),
    /// There is a certificate, and a URL that has no use for it.
    #[error("{0} does not use TLS, and certificates are given")]
    NoTls(String),
}

impl Options {
    /// Finds what cannot work.
    pub fn check(&self) -> Result<(), OptionsError> {
        let unlike = |endpoint: &String| match (endpoint.split_once("://"), &self.tls) {
            (Some(("https", _)), None) => Some(OptionsError::NoAuthority(endpoint.clone())),
            (Some(("http", _)), Some(_)) => Some(OptionsError::NoTls(endpoint.clone())),
            (Some(("http" | "https", host)), _) if is_host_and_port(host) => None,
            _ => Some(OptionsError::Url(endpoint.clone())),
        };
        if self.endpoints.is_empty() {
            return Err(OptionsError::Url(String::new()));
        }
        self.endpoints.iter().find_map(unlike).map_or(Ok(()), Err)
    }
}

fn is_host_and_port(text: &str) -> bool {
    let text = text.strip_suffix('/').unwrap_or(text);
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok()
    })
}

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
            let client = Client::connect([url], Some(connect_options(options)));
            let client = client.await;
            let client =
                client.map_err(|error| CommitError::Unreachable(format!("{url}: {error}")))?;
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
        let cluster = answer.header().map_or(0, etcd_client::ResponseHeader::cluster_id);
        if *self.cluster.get_or_init(|| cluster) != cluster {
            return Err(Failure::Refused(format!("{} is of another cluster", member.url)));
        }
        member.is_known.get_or_init(|| ());
        Ok(answer)
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

fn connect_options(options: &Options) -> ConnectOptions {
    let connect = ConnectOptions::new()
        .with_connect_timeout(CONNECT_PATIENCE)
        .with_keep_alive(KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT)
        .with_keep_alive_while_idle(true)
        .with_require_leader(true);
    match &options.tls {
        Some(tls) => connect.with_tls(tls_options(tls)),
        None => connect,
    }
}

fn tls_options(tls: &Tls) -> TlsOptions {
    let options = TlsOptions::new().ca_certificate(Certificate::from_pem(&tls.authority));
    match &tls.identity {
        Some((certificate, key)) => options.identity(Identity::from_pem(certificate, key)),
        None => options,
    }
}

/// Why a member has not answered as it should.
enum Failure {
    /// It says no.
    Refused(String),
    /// It has done nothing.
    Undone(String),
    /// Nobody can tell whether it has done it.
    Unknown(String),
}

impl Failure {
    fn of(error: &Error) -> Self {
        let Error::GRpcStatus(status) = error else { return Self::Unknown(error.to_string()) };
        let why = status.message().trim_start_matches("etcdserver: ").to_owned();
        if !is_silence(status.code()) {
            Self::Refused(why)
        } else if was_not_sent(status) {
            Self::Undone(why)
        } else {
            Self::Unknown(why)
        }
    }

    /// What can be done twice can be asked of the next member.
    fn of_a_read(self) -> Self {
        match self {
            Self::Unknown(why) => Self::Undone(why),
            Self::Refused(_) | Self::Undone(_) => self,
        }
    }
}

/// Whether a code says nothing of what became of a request.
fn is_silence(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::Unknown
            | Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Internal
    )
}

/// Whether a member has not begun: there was no connection, or it has no leader to tell.
fn was_not_sent(status: &Status) -> bool {
    let first = std::error::Error::source(status);
    let mut sources = std::iter::successors(first, |error| error.source());
    sources.any(|error| error.is::<ConnectError>()) || status.message() == NO_LEADER
}

async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    match timeout(patience, answer).await {
        Ok(answer) => answer.map_err(|error| Failure::of(&error)),
        Err(_) => Err(Failure::Unknown(format!("no answer in {} s", patience.as_secs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(endpoint: &str, tls: Option<Tls>) -> Result<(), OptionsError> {
        Options { endpoints: vec![endpoint.to_owned()], tls }.check()
    }

    #[test]
    fn a_url_is_checked_before_anything_is_connected() {
        let tls = || Some(Tls { authority: String::new(), identity: None });
        let of = |endpoint: &str| endpoint.to_owned();

        assert_eq!(check("http://127.0.0.1:2379", None), Ok(()));
        assert_eq!(check("https://[::1]:2379/", tls()), Ok(()));
        for endpoint in
            ["", "127.0.0.1:2379", "http://", "http://a", "http://a:b", "ftp://a:1", "http://a/b:1"]
        {
            assert_eq!(check(endpoint, None), Err(OptionsError::Url(of(endpoint))));
        }
        assert_eq!(check("https://a:1", None), Err(OptionsError::NoAuthority(of("https://a:1"))));
        assert_eq!(check("http://a:1", tls()), Err(OptionsError::NoTls(of("http://a:1"))));
        assert_eq!(Options::default().check(), Err(OptionsError::Url(String::new())));
    }
}
