//! A server on a free port, and a client of it.

use std::time::Duration;

use etcd::Etcd;
use etcd::grpc::{Options, serve};
use etcd_client::{Client, Error, WatchResponse, WatchStream};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Code;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A store that is served until this is dropped.
pub(crate) struct Server {
    /// Where it listens: host and port.
    pub(crate) address: String,
    /// The store behind.
    pub(crate) etcd: Etcd,
    folder: tempfile::TempDir,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder"), options).await
    }

    /// With the store in a folder.
    pub(crate) async fn start_in(folder: tempfile::TempDir, options: Options) -> Self {
        let etcd = Etcd::open(folder.path()).expect("the store opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens").to_string();
        let client_urls = vec![format!("http://{address}")];
        let options = Options { client_urls, ..options };
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn({
            let etcd = etcd.clone();
            async move {
                let stopped = async { drop(stopped.await) };
                serve(etcd, listener, options, stopped).await.expect("it serves");
            }
        });
        Self { address, etcd, folder, stop, served }
    }

    /// Stops, and starts again with what is on disk.
    pub(crate) async fn restart(self) -> Self {
        let Self { etcd, folder, stop, served, .. } = self;
        drop(stop);
        served.await.expect("it stops");
        let mut published = etcd.subscribe();
        drop(etcd);
        while published.changed().await.is_ok() {}
        Self::start_in(folder, Options::default()).await
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect([&self.address], None).await.expect("the server answers")
    }
}

/// The code and message of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> (Code, String) {
    let error = result.expect_err("it is refused");
    let Error::GRpcStatus(status) = error else { panic!("not a refusal: {error}") };
    (status.code(), status.message().to_owned())
}

/// Puts keys, each with its name as its value.
pub(crate) async fn put_all(client: &mut Client, keys: &[&str]) {
    for key in keys {
        client.put(*key, *key, None).await.expect("the store takes it");
    }
}

/// The next answer of a stream, in time.
pub(crate) async fn next(stream: &mut WatchStream) -> WatchResponse {
    let message = tokio::time::timeout(PATIENCE, stream.message()).await.expect("it comes in time");
    message.expect("the stream lives").expect("the stream goes on")
}

/// The keys and revisions of the next so many events of a stream.
pub(crate) async fn next_events(stream: &mut WatchStream, count: usize) -> Vec<(String, i64)> {
    let mut events = vec![];
    while events.len() < count {
        for event in next(stream).await.events() {
            let kv = event.kv().expect("an event has a key");
            events.push((kv.key_str().expect("text").to_owned(), kv.mod_revision()));
        }
    }
    events
}
