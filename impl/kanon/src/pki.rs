//! The cluster's keys on disk: made once, kept for every later start.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use apiserver::User;
use host::tls::{Authority, Identity, Signer, TlsError};
use host::token_keys::EcdsaKeys;

use crate::failure::{Failure, While};
use crate::profile::write_private;

/// The authority, the API server's certificate and the administrator's.
pub(crate) struct Pki {
    pub(crate) authority_pem: String,
    pub(crate) server: Identity,
    pub(crate) admin: Identity,
    /// What signs the certificates that are asked for.
    pub(crate) signer: Arc<Signer>,
    /// What signs the tokens of service accounts.
    pub(crate) token_keys: Arc<EcdsaKeys>,
}

/// The user of the admin kubeconfig.
pub(crate) fn admin() -> User {
    let groups = vec!["system:masters".to_owned()];
    User { name: "kubernetes-admin".to_owned(), groups, ..User::default() }
}

/// Reads the authority's key, or makes one, and signs with it.
pub(crate) fn load_or_create(folder: &Path) -> Result<Pki, Failure> {
    std::fs::create_dir_all(folder).while_doing(folder.display())?;
    let (key, certificate) = (folder.join("ca.key"), folder.join("ca.crt"));
    let authority = match std::fs::read_to_string(&key) {
        Ok(pem) => Authority::from_key(&pem).while_doing(key.display())?,
        Err(_) => Authority::create().while_doing("certificate authority")?,
    };
    let identity = authority.identity();
    let authority_pem = match std::fs::read_to_string(&certificate) {
        Ok(pem) => pem,
        Err(_) => {
            write_private(&key, identity.key.as_bytes()).while_doing(key.display())?;
            write_private(&certificate, identity.certificate.as_bytes())
                .while_doing(certificate.display())?;
            identity.certificate
        }
    };
    let (server, admin) = sign(&authority).while_doing("certificates")?;
    let token_keys = Arc::new(token_keys(&folder.join("sa.key"))?);
    let signer = Signer::new(authority, &authority_pem).ok_or_else(|| {
        Failure::cannot(format!("{} holds no certificate", certificate.display()))
    })?;
    Ok(Pki { authority_pem, server, admin, signer: Arc::new(signer), token_keys })
}

/// Reads the key of service account tokens, or makes one: tokens outlive a restart.
fn token_keys(path: &Path) -> Result<EcdsaKeys, Failure> {
    let pem = match std::fs::read_to_string(path) {
        Ok(pem) => pem,
        Err(_) => {
            let pem = host::tls::new_key().while_doing(path.display())?;
            write_private(path, pem.as_bytes()).while_doing(path.display())?;
            pem
        }
    };
    let der = host::tls::key_der(&pem).while_doing(path.display())?;
    EcdsaKeys::from_pkcs8(&der).while_doing(path.display())
}

fn sign(authority: &Authority) -> Result<(Identity, Identity), TlsError> {
    let names = [
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ];
    let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::new(10, 96, 0, 1))];
    Ok((authority.server(&names, &addresses)?, authority.client(&admin())?))
}
