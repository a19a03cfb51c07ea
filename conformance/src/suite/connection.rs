//! HTTP requests to an API server, one connection each: nothing is shared, nothing is reused.

use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::kubeconfig::{CannotRun, Target};
use super::tls;

/// How long a request may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// An answer: its code and its JSON.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn is_granted(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// `metadata.resourceVersion` of the object in it.
    pub(super) fn resource_version(&self) -> &str {
        self.body["metadata"]["resourceVersion"].as_str().unwrap_or_default()
    }

    /// The code with the reason, as a report shows it.
    pub(super) fn summary(&self) -> String {
        let text = |field: &str| self.body[field].as_str().unwrap_or_default();
        [self.code.to_string().as_str(), text("reason"), text("message")]
            .join(" ")
            .trim()
            .to_owned()
    }
}

/// A way to an API server.
pub(super) struct Connection {
    host: String,
    port: u16,
    authorization: String,
    tls: Option<TlsConnector>,
}

impl Connection {
    /// Checks that the server is there.
    pub(super) async fn open(target: &Target) -> Result<Self, CannotRun> {
        let cannot = |why: &dyn std::fmt::Display| CannotRun(format!("{}: {why}", target.server));
        let uri: Uri = target.server.parse().map_err(|error| cannot(&error))?;
        let is_tls = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or_else(|| cannot(&"it names no host"))?;
        let tls =
            if is_tls { Some(tls::connector(target).map_err(|why| cannot(&why))?) } else { None };
        let connection = Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            authorization: match target.token.as_str() {
                "" => String::new(),
                token => format!("Bearer {token}"),
            },
            tls,
        };
        connection.version().await.map_err(|CannotRun(why)| cannot(&why))?;
        Ok(connection)
    }

    /// What the API server says that it is.
    pub(super) async fn version(&self) -> Result<Value, CannotRun> {
        Ok(self.send(Method::GET, "/version", None).await?.body)
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<Answer, CannotRun> {
        let answer = async {
            let response = self.begin(method, path, body).await?;
            let code = response.status().as_u16();
            let bytes = response.into_body().collect().await.map_err(|error| error.to_string())?;
            let body = serde_json::from_slice(&bytes.to_bytes()).unwrap_or(Value::Null);
            Ok(Answer { code, body })
        };
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => answer.map_err(CannotRun),
            Err(_) => Err(CannotRun(format!("{path}: no answer after {PATIENCE:?}"))),
        }
    }

    /// Sends a request and leaves the answer's body to be read.
    pub(super) async fn begin(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<http::Response<Incoming>, String> {
        let body = body.map(|(content_type, body)| (content_type, Bytes::from(body.to_string())));
        let request = self.request(method, path, body).map_err(|error| error.to_string())?;
        let mut sender = self.connect().await?;
        sender.send_request(request).await.map_err(|error| error.to_string())
    }

    /// Connects.
    pub(super) async fn connect(&self) -> Result<Sender, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        match &self.tls {
            None => handshake(TokioIo::new(stream)).await,
            Some(tls) => {
                let name =
                    ServerName::try_from(self.host.clone()).map_err(|error| error.to_string())?;
                let stream = tls.connect(name, stream).await.map_err(|error| error.to_string())?;
                handshake(TokioIo::new(stream)).await
            }
        }
    }

    pub(super) fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Bytes)>,
    ) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut builder = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, format!("{}:{}", self.host, self.port))
            .header(ACCEPT, "application/json");
        if !self.authorization.is_empty() {
            builder = builder.header(AUTHORIZATION, &self.authorization);
        }
        match body {
            Some((content_type, body)) => {
                builder.header(CONTENT_TYPE, content_type).body(Full::new(body))
            }
            None => builder.body(Full::new(Bytes::new())),
        }
    }
}

/// What requests are sent with.
pub(super) type Sender = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

async fn handshake<T>(io: T) -> Result<Sender, String>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (sender, connection) =
        hyper::client::conn::http1::handshake(io).await.map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        // A broken connection is told by the request that is on it.
        drop(connection.await);
    });
    Ok(sender)
}
