//! Connections of clients that send what no well-meaning client would.

use conformance::suite::{Target, connector};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use libtest_mimic::Failed;
use rustls_pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

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
        let target = Target::read(Some(&cluster.kubeconfig()))?;
        let server: http::Uri = target.server.parse()?;
        let host = server.host().unwrap_or_default().to_owned();
        Ok(Self { host, port: server.port_u16().unwrap_or(443), tls: connector(&target)? })
    }

    pub(crate) async fn connect(&self) -> Result<TlsStream<TcpStream>, Failed> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let name = ServerName::try_from(self.host.clone())?;
        Ok(self.tls.connect(name, stream).await?)
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

/// A connection that is kept.
pub(super) struct Connection {
    host: String,
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
}

impl Connection {
    pub(super) async fn open(server: &Server) -> Result<Self, Failed> {
        let stream = TokioIo::new(server.connect().await?);
        let (sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Self { host: server.host.clone(), sender })
    }

    /// The code and the `Status` or object that answer a request.
    pub(super) async fn ask(
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
