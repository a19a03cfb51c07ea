//! A connection to an address in the cluster, with TLS that trusts everybody where it is asked for.
//!
//! Source: `proxyTransport` of pkg/controlplane/instance.go (`InsecureSkipVerify`) and Go's net package, for
//! what is said when there is no connection.

use std::io::{self, ErrorKind};
use std::time::Duration;

use apiserver::ProxyCall;
use rustls::{Error, InvalidMessage};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::tls;
use crate::transport::BoxError;

/// How long it may take to be connected.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection, with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects.
pub(super) async fn connect(call: &ProxyCall) -> Result<Box<dyn Stream>, BoxError> {
    let address = (call.host.as_str(), call.port);
    let stream = tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await;
    let stream = stream.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()));
    let stream = stream.map_err(|error| dial_error(call, &error))?;
    stream.set_nodelay(true)?;
    if !call.is_tls {
        return Ok(Box::new(stream));
    }
    let stream = tls::connect_to_anybody(&call.host, stream);
    let stream = tokio::time::timeout(PATIENCE, stream).await;
    let stream = stream.map_err(|_| "net/http: TLS handshake timeout")?;
    Ok(Box::new(stream.map_err(|error| tls_error(&error))?))
}

/// What Go says of these.
const REASONS: [(ErrorKind, &str); 4] = [
    (ErrorKind::TimedOut, "i/o timeout"),
    (ErrorKind::ConnectionRefused, "connect: connection refused"),
    (ErrorKind::HostUnreachable, "connect: no route to host"),
    (ErrorKind::NetworkUnreachable, "connect: network is unreachable"),
];

fn dial_error(call: &ProxyCall, error: &io::Error) -> String {
    let known = REASONS.iter().find(|(kind, _)| *kind == error.kind());
    let why = known.map_or_else(|| error.to_string(), |(_, why)| (*why).to_owned());
    format!("dial tcp {}:{}: {why}", call.host, call.port)
}

fn tls_error(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    if matches!(inner, Some(Error::InvalidMessage(InvalidMessage::InvalidContentType))) {
        return "tls: first record does not look like a TLS handshake".to_owned();
    }
    format!("tls: {error}")
}
