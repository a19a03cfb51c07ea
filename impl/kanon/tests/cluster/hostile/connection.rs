//! Connections of clients that send what no well-meaning client would.

use std::net::SocketAddr;
use std::sync::Arc;

use conformance::suite::{Target, connector};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use libtest_mimic::Failed;
use rustls_pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;

use crate::support::{Cluster, PATIENCE};

/// The way to an API server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(super) host: String,
    port: u16,
    tls: TlsConnector,
}

impl Server {
    pub(crate) fn of(cluster: &Cluster) -> Result<Self, Failed> {
        Self::at(&Target::read(Some(&cluster.kubeconfig()))?)
    }

    /// The way to it for somebody else.
    pub(crate) fn at(target: &Target) -> Result<Self, Failed> {
        let server: http::Uri = target.server.parse()?;
        let host = server.host().unwrap_or_default().to_owned();
        Ok(Self { host, port: server.port_u16().unwrap_or(443), tls: connector(target)? })
    }

    pub(crate) async fn connect(&self) -> Result<TlsStream<TcpStream>, Failed> {
        self.secure(&self.tls, TcpStream::connect((self.host.as_str(), self.port)).await?).await
    }

    /// Connects with next to no room for what is not read.
    pub(super) async fn connect_with_little_room(&self) -> Result<TlsStream<TcpStream>, Failed> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(16 * 1024)?;
        let stream = socket.connect(SocketAddr::new(self.host.parse()?, self.port)).await?;
        self.secure(&self.tls, stream).await
    }

    /// Connects to speak HTTP/2.
    pub(super) async fn connect_for_http2(&self) -> Result<TlsStream<TcpStream>, Failed> {
        let mut config = ClientConfig::clone(self.tls.config());
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        self.secure(&TlsConnector::from(Arc::new(config)), stream).await
    }

    async fn secure(
        &self,
        tls: &TlsConnector,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Failed> {
        let name = ServerName::try_from(self.host.clone())?;
        Ok(tls.connect(name, stream).await?)
    }

    /// Sends bytes as they are; what comes back until the server closes, or is silent for a while.
    pub(super) async fn raw(&self, bytes: &[u8]) -> Result<String, Failed> {
        let mut stream = self.connect().await?;
        // A server that has heard enough closes before all is sent.
        let _ = stream.write_all(bytes).await;
        let mut answer = vec![0; 64 * 1024];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await?.unwrap_or(0);
        Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
    }

    /// Asks on a connection of its own.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<(u16, Value), Failed> {
        Connection::open(self).await?.ask(method, path, content_type, body).await
    }
}

/// A connection of HTTP/2; it goes with what sends requests on it.
pub(super) async fn http2(server: &Server) -> Result<SendRequest<Full<Bytes>>, Failed> {
    let stream = TokioIo::new(server.connect_for_http2().await?);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// A connection that is kept.
pub(crate) struct Connection {
    host: String,
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
}

impl Connection {
    pub(crate) async fn open(server: &Server) -> Result<Self, Failed> {
        let stream = TokioIo::new(server.connect().await?);
        let (sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Self { host: server.host.clone(), sender })
    }

    /// The code and the `Status` or object that answer a request.
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<(u16, Value), Failed> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", content_type)
            .body(Full::new(body.into()))?;
        let response = self.sender.send_request(request).await?;
        let code = response.status().as_u16();
        let bytes = response.into_body().collect().await?.to_bytes();
        Ok((code, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }
}
