//! The cluster's certificate authority, and the certificates it signs.

mod anybody;
mod clients;
mod signing;

use std::net::IpAddr;
use std::sync::Arc;

use apiserver::User;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::server::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub use anybody::{Anybody, connect_to_anybody};
pub(crate) use clients::valid_until;
pub use clients::{CertificateError, Clients};
pub use signing::{Reader, Signer};

/// A certificate and its key, as PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// Signs certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// Certificates could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// By the library that makes them.
    #[error("certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// By the library that uses them.
    #[error("TLS: {0}")]
    Use(#[from] rustls::Error),
    /// A file holds something else.
    #[error("certificate: {0}")]
    Pem(#[from] rustls_pki_types::pem::Error),
    /// The clients' certificates cannot be checked.
    #[error("client certificates: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

impl Authority {
    /// A new authority, valid for ten years.
    pub fn create() -> Result<Self, TlsError> {
        Self::with_key(KeyPair::generate()?)
    }

    /// The authority that has this private key. Its certificate is made anew and equally trusted: it has
    /// the same name and key.
    pub fn from_key(pem: &str) -> Result<Self, TlsError> {
        Self::with_key(KeyPair::from_pem(pem)?)
    }

    fn with_key(key: KeyPair) -> Result<Self, TlsError> {
        let mut params = params("kubernetes", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
        ];
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, key)? })
    }

    /// The authority's own certificate and key.
    pub fn identity(&self) -> Identity {
        Identity { certificate: self.issuer.pem(), key: self.issuer.key().serialize_pem() }
    }

    /// A server's certificate for these names and addresses.
    pub fn server(&self, names: &[&str], addresses: &[IpAddr]) -> Result<Identity, TlsError> {
        let mut params = params("kube-apiserver", &[]);
        for name in names {
            params.subject_alt_names.push(SanType::DnsName((*name).try_into()?));
        }
        params
            .subject_alt_names
            .extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// A client's certificate: the user's name is its common name, the groups its organizations.
    pub fn client(&self, user: &User) -> Result<Identity, TlsError> {
        let groups: Vec<&str> = user.groups.iter().map(String::as_str).collect();
        let mut params = params(&user.name, &groups);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Identity, TlsError> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

fn params(common_name: &str, organizations: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    for organization in organizations {
        name.push(DnType::OrganizationName, *organization);
    }
    name.push(DnType::CommonName, common_name);
    params.distinguished_name = name;
    let now = jiff_now();
    params.not_before = rcgen::date_time_ymd(now.0 - 1, 1, 1);
    params.not_after = rcgen::date_time_ymd(now.0 + 10, 1, 1);
    params
}

/// A new private key, P-256 in PKCS#8, as PEM.
pub fn new_key() -> Result<String, TlsError> {
    Ok(KeyPair::generate()?.serialize_pem())
}

/// The DER of a private key that is given as PEM.
pub fn key_der(pem: &str) -> Result<Vec<u8>, TlsError> {
    Ok(PrivateKeyDer::from_pem_slice(pem.as_bytes())?.secret_der().to_vec())
}

/// The year, for how long certificates hold.
fn jiff_now() -> (i32,) {
    let text = crate::clock::now().to_string();
    (text.get(..4).and_then(|year| year.parse().ok()).unwrap_or(2026),)
}

/// Makes `ring` the cryptography of every TLS client in this process that names none.
pub fn install_provider() {
    // Whoever was first has installed the same one.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// How the API server speaks TLS: clients may show a certificate, or none. Who they are is not asked here.
pub fn server_config(clients: &Clients, server: &Identity) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = CertificateDer::pem_slice_iter(server.certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes())?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients.handshake())
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
