//! The carrier to an API server somewhere else: HTTP/2 or 1.1 over TLS, on connections that are kept.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, USER_AGENT};
use http::{HeaderValue, Uri};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

use crate::transport::{Body, BoxError, BoxFuture, Transport};

/// How often a silent connection is asked whether it lives, and how long it may take to answer.
///
/// Source: client-go's defaults for HTTP/2 (`ReadIdleTimeout`, `PingTimeout`), v1.36.
const PING_AFTER: Duration = Duration::from_secs(30);
const PING_PATIENCE: Duration = Duration::from_secs(15);

/// A component's way to another process's API server.
#[derive(Clone, Debug)]
pub struct Remote {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    server: Uri,
    actor: HeaderValue,
    authorization: Option<HeaderValue>,
}

impl Remote {
    /// The way to `server` (`https://10.0.0.1:6443`), with a bearer token if there is one, of the component
    /// with this name.
    pub fn new(
        server: &str,
        tls: ClientConfig,
        token: &str,
        actor: &str,
    ) -> Result<Self, http::Error> {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .http2_keep_alive_interval(PING_AFTER)
            .http2_keep_alive_timeout(PING_PATIENCE)
            .build(connector);
        let authorization = match token {
            "" => None,
            token => Some(HeaderValue::from_str(&format!("Bearer {token}"))?),
        };
        let (server, actor) = (server.parse()?, HeaderValue::from_str(actor)?);
        Ok(Self { client, server, actor, authorization })
    }

    /// The same request, addressed to the server.
    fn address(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Request<Full<Bytes>>, BoxError> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        // A server may be reached under a path of its own, behind a proxy.
        let base = self.server.path().trim_end_matches('/');
        let (scheme, authority) = (self.server.scheme_str(), self.server.authority());
        let authority = authority.ok_or("the server's address names no host")?;
        let uri = format!("{}://{authority}{base}{path}", scheme.unwrap_or("https"));
        parts.uri = uri.parse()?;
        parts.headers.insert(HOST, HeaderValue::from_str(authority.as_str())?);
        parts.headers.insert(USER_AGENT, self.actor.clone());
        if let Some(authorization) = &self.authorization {
            parts.headers.insert(AUTHORIZATION, authorization.clone());
        }
        Ok(http::Request::from_parts(parts, Full::new(body)))
    }
}

impl Transport for Remote {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Body>, BoxError>> {
        Box::pin(async move {
            let response = self.client.request(self.address(request)?).await?;
            Ok(response.map(|body| body.map_err(BoxError::from).boxed_unsync()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_to_the_server_with_its_name_and_token() {
        let remote = Remote::new("https://host:1/base/", tls(), "t", "kube-scheduler").unwrap();
        let request = http::Request::get("/api/v1/pods?watch=1").body(Bytes::new()).unwrap();

        let addressed = remote.address(request).unwrap();

        assert_eq!(addressed.uri(), "https://host:1/base/api/v1/pods?watch=1");
        let header = |name| addressed.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header(HOST), "host:1");
        assert_eq!(header(USER_AGENT), "kube-scheduler");
        assert_eq!(header(AUTHORIZATION), "Bearer t");
    }

    #[test]
    fn a_token_with_a_line_break_is_refused() {
        assert!(Remote::new("https://host", tls(), "a\nb", "kube-scheduler").is_err());
    }

    fn tls() -> ClientConfig {
        let provider = rustls::crypto::ring::default_provider();
        ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth()
    }
}
