//! An etcd behind its gRPC API: ours, or any other.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use etcd::remote::{answers, requests};
use etcd::{Etcd, grpc};
use etcd_client::{
    Client, Error, EventType, LeaseGrantOptions, LeaseTimeToLiveOptions, WatchOptions,
    WatchResponse, WatchStream,
};
use store::{
    Bytes, Event, EventKind, KeyValue, LeaseId, Put, Query, Range, Refusal, Revision, Transaction,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::embedded::otherwise;
use super::target::{Failed, Target};

/// How long an event may take to come.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whoever serves the API.
#[expect(async_fn_in_trait, reason = "it is not sent to another thread")]
pub trait Server {
    /// What it is.
    fn name(&self) -> String;
    /// Whether it can be restarted from here.
    fn can_restart(&self) -> bool;
    /// Stops it without warning and starts it again; a client of it.
    async fn restart(&mut self) -> Result<Client, Failed>;
}

/// A server that somebody else runs.
#[derive(Debug)]
pub struct Elsewhere {
    /// Where.
    pub url: String,
}

impl Server for Elsewhere {
    fn name(&self) -> String {
        self.url.clone()
    }

    fn can_restart(&self) -> bool {
        false
    }

    async fn restart(&mut self) -> Result<Client, Failed> {
        Err(otherwise("it is not ours to restart"))
    }
}

/// Our own server, of a store in a folder of its own; both end with this.
#[derive(Debug)]
pub struct Served {
    folder: TempDir,
    address: String,
    /// Nothing while it restarts.
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    etcd: Etcd,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Served {
    /// A new store, served on a free port of loopback.
    pub async fn start() -> Result<Wire<Self>, Failed> {
        let folder = tempfile::tempdir().map_err(otherwise)?;
        let mut served = Self { folder, address: "127.0.0.1:0".to_owned(), running: None };
        let client = served.serve().await?;
        Ok(Wire::of(served, client))
    }

    async fn serve(&mut self) -> Result<Client, Failed> {
        let etcd = Etcd::open(self.folder.path()).map_err(otherwise)?;
        let listener = TcpListener::bind(&self.address).await.map_err(otherwise)?;
        self.address = listener.local_addr().map_err(otherwise)?.to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let served = grpc::serve(etcd.clone(), listener, grpc::Options::default(), stopped);
        self.running = Some(Running { etcd, stop, served: tokio::spawn(served) });
        Client::connect([&self.address], None).await.map_err(failed)
    }
}

impl Server for Served {
    fn name(&self) -> String {
        "our store on disk, through gRPC".to_owned()
    }

    fn can_restart(&self) -> bool {
        true
    }

    async fn restart(&mut self) -> Result<Client, Failed> {
        if let Some(Running { etcd, stop, served }) = self.running.take() {
            drop(stop);
            served.await.map_err(otherwise)?.map_err(otherwise)?;
            let mut published = etcd.subscribe();
            drop(etcd);
            while published.changed().await.is_ok() {}
        }
        self.serve().await
    }
}

/// A client of a server.
pub struct Wire<S> {
    server: S,
    client: Client,
}

impl<S: fmt::Debug> fmt::Debug for Wire<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Wire").field(&self.server).finish()
    }
}

impl Wire<Elsewhere> {
    /// A client of a server that somebody else runs.
    pub async fn connect(url: &str) -> Result<Self, Failed> {
        let client = Client::connect([url], None).await.map_err(failed)?;
        Ok(Self::of(Elsewhere { url: url.to_owned() }, client))
    }
}

impl<S: Server> Wire<S> {
    /// A client of a server that runs.
    pub fn of(server: S, client: Client) -> Self {
        Self { server, client }
    }
}

/// A watch, and the events that have come and were not asked for yet.
pub struct Stream {
    stream: WatchStream,
    waiting: VecDeque<Event>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Stream").field(&self.waiting).finish()
    }
}

/// Why a server refuses; by its message, as clients of etcd know it.
fn failed(error: Error) -> Failed {
    let Error::GRpcStatus(status) = error else { return otherwise(error) };
    for refusal in [Refusal::Compacted, Refusal::FutureRevision] {
        if status.message() == refusal.to_string() {
            return refusal.into();
        }
    }
    otherwise(status.message())
}

fn event(event: &etcd_client::Event) -> Option<Event> {
    let kind = match event.event_type() {
        EventType::Put => EventKind::Put,
        EventType::Delete => EventKind::Delete,
    };
    Some(Event { kind, now: Arc::new(answers::key_value(event.kv()?)), before: None })
}

impl<S: Server> Target for Wire<S> {
    type Watch = Stream;

    fn name(&self) -> String {
        self.server.name()
    }

    fn can_restart(&self) -> bool {
        self.server.can_restart()
    }

    async fn restart(&mut self) -> Result<(), Failed> {
        self.client = self.server.restart().await?;
        Ok(())
    }

    async fn revision(&mut self) -> Result<Revision, Failed> {
        let answer = self.client.get([0], None).await.map_err(failed)?;
        Ok(answers::revision(answer.header()))
    }

    async fn commit(&mut self, transaction: Transaction) -> Result<bool, Failed> {
        let answer = self.client.txn(requests::transaction(&transaction)).await.map_err(failed)?;
        Ok(answer.succeeded())
    }

    async fn put(&mut self, put: Put) -> Result<(), Failed> {
        let value = put.value.as_deref().unwrap_or_default();
        let options = Some(requests::put_options(&put));
        self.client.put(&*put.key, value, options).await.map(drop).map_err(failed)
    }

    async fn delete(&mut self, key: &Bytes) -> Result<(), Failed> {
        self.client.delete(&**key, None).await.map(drop).map_err(failed)
    }

    async fn read(&mut self, query: Query) -> Result<Vec<KeyValue>, Failed> {
        let (key, _) = requests::bounds(&query.range);
        let options = Some(requests::get_options(&query));
        let answer = self.client.get(key, options).await.map_err(failed)?;
        Ok(answer.kvs().iter().map(answers::key_value).collect())
    }

    async fn compact(&mut self, revision: Revision) -> Result<(), Failed> {
        let compacted = self.client.compact(revision.0.cast_signed(), None).await;
        compacted.map(drop).map_err(failed)
    }

    async fn watch(&mut self, key: &Bytes, from: Revision) -> Result<Stream, Failed> {
        let options = WatchOptions::new().with_start_revision(from.0.cast_signed());
        let mut stream = self.client.watch(&**key, Some(options)).await.map_err(failed)?;
        if !next(&mut stream).await?.created() {
            return Err(otherwise("the first answer to a watch is not that it is created"));
        }
        let at = Query { revision: Some(from), ..Query::all(Range::Key(key.clone())) };
        let is_compacted = self.read(at).await == Err(Failed::Compacted);
        // It is told after it was created, and not at once.
        if is_compacted && next(&mut stream).await?.compact_revision() > 0 {
            return Err(Failed::Compacted);
        }
        Ok(Stream { stream, waiting: VecDeque::new() })
    }

    async fn listen(&mut self, watch: &mut Stream, count: usize) -> Result<Vec<Event>, Failed> {
        while watch.waiting.len() < count {
            let Ok(answer) = next(&mut watch.stream).await else { break };
            watch.waiting.extend(answer.events().iter().filter_map(event));
        }
        let count = count.min(watch.waiting.len());
        Ok(watch.waiting.drain(..count).collect())
    }

    async fn grant(&mut self, lease: LeaseId, ttl_seconds: i64) -> Result<(), Failed> {
        let options = LeaseGrantOptions::new().with_id(lease.0);
        self.client.lease_grant(ttl_seconds, Some(options)).await.map(drop).map_err(failed)
    }

    async fn keep_alive(&mut self, lease: LeaseId) -> Result<bool, Failed> {
        match self.client.lease_keep_alive(lease.0).await {
            Ok(_) => Ok(true),
            Err(Error::LeaseKeepAliveError(_)) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    async fn revoke(&mut self, lease: LeaseId) -> Result<(), Failed> {
        self.client.lease_revoke(lease.0).await.map(drop).map_err(failed)
    }

    async fn attached(&mut self, lease: LeaseId) -> Result<Option<Vec<Bytes>>, Failed> {
        let options = LeaseTimeToLiveOptions::new().with_keys();
        let answer = self.client.lease_time_to_live(lease.0, Some(options)).await;
        let answer = answer.map_err(failed)?;
        let mut keys: Vec<Bytes> = answer.keys().iter().map(|key| key.as_slice().into()).collect();
        keys.sort();
        Ok((answer.ttl() > 0).then_some(keys))
    }
}

async fn next(stream: &mut WatchStream) -> Result<WatchResponse, Failed> {
    let answer = timeout(PATIENCE, stream.message()).await;
    let answer = answer.map_err(|_| otherwise("no answer comes from a watch"))?.map_err(failed)?;
    answer.ok_or_else(|| otherwise("the watch has ended"))
}
