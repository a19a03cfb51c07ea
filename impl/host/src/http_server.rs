//! The API server's door: TLS, HTTP/1.1 and HTTP/2, bodies of bounded size.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::Incoming;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::api_server::ApiServer;
use crate::in_flight::InFlight;
use crate::metrics::Received;
use crate::proxy::Peer;
use crate::tls::Clients;
use answer::answered;
use connection::{HEADERS_PATIENCE, http1, http2};
use sender::Known;

mod answer;
mod body;
mod connection;
mod deadline;
mod heard;
mod pieces;
mod sender;
mod time_limit;

/// The largest body that is read; upstream's limit for a write.
pub const BODY_BYTES_MAX: usize = 3 * 1024 * 1024;

/// How large the headers of a request may be, its path and query among them. A path and query above 64 KiB are
/// refused all the same, with a 414 that Go would not give: longer ones have no place in `http::Uri`.
/// Source: `DefaultMaxHeaderBytes` of Go's net/http, and what it leaves beyond.
const HEADER_BYTES_MAX: usize = 1024 * 1024 + 4096;

/// How many headers a request of HTTP/1.1 may have. Go counts only their bytes, but there is no harm in so many.
const HEADERS_MAX: usize = 1000;

/// After how long a connection on which nothing comes is asked whether it lives, and how often then.
/// Source: apiserver/pkg/server/secure_serving.go (`defaultKeepAlivePeriod`, v1.36), and the rest is Go's.
const KEEP_ALIVE: Duration = Duration::from_secs(180);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEP_ALIVE_PROBES: u32 = 9;

/// Whether the server closes; requests that came through the door carry it.
#[derive(Clone, Debug)]
pub(crate) struct Closing(watch::Receiver<bool>);

impl Closing {
    /// It does once this says so.
    pub(crate) fn of(closes: watch::Receiver<bool>) -> Self {
        Self(closes)
    }

    /// Whether it does.
    pub(crate) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it does.
    pub(crate) async fn begun(&mut self) {
        // Whoever could say so has gone without a word.
        if self.0.wait_for(|closes| *closes).await.is_err() {
            std::future::pending().await
        }
    }
}

/// The door of a server, which is open until somebody closes it.
#[derive(Debug)]
pub struct Door {
    closes: watch::Sender<bool>,
    served: JoinHandle<()>,
}

impl Door {
    /// Opens it.
    pub fn open(
        listener: TcpListener,
        (tls, clients): (rustls::ServerConfig, Clients),
        server: ApiServer,
    ) -> Self {
        let (closes, closing) = watch::channel(false);
        let served = tokio::spawn(serve(listener, (tls, clients), server, Closing::of(closing)));
        Self { closes, served }
    }

    /// Lets nobody in any more, ends the watches, and waits for the answers that are under way, if they come in time.
    pub async fn close(mut self, patience: Duration) {
        self.closes.send_replace(true);
        if tokio::time::timeout(patience, &mut self.served).await.is_err() {
            self.served.abort();
        }
    }
}

/// Serves connections until the door closes and all of them have ended.
async fn serve(
    listener: TcpListener,
    (tls, clients): (rustls::ServerConfig, Clients),
    server: ApiServer,
    mut closing: Closing,
) {
    let tls = (TlsAcceptor::from(Arc::new(tls)), clients);
    let server = (server, InFlight::default());
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = closing.begun() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let (tls, server) = (tls.clone(), server.clone());
                connections.spawn(connection(stream, tls, server, closing.clone()));
            }
            // Out of file descriptors, most likely: connections that end will free some.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    (acceptor, clients): (TlsAcceptor, Clients),
    server: (ApiServer, InFlight),
    closing: Closing,
) {
    if set_up(&stream).is_err() {
        return;
    }
    let accepted = tokio::time::timeout(HEADERS_PATIENCE, acceptor.accept(stream)).await;
    let Ok(Ok(stream)) = accepted else {
        server.0.metrics().door().handshake_failed();
        return;
    };
    let known = Known::of(&stream, clients);
    let peer = stream.get_ref().0.peer_addr().ok().map(Peer);
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let closes = closing.clone();
    let handle = move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(closes.clone());
        request.extensions_mut().insert(Received(Instant::now()));
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        answered(server.clone(), known.clone(), request)
    };
    match is_http2 {
        true => http2::serve(stream, handle, closing).await,
        false => http1::serve(stream, handle, closing).await,
    }
}

/// What is sent is sent at once, and who is gone without a word is found out.
fn set_up(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let keep_alive = TcpKeepalive::new()
        .with_time(KEEP_ALIVE)
        .with_interval(KEEP_ALIVE_INTERVAL)
        .with_retries(KEEP_ALIVE_PROBES);
    SockRef::from(stream).set_tcp_keepalive(&keep_alive)
}

/// A request without a body, for checks from inside.
pub fn get(path: &str) -> http::Request<Bytes> {
    let mut request = http::Request::new(Bytes::new());
    *request.uri_mut() = path.parse().unwrap_or_default();
    request
}
