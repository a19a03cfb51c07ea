//! Certificates on request: which requests are approved without anybody's help, which are signed, and when
//! they are thrown away.
//!
//! Source: pkg/controller/certificates (v1.36). Reading is a reader's and signing an authority's, which whoever
//! runs the controllers brings. Left out: the cleaner of PodCertificateRequests and the publisher of
//! ClusterTrustBundles, whose feature gates are off.

mod approving;
mod cleaner;
mod signer;
mod signing;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use api::Timestamp;
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestCondition,
};

use crate::{Config, Controller};

pub use self::approving::CertificateSigningRequestApprovingController;
pub use self::cleaner::CertificateSigningRequestCleanerController;
pub use self::signing::CertificateSigningRequestSigningController;

/// When a request is looked at again that came to nothing. Source: `NewCertificateController`.
const RETRY_FIRST: Duration = Duration::from_millis(200);

/// The kind of an alternative name of a subject (RFC 5280, 4.2.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlternativeName {
    /// A host's name.
    Dns,
    /// A mailbox.
    Email,
    /// An address.
    Ip,
    /// A URI.
    Uri,
}

/// What a certificate is asked for, as far as it decides who gets one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The user that the certificate stands for.
    pub common_name: String,
    /// The user's groups.
    pub organizations: Vec<String>,
    /// The kinds of its alternative names.
    pub alternative_names: BTreeSet<AlternativeName>,
}

/// What a certificate says beside whom it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What it may be used for, in the words of `spec.usages`.
    pub usages: Vec<String>,
    /// From when on it holds.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
}

/// Reads certificates and requests for them. That takes no key.
pub trait CertificateReader: fmt::Debug + Send + Sync {
    /// For whom a request (PEM) asks; else what is wrong with it.
    fn subject(&self, request: &[u8]) -> Result<Subject, String>;

    /// Until when a certificate (PEM) holds; `None` for what is none.
    fn expires_at(&self, certificate: &[u8]) -> Option<Timestamp>;
}

/// Signs requests for certificates with the key of the cluster.
pub trait CertificateAuthority: CertificateReader {
    /// Until when its own certificate holds.
    fn not_after(&self) -> Timestamp;

    /// The certificate (PEM) that a request (PEM) gets; else why it gets none.
    fn sign(&self, request: &[u8], terms: &Terms) -> Result<Vec<u8>, String>;
}

/// The controllers that look at requests for certificates: those that only read them, wherever somebody can.
pub(crate) fn all(config: &Config) -> Vec<Box<dyn Controller>> {
    let mut all: Vec<Box<dyn Controller>> = vec![];
    if let Some(reader) = &config.certificate_reader {
        let reader = || Arc::clone(reader);
        all.push(Box::new(CertificateSigningRequestApprovingController::new(reader())));
        all.push(Box::new(CertificateSigningRequestCleanerController::new(reader())));
    }
    if let Some(authority) = &config.authority {
        let authority = Arc::clone(authority);
        all.push(Box::new(CertificateSigningRequestSigningController::new(authority)));
    }
    all
}

/// The conditions of a request.
fn conditions(
    request: &CertificateSigningRequest,
) -> impl Iterator<Item = &CertificateSigningRequestCondition> {
    let conditions = request.status.iter().flat_map(|status| status.conditions.iter());
    conditions.flatten()
}

fn has_condition(request: &CertificateSigningRequest, name: &str) -> bool {
    conditions(request).any(|condition| condition.type_ == name)
}

/// The certificate that a request has been given.
fn certificate(request: &CertificateSigningRequest) -> Option<&[u8]> {
    let status = request.status.as_ref()?;
    status.certificate.as_ref().map(|bytes| bytes.0.as_slice()).filter(|bytes| !bytes.is_empty())
}

/// The request with one more condition, which is true.
fn with_condition(
    request: &CertificateSigningRequest,
    (name, reason, message): (&str, &str, &str),
    updated: Option<Timestamp>,
) -> CertificateSigningRequest {
    let mut request = request.clone();
    let conditions = &mut request.status.get_or_insert_default().conditions;
    conditions.get_or_insert_default().push(CertificateSigningRequestCondition {
        type_: name.to_owned(),
        status: "True".to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_update_time: updated.map(api::time::time),
        last_transition_time: None,
    });
    request
}

#[cfg(test)]
pub(crate) mod tests;
