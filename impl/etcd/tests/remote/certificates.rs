//! An authority, and what it has signed for members and for their clients.

use std::path::PathBuf;

use etcd_client::{Certificate, Identity, TlsOptions};
use libtest_mimic::Failed;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// As PEM, and as files.
pub(crate) struct Certificates {
    pub(crate) authority: String,
    /// Certificate and key.
    pub(crate) client: (String, String),
    folder: tempfile::TempDir,
}

impl Certificates {
    pub(crate) fn issue() -> Result<Self, Failed> {
        let mut authority = CertificateParams::new(vec![])?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let sign = || -> Result<_, Failed> {
            let key = KeyPair::generate()?;
            let names = vec!["127.0.0.1".to_owned()];
            let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
            Ok((certificate.pem(), key.serialize_pem()))
        };
        let (server, client) = (sign()?, sign()?);
        let folder = tempfile::tempdir()?;
        let certificates = Self { authority: authority.pem(), client, folder };
        std::fs::write(certificates.path("authority.pem"), &certificates.authority)?;
        std::fs::write(certificates.path("server.pem"), server.0)?;
        std::fs::write(certificates.path("server.key"), server.1)?;
        Ok(certificates)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a client of a member needs.
    pub(crate) fn client(&self) -> TlsOptions {
        TlsOptions::new()
            .ca_certificate(Certificate::from_pem(&self.authority))
            .identity(Identity::from_pem(&self.client.0, &self.client.1))
    }
}
