//! Asks extenders over HTTP, each with a client of its own.
//!
//! Source: `makeTransport` and `send` in pkg/scheduler/extender.go (v1.36). Texts are those of Go's HTTP client. Where
//! Go trusts the authorities of the machine, only those that are configured are trusted here.

use std::error::Error;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use scheduler::config::{Extender, ExtenderTlsConfig};
use scheduler::extender::Call;

use crate::tls::Anybody;

/// How long an answer may be. Upstream takes any.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The extenders of a configuration, in their order.
#[derive(Clone, Debug)]
pub struct Extenders(Arc<[One]>);

#[derive(Debug)]
struct One {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
}

impl Extenders {
    /// Ready to be asked; an error where their certificates cannot be read.
    pub fn new(extenders: &[Extender]) -> Result<Self, String> {
        extenders.iter().map(One::new).collect::<Result<Vec<_>, _>>().map(|all| Self(all.into()))
    }

    /// Asks, and waits as long as is configured.
    pub async fn ask(&self, call: &Call) -> Result<Vec<u8>, String> {
        let one = self.0.get(call.extender).ok_or("there is no such extender")?;
        let request = http::Request::post(&call.url).header(CONTENT_TYPE, "application/json");
        let request = request.body(Full::from(call.body.to_string()));
        let failed = |why: &str| format!("Post \"{}\": {why}", call.url);
        let request = request.map_err(|error| failed(&error.to_string()))?;
        let deadline = tokio::time::Instant::now() + one.timeout;
        let response = tokio::time::timeout_at(deadline, one.client.request(request)).await;
        let late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
        let response = response
            .map_err(|_| failed(late))?
            .map_err(|error| failed(&reason(&error, &call.url)))?;
        if response.status() != StatusCode::OK {
            let (verb, url, code) = (&call.verb, &call.url, response.status().as_u16());
            return Err(format!("failed {verb} with extender at URL {url}, code {code}"));
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect();
        let late =
            "context deadline exceeded (Client.Timeout or context cancellation while reading body)";
        let body = tokio::time::timeout_at(deadline, body).await.map_err(|_| late.to_owned())?;
        body.map(|body| body.to_bytes().to_vec()).map_err(|error| error.to_string())
    }
}

impl One {
    fn new(extender: &Extender) -> Result<Self, String> {
        let tls = extender.tls_config.clone().unwrap_or_default();
        let builder = HttpsConnectorBuilder::new()
            .with_tls_config(client_config(&tls, extender.enable_https)?)
            .https_or_http();
        let connector = match tls.server_name.as_str() {
            "" => builder.enable_all_versions().build(),
            name => {
                let name = ServerName::try_from(name.to_owned())
                    .map_err(|error| format!("tlsConfig: {error}"))?;
                let resolver = FixedServerNameResolver::new(name);
                builder.with_server_name_resolver(resolver).enable_all_versions().build()
            }
        };
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, timeout: extender.timeout() })
    }
}

/// Why there was no answer, as Go tells it where that is known.
fn reason(error: &(dyn Error + 'static), url: &str) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let authority = url.parse::<http::Uri>().ok().and_then(|url| url.authority().cloned());
    let is_refused = innermost
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
    match authority {
        Some(address) if is_refused => format!("dial tcp {address}: connect: connection refused"),
        Some(_) | None => innermost.to_string(),
    }
}

fn client_config(tls: &ExtenderTlsConfig, enable_https: bool) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let authority = pem(&tls.ca_data, &tls.ca_file)?;
    let builder = if tls.insecure || (enable_https && authority.is_none()) {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody::new(provider)))
    } else {
        builder.with_root_certificates(roots(&authority.unwrap_or_default())?)
    };
    let identity = pem(&tls.cert_data, &tls.cert_file)?.zip(pem(&tls.key_data, &tls.key_file)?);
    let Some((certificate, key)) = identity else { return Ok(builder.with_no_client_auth()) };
    let wrong = |error: &dyn Display| format!("tlsConfig: {error}");
    let chain = CertificateDer::pem_slice_iter(&certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| wrong(&error))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| wrong(&error))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| wrong(&error))
}

/// What stands in the data, or else in the file; none where neither is given.
fn pem(data: &str, file: &str) -> Result<Option<Vec<u8>>, String> {
    if !data.is_empty() {
        let decoded = STANDARD.decode(data).map_err(|error| format!("tlsConfig: {error}"))?;
        return Ok(Some(decoded));
    }
    if file.is_empty() {
        return Ok(None);
    }
    std::fs::read(file).map(Some).map_err(|error| format!("tlsConfig: {file}: {error}"))
}

fn roots(authority: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority) {
        let certificate = certificate.map_err(|error| format!("tlsConfig: {error}"))?;
        roots.add(certificate).map_err(|error| format!("tlsConfig: {error}"))?;
    }
    Ok(roots)
}
