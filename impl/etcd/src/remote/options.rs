//! Which cluster is meant, and how its members are talked to.

use std::time::Duration;

use etcd_client::{ConnectOptions, TlsOptions};
use tonic::transport::{Certificate, Identity};

/// How long to wait for a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// After which silence a member is asked whether it is there, and how long it may think. Members close
/// connections that ask more than every 5 s.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// Which cluster, and how to talk to it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// URLs of members: `http://` or `https://`, host, port.
    pub endpoints: Vec<String>,
    /// What `https` needs.
    pub tls: Option<Tls>,
}

/// Certificates, as PEM.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Who has signed the certificates of the members.
    pub authority: String,
    /// The certificate to show, and its key.
    pub identity: Option<(String, String)>,
}

/// Options that make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// A URL is none.
    #[error("\"{0}\" is not the URL of an etcd member, as http://127.0.0.1:2379 is")]
    Url(String),
    /// A URL wants TLS and nobody says whom to trust.
    #[error("{0} needs the certificate of the authority that its member trusts")]
    NoAuthority(String),
    /// There is a certificate, and a URL that has no use for it.
    #[error("{0} does not use TLS, and certificates are given")]
    NoTls(String),
}

impl Options {
    /// Finds what cannot work.
    pub fn check(&self) -> Result<(), OptionsError> {
        let unlike = |endpoint: &String| match (endpoint.split_once("://"), &self.tls) {
            (Some(("https", _)), None) => Some(OptionsError::NoAuthority(endpoint.clone())),
            (Some(("http", _)), Some(_)) => Some(OptionsError::NoTls(endpoint.clone())),
            (Some(("http" | "https", host)), _) if is_host_and_port(host) => None,
            _ => Some(OptionsError::Url(endpoint.clone())),
        };
        if self.endpoints.is_empty() {
            return Err(OptionsError::Url(String::new()));
        }
        self.endpoints.iter().find_map(unlike).map_or(Ok(()), Err)
    }

    /// How a member is connected to. Requests ask for a leader: a member that has none refuses them.
    pub(super) fn connect(&self) -> ConnectOptions {
        let connect = ConnectOptions::new()
            .with_connect_timeout(CONNECT_PATIENCE)
            .with_keep_alive(KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT)
            .with_keep_alive_while_idle(true)
            .with_require_leader(true);
        match &self.tls {
            Some(tls) => connect.with_tls(tls_options(tls)),
            None => connect,
        }
    }
}

fn is_host_and_port(text: &str) -> bool {
    let text = text.strip_suffix('/').unwrap_or(text);
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok()
    })
}

fn tls_options(tls: &Tls) -> TlsOptions {
    let options = TlsOptions::new().ca_certificate(Certificate::from_pem(&tls.authority));
    match &tls.identity {
        Some((certificate, key)) => options.identity(Identity::from_pem(certificate, key)),
        None => options,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(endpoint: &str, tls: Option<Tls>) -> Result<(), OptionsError> {
        Options { endpoints: vec![endpoint.to_owned()], tls }.check()
    }

    #[test]
    fn a_url_is_checked_before_anything_is_connected() {
        let tls = || Some(Tls { authority: String::new(), identity: None });
        let of = |endpoint: &str| endpoint.to_owned();

        assert_eq!(check("http://127.0.0.1:2379", None), Ok(()));
        assert_eq!(check("https://[::1]:2379/", tls()), Ok(()));
        for endpoint in
            ["", "127.0.0.1:2379", "http://", "http://a", "http://a:b", "ftp://a:1", "http://a/b:1"]
        {
            assert_eq!(check(endpoint, None), Err(OptionsError::Url(of(endpoint))));
        }
        assert_eq!(check("https://a:1", None), Err(OptionsError::NoAuthority(of("https://a:1"))));
        assert_eq!(check("http://a:1", tls()), Err(OptionsError::NoTls(of("http://a:1"))));
        assert_eq!(Options::default().check(), Err(OptionsError::Url(String::new())));
    }
}
