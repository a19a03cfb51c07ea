//! Clients, by the certificates that they show.
//!
//! Source: apiserver/pkg/authentication/request/x509/x509.go and apimachinery/pkg/apis/asn1/oid.go, v1.36. The
//! handshake takes any certificate whose key its bearer has. That says nothing of who it is: the authority is asked
//! afterwards, and nobody else makes a user of a certificate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::Timestamp;
use apiserver::User;
use ring::digest::{SHA256, digest};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::x509::AttributeTypeAndValue;

use super::TlsError;

/// Of a user's uid in the name of a certificate.
const UID: &str = "1.3.6.1.4.1.57683.2";

/// The extra that tells one certificate of a user from another.
const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";

/// Knows clients by an authority's certificates; clones share it.
#[derive(Clone, Debug)]
pub struct Clients(Arc<dyn ClientCertVerifier>);

/// A certificate makes nobody a user.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum CertificateError {
    /// The authority does not vouch for it, or not now.
    #[error("verifying certificate failed: {0}")]
    Unverified(#[from] Error),
    /// It cannot be read.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// Its uid is not one text.
    #[error("the certificate has no usable UID")]
    Uid,
}

impl Clients {
    /// Those of an authority.
    pub fn of(authority_pem: &str) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authority_pem.as_bytes()) {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        Ok(Self(builder.allow_unauthenticated().build()?))
    }

    /// What checks in a handshake that a client has the key of what it shows, and no more.
    pub(super) fn handshake(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::new(AnyKey(Arc::clone(&self.0)))
    }

    /// Who shows these certificates, the own one first; nobody where it has no common name.
    pub fn user(
        &self,
        shown: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<Option<User>, CertificateError> {
        let Some((own, intermediates)) = shown.split_first() else { return Ok(None) };
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        self.0.verify_client_cert(own, intermediates, now)?;
        user(own)
    }
}

/// Up to when all of these certificates are valid.
pub(crate) fn valid_until(certificates: &[CertificateDer<'_>]) -> Option<Timestamp> {
    let until = |certificate: &CertificateDer<'_>| {
        let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
        Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
    };
    certificates.iter().map(until).min().flatten()
}

/// Who a verified certificate says its bearer is.
fn user(certificate: &CertificateDer<'_>) -> Result<Option<User>, CertificateError> {
    let (_, read) = x509_parser::parse_x509_certificate(certificate)
        .map_err(|_| CertificateError::Unreadable)?;
    let subject = read.subject();
    let name = subject.iter_common_name().filter_map(text).last();
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(None) };
    let mut groups: Vec<String> = subject.iter_organization().filter_map(text).collect();
    let is_told = |group: &String| [AUTHENTICATED, UNAUTHENTICATED].contains(&group.as_str());
    if name != User::anonymous().name && !groups.iter().any(is_told) {
        groups.push(AUTHENTICATED.to_owned());
    }
    let id = vec![format!("X509SHA256={}", hex(digest(&SHA256, certificate).as_ref()))];
    let extra = BTreeMap::from([(CREDENTIAL_ID.to_owned(), id)]);
    Ok(Some(User { name, uid: uid(&read)?, groups, extra }))
}

fn text(value: &AttributeTypeAndValue<'_>) -> Option<String> {
    value.as_str().ok().map(str::to_owned)
}

/// The uid in a certificate's name, of which there may be one; empty where there is none.
fn uid(certificate: &X509Certificate<'_>) -> Result<String, CertificateError> {
    let mut uids = certificate
        .subject()
        .iter_attributes()
        .filter(|value| value.attr_type().to_id_string() == UID)
        .map(|value| text(value).filter(|uid| !uid.is_empty()));
    match (uids.next(), uids.next()) {
        (None, _) => Ok(String::new()),
        (Some(Some(uid)), None) => Ok(uid),
        (Some(_), _) => Err(CertificateError::Uid),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lets anybody in who has the key of the certificate that is shown.
#[derive(Debug)]
struct AnyKey(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for AnyKey {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests;
