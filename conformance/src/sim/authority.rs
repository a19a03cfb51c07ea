//! Who signs certificates and tokens in the simulator: with nothing, so that everybody can read what was signed.

use std::sync::Arc;
use std::time::Duration;

use api::Timestamp;
use controllers::certificates::{Subject, Terms};
use controllers::{CertificateAuthority, CertificateReader, Config, PodNetwork, TokenSigner};
use serde_json::Value;

const REQUEST: &str = "CERTIFICATE REQUEST";
const CERTIFICATE: &str = "CERTIFICATE";

/// How long the authority itself holds.
const YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What tells all controllers what they need.
pub(crate) fn config() -> Config {
    Config {
        certificate_reader: Some(Arc::new(Authority)),
        authority: Some(Arc::new(Authority)),
        token_signer: Some(Arc::new(Readable)),
        pod_network: Some(PodNetwork {
            cluster_cidr: "10.244.0.0/16".to_owned(),
            node_cidr_mask_size: 24,
            service_cluster_ip_range: "10.96.0.0/12".to_owned(),
        }),
        balances_services: true,
        ..Config::default()
    }
}

/// A request for a certificate, as [`Authority`] reads it: the user, and the user's group.
pub(crate) fn request(user: &str, group: &str) -> Vec<u8> {
    block(REQUEST, &format!("{user}/{group}"))
}

/// The user and the group for whom a request asks.
pub(crate) fn asked(request: &[u8]) -> Option<(String, String)> {
    let line = line(REQUEST, request)?;
    let (user, group) = line.split_once('/')?;
    Some((user.to_owned(), group.to_owned()))
}

fn block(kind: &str, line: &str) -> Vec<u8> {
    format!("-----BEGIN {kind}-----\n{line}\n-----END {kind}-----\n").into_bytes()
}

/// What stands in a block.
fn line(kind: &str, block: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(block);
    let rest = text.strip_prefix(&format!("-----BEGIN {kind}-----\n"))?;
    rest.lines().next().map(str::to_owned)
}

/// An authority whose certificates say when they end.
#[derive(Debug)]
struct Authority;

impl CertificateReader for Authority {
    fn subject(&self, request: &[u8]) -> Result<Subject, String> {
        let (common_name, group) = asked(request).ok_or("it is no request")?;
        let organizations = Some(group).filter(|group| !group.is_empty()).into_iter().collect();
        Ok(Subject { common_name, organizations, ..Subject::default() })
    }

    fn expires_at(&self, certificate: &[u8]) -> Option<Timestamp> {
        line(CERTIFICATE, certificate)?.parse().ok()
    }
}

impl CertificateAuthority for Authority {
    fn not_after(&self) -> Timestamp {
        Timestamp::MAX.checked_sub(YEARS).unwrap_or(Timestamp::MAX)
    }

    fn sign(&self, request: &[u8], terms: &Terms) -> Result<Vec<u8>, String> {
        asked(request).ok_or("it is no request")?;
        Ok(block(CERTIFICATE, &terms.not_after.to_string()))
    }
}

/// Signs tokens that are their claims.
#[derive(Debug)]
struct Readable;

impl TokenSigner for Readable {
    fn token(&self, claims: &Value) -> Option<String> {
        Some(claims.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_can_be_read() {
        let request = request("system:node:n1", "system:nodes");
        let ends = Timestamp::from_second(7).expect("it is a time");
        let terms = Terms { usages: vec![], not_before: ends, not_after: ends };

        let certificate = Authority.sign(&request, &terms).unwrap();

        assert_eq!(Authority.expires_at(&certificate), Some(ends));
        assert_eq!(Authority.subject(&request).unwrap().organizations, ["system:nodes"]);
        assert!(Authority.sign(b"garbage", &terms).is_err());
    }
}
