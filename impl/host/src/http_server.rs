//! The API server's door: TLS, HTTP/1.1 and HTTP/2, bodies of bounded size.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{Reason, Status, Timestamp};
use apiserver::{RequestInfo, User, impersonation};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::api_server::{ApiServer, respond};
use crate::in_flight::InFlight;
use crate::metrics::Received;
use crate::proxy::Peer;
use crate::transport::Body;
use crate::{clock, tls};

/// The largest body that is read; upstream's limit for a write.
pub const BODY_BYTES_MAX: usize = 3 * 1024 * 1024;

/// How much of a body that is too large is read before its sender is cut off.
const DROPPED_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;

/// How large the headers of a request may be, its path and query among them. A path and query above 64 KiB are
/// refused all the same, with a 414 that Go would not give: longer ones have no place in `http::Uri`.
/// Source: `DefaultMaxHeaderBytes` of Go's net/http, and what it leaves beyond.
const HEADER_BYTES_MAX: usize = 1024 * 1024 + 4096;

/// How long a handshake or a request's headers may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a request's body may take. Source: `--request-timeout`.
const BODY_PATIENCE: Duration = Duration::from_secs(60);

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
    pub fn open(listener: TcpListener, tls: rustls::ServerConfig, server: ApiServer) -> Self {
        let (closes, closing) = watch::channel(false);
        let served = tokio::spawn(serve(listener, tls, server, Closing::of(closing)));
        Self { closes, served }
    }

    /// Lets nobody in any more, ends the watches, and waits for the answers that are under way, if they come in time.
    pub async fn close(self, patience: Duration) {
        self.closes.send_replace(true);
        drop(tokio::time::timeout(patience, self.served).await);
    }
}

/// Serves connections until the door closes and all of them have ended.
async fn serve(
    listener: TcpListener,
    tls: rustls::ServerConfig,
    server: ApiServer,
    mut closing: Closing,
) {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
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
                let (acceptor, server) = (acceptor.clone(), server.clone());
                connections.spawn(connection(stream, acceptor, server, closing.clone()));
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
    acceptor: TlsAcceptor,
    server: (ApiServer, InFlight),
    mut closing: Closing,
) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await else {
        server.0.metrics().door().handshake_failed();
        return;
    };
    let known = Known::of(&stream);
    let peer = stream.get_ref().0.peer_addr().ok().map(Peer);
    let closes = closing.clone();
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        let (server, known) = (server.clone(), known.clone());
        request.extensions_mut().insert(closes.clone());
        request.extensions_mut().insert(Received(Instant::now()));
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        async move { Ok::<_, std::convert::Infallible>(answer(server, known, request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(hyper_util::rt::TokioTimer::new()).header_read_timeout(PATIENCE);
    builder.http1().max_buf_size(HEADER_BYTES_MAX);
    builder.http2().timer(hyper_util::rt::TokioTimer::new()).enable_connect_protocol();
    builder.http2().max_header_list_size(HEADER_BYTES_MAX as u32);
    let mut served = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    // A connection that breaks has nobody to be told.
    tokio::select! {
        broken = served.as_mut() => drop(broken),
        () = closing.begun() => {
            served.as_mut().graceful_shutdown();
            drop(served.await);
        }
    }
}

/// Who has come, as far as a connection tells.
#[derive(Clone)]
struct Known {
    user: User,
    /// Up to when the certificate is valid that was shown.
    until: Option<Timestamp>,
}

impl Known {
    fn of(stream: &TlsStream<TcpStream>) -> Self {
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let shown = certificates.first();
        let user = shown.and_then(|certificate| tls::user(certificate).ok());
        let until = shown.filter(|_| user.is_some()).and_then(|shown| tls::valid_until(shown));
        Self { user: user.unwrap_or_else(User::anonymous), until }
    }
}

/// Who sends a request, by the certificate or the token that it shows.
fn authenticate(server: &ApiServer, known: Known, parts: &Parts) -> Result<User, Status> {
    let (begun, door) = (Instant::now(), server.metrics().door());
    let Known { user, until } = known;
    if let Some(until) = until {
        door.certificate(until, clock::now());
    }
    let user = match bearer_token(parts).filter(|_| user.is_anonymous()) {
        Some(token) => server.authenticate(token),
        None => Ok(user),
    };
    door.authenticated(begun, user.as_ref().ok().map(|user| user.name.as_str()));
    user
}

/// Whether a sender may, so far as that can be told before the body is read.
fn authorize(server: &ApiServer, user: &User, info: &RequestInfo) -> Result<(), Status> {
    let begun = Instant::now();
    let may = apiserver::authorize_request(user, info);
    server.metrics().door().authorized(begun, may.is_ok());
    may
}

async fn answer(
    (server, in_flight): (ApiServer, InFlight),
    known: Known,
    request: http::Request<Incoming>,
) -> http::Response<Body> {
    let (parts, body) = request.into_parts();
    let counted = server.metrics().requests();
    let refuse = |parts: &Parts, status: Status| {
        counted.refused(parts, status.reason.code());
        respond(status.into())
    };
    let terminate = |parts: &Parts, status: Status| {
        counted.terminated(parts, status.reason.code());
        respond(status.into())
    };
    let user = authenticate(&server, known, &parts);
    let user = match user.and_then(|user| impersonation::acting(user, &parts.headers)) {
        Ok(user) => user,
        Err(status) => return refuse(&parts, status),
    };
    let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let query: Vec<(String, String)> = query.into_owned().collect();
    let info = RequestInfo::of(&parts.method, parts.uri.path(), &query);
    // Who may not, or has to wait, sends a body in vain: it is not kept.
    if let Err(status) = authorize(&server, &user, &info) {
        return refuse(&parts, status);
    }
    let _place = match in_flight.enter(&parts.method, &info) {
        Ok(place) => place,
        Err(status) => return terminate(&parts, status),
    };
    match whole(body).await {
        Ok(body) => server.handle(http::Request::from_parts(parts, body), user).await,
        Err(status) if status.reason == Reason::Timeout => terminate(&parts, status),
        Err(status) => refuse(&parts, status),
    }
}

/// A body, if it comes in time and is not too large.
async fn whole<B>(body: B) -> Result<Bytes, Status>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    match tokio::time::timeout(BODY_PATIENCE, read(body)).await {
        Ok(Ok(Some(body))) => Ok(body),
        Ok(Ok(None)) => {
            let message = format!("Request entity too large: limit is {BODY_BYTES_MAX}");
            Err(Status::new(Reason::RequestEntityTooLarge, message))
        }
        Ok(Err(error)) => Err(Status::bad_request(format!("the body cannot be read: {error}"))),
        Err(_) => {
            let message = "request did not complete within the allotted timeout";
            Err(Status::new(Reason::Timeout, message))
        }
    }
}

/// The token of a request that shows one.
/// Source: apiserver/pkg/authentication/request/bearertoken/bearertoken.go, v1.36.
fn bearer_token(parts: &Parts) -> Option<&str> {
    let header = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.split(' ').next().filter(|token| !token.is_empty());
    token.filter(|_| scheme.eq_ignore_ascii_case("bearer"))
}

/// Reads a body; nothing when it is too large. Some of the excess is read and dropped, so that a client
/// that is still sending hears the answer.
async fn read<B>(mut body: B) -> Result<Option<Bytes>, B::Error>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
{
    let (mut kept, mut seen) = (vec![], 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        seen += data.len();
        if seen <= BODY_BYTES_MAX {
            kept.extend_from_slice(&data);
        } else if seen > DROPPED_BYTES_MAX {
            break;
        }
    }
    Ok((seen <= BODY_BYTES_MAX).then(|| Bytes::from(kept)))
}

/// A request without a body, for checks from inside.
pub fn get(path: &str) -> http::Request<Bytes> {
    let mut request = http::Request::new(Bytes::new());
    *request.uri_mut() = path.parse().unwrap_or_default();
    request
}

#[cfg(test)]
mod tests {
    use http_body_util::channel::Channel;

    use super::*;
    use crate::transport::BoxError;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let (mut sender, body) = Channel::<Bytes, BoxError>::new(1);
        sender.send_data(Bytes::from_static(b"{")).await.unwrap();

        let refusal = whole(body).await.unwrap_err();

        assert_eq!((refusal.reason, refusal.reason.code()), (Reason::Timeout, 504));
        drop(sender);
    }

    #[tokio::test]
    async fn a_body_is_whole_or_too_large() {
        let of = |bytes: usize| http_body_util::Full::new(Bytes::from(vec![b' '; bytes]));

        let most = whole(of(BODY_BYTES_MAX)).await.unwrap();
        let more = whole(of(BODY_BYTES_MAX + 1)).await.unwrap_err();

        assert_eq!(most.len(), BODY_BYTES_MAX);
        assert_eq!(more.message, "Request entity too large: limit is 3145728");
    }
}
