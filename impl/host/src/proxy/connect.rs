//! A connection to an address in the cluster, with TLS that trusts everybody where it is asked for.
//!
//! Source: `proxyTransport` of pkg/controlplane/instance.go (`InsecureSkipVerify`) and Go's net package, for
//! what is said when there is no connection.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use apiserver::ProxyCall;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, Error, InvalidMessage, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

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
    let connector = TlsConnector::from(Arc::new(client_config()?));
    let name = ServerName::try_from(call.host.clone())?;
    let stream = tokio::time::timeout(PATIENCE, connector.connect(name, stream)).await;
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

fn client_config() -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions()?;
    let verifier = Arc::new(TrustsEverybody(provider));
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Looks at no certificate, only at whether its owner speaks.
#[derive(Debug)]
struct TrustsEverybody(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustsEverybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
