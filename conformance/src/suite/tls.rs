//! How a kubeconfig's cluster shows who it is, and its user.

use std::sync::Arc;

use host::tls::Anybody;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsConnector;

use super::kubeconfig::Target;

/// What connects to a cluster; an error where its certificates cannot be read.
pub fn connector(target: &Target) -> Result<TlsConnector, String> {
    Ok(TlsConnector::from(Arc::new(client_config(target)?)))
}

/// The same for clients that connect by themselves.
pub fn client_config(target: &Target) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = if target.insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody::new(provider)))
    } else {
        builder.with_root_certificates(roots(&target.authority)?)
    };
    let config = if target.certificate.is_empty() {
        builder.with_no_client_auth()
    } else {
        let wrong = |error: &dyn std::fmt::Display| format!("client certificate: {error}");
        let chain = CertificateDer::pem_slice_iter(&target.certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| wrong(&error))?;
        let key = PrivateKeyDer::from_pem_slice(&target.key).map_err(|error| wrong(&error))?;
        builder.with_client_auth_cert(chain, key).map_err(|error| wrong(&error))?
    };
    Ok(config)
}

fn roots(authority: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority) {
        let certificate = certificate.map_err(|error| format!("certificate authority: {error}"))?;
        roots.add(certificate).map_err(|error| format!("certificate authority: {error}"))?;
    }
    Ok(roots)
}
