//! etcd's v3 API over gRPC, in front of a store.
//!
//! One member, always the leader, without users. Source: etcd's `api/etcdserverpb/rpc.proto` and
//! `server/etcdserver/api/v3rpc`, 3.5.

mod auth;
mod backlog;
mod cluster;
mod errors;
mod kv;
mod lease;
mod limits;
mod maintenance;
mod requests;
mod responses;
mod watch;
mod watches;

use std::time::Duration;

use etcd_client::proto::{
    PbClusterServer, PbKvServer, PbLeaseServer, PbMaintenanceServer, PbResponseHeader,
    PbWatchServer,
};
use futures_util::StreamExt;
use store::Revision;
use tokio::net::TcpListener;
use tokio::sync::watch as signal;
use tonic::body::Body;
use tonic::codegen::http::Response;
use tonic::transport::server::{Router, TcpIncoming};
use tonic::transport::{Certificate, Identity as Keys, Server, ServerTlsConfig};
use tower::layer::util::{Identity as Unlayered, Stack};
use tower::util::MapResponseLayer;

use crate::{Etcd, Identity, Leases};

pub(crate) use responses::key_value;

/// The version of etcd whose behaviour clients may rely on. From 3.5.13 on, Kubernetes trusts the
/// answers to progress requests.
pub const VERSION: &str = "3.5.13";

/// The term of a leader that nobody has challenged.
pub(crate) const RAFT_TERM: u64 = 2;

/// How long requests may take to end when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// How long to wait until a connection is taken again that could not be.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// After which silence a client is asked whether it is there, and how long it may think. Source: etcd's
/// `--grpc-keepalive-interval` and `--grpc-keepalive-timeout`.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2 * 3600);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where clients are told to find the server.
    pub client_urls: Vec<String>,
    /// With TLS, and how; nothing for plain text.
    pub tls: Option<Tls>,
    /// How often a quiet watch that asked for it is told that it is up to date. Upstream: every 10
    /// minutes.
    pub progress_notify_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let progress_notify_interval = Duration::from_secs(600);
        Self { client_urls: vec![], tls: None, progress_notify_interval }
    }
}

/// Certificates and keys, as PEM.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The server's certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// Who signs the certificates that clients must show; nothing where they need none.
    pub client_authority: Option<String>,
}

/// Serves until `stop` is over.
pub async fn serve(
    etcd: Etcd,
    listener: TcpListener,
    options: Options,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let mut server = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .layer(MapResponseLayer::new(limits::in_etcds_words as InEtcdsWords));
    if let Some(tls) = options.tls.clone() {
        server = server.tls_config(tls_config(tls))?;
    }
    let (stop_all, stopped) = signal::channel(false);
    let leases = Leases::of(etcd.clone());
    let clock = tokio::spawn(leases.clone().run());
    let member = Member { etcd, leases, options, stopped: stopped.clone() };
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true)).then(patiently);
    let served = routes(&mut server, member).serve_with_incoming_shutdown(incoming, async {
        stop.await;
        stop_all.send_replace(true);
    });
    let result = tokio::select! {
        result = served => result,
        () = grace_after(stopped) => Ok(()),
    };
    clock.abort();
    result
}

/// Waits a little where no connection can be taken, for want of descriptors for instance.
async fn patiently<T>(accepted: std::io::Result<T>) -> std::io::Result<T> {
    if accepted.is_err() {
        tokio::time::sleep(ACCEPT_RETRY).await;
    }
    accepted
}

/// What each answer goes through.
type InEtcdsWords = fn(Response<Body>) -> Response<Body>;

type Words = Stack<MapResponseLayer<InEtcdsWords>, Unlayered>;

fn routes(server: &mut Server<Words>, member: Member) -> Router<Words> {
    let most = limits::MESSAGE_BYTES_MAX;
    server
        .add_service(PbKvServer::new(member.clone()).max_decoding_message_size(most))
        .add_service(PbWatchServer::new(member.clone()).max_decoding_message_size(most))
        .add_service(PbLeaseServer::new(member.clone()).max_decoding_message_size(most))
        .add_service(PbMaintenanceServer::new(member.clone()).max_decoding_message_size(most))
        .add_service(PbClusterServer::new(member).max_decoding_message_size(most))
        .add_service(auth::NoUsers)
}

fn tls_config(tls: Tls) -> ServerTlsConfig {
    let config = ServerTlsConfig::new().identity(Keys::from_pem(tls.certificate, tls.key));
    match tls.client_authority {
        Some(authority) => config.client_ca_root(Certificate::from_pem(authority)),
        None => config,
    }
}

async fn grace_after(mut stopped: signal::Receiver<bool>) {
    until_stopped(&mut stopped).await;
    tokio::time::sleep(GRACE).await;
}

/// Waits until the server is to stop.
async fn until_stopped(stopped: &mut signal::Receiver<bool>) {
    // Who would say so has gone: that says it too.
    drop(stopped.wait_for(|stopped| *stopped).await);
}

/// The one member of the cluster: what all services share.
#[derive(Clone, Debug)]
struct Member {
    etcd: Etcd,
    leases: Leases,
    options: Options,
    stopped: signal::Receiver<bool>,
}

impl Member {
    fn header(&self, revision: Revision) -> Option<PbResponseHeader> {
        header(self.etcd.identity(), revision)
    }

    /// With the revision that is durable now.
    fn header_now(&self) -> Option<PbResponseHeader> {
        self.header(self.etcd.snapshot().revision())
    }
}

/// Who answers, and at which revision.
fn header(identity: Identity, revision: Revision) -> Option<PbResponseHeader> {
    Some(PbResponseHeader {
        cluster_id: identity.cluster,
        member_id: identity.member,
        revision: revision.0.cast_signed(),
        raft_term: RAFT_TERM,
    })
}
