//! Signs what is approved, as the signer that a request names.
//!
//! Source: pkg/controller/certificates/signer/signer.go and
//! pkg/controller/certificates/authority/policies.go (v1.36), which run one controller for each signer.

use std::sync::Arc;
use std::time::Duration;

use api::{Key, Request, Timestamp, resources};
use client::{Change, Outcome, View};
use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestSpec,
};

use super::signer::Signer;
use super::{
    CertificateAuthority, RETRY_FIRST, Terms, certificate, conditions, has_condition,
    with_condition,
};
use crate::retry::Retry;
use crate::{Controller, Plan};

/// How long a certificate holds. Source: `--cluster-signing-duration`.
const DURATION: Duration = Duration::from_secs(365 * 24 * 3600);
/// The shortest that one is given for.
const DURATION_MIN: Duration = Duration::from_secs(10 * 60);
/// How much earlier than now one begins to hold: clocks differ.
const BACKDATE: Duration = Duration::from_secs(5 * 60);
/// One that holds shorter than this does not end earlier for having begun earlier.
const SHORT: Duration = Duration::from_secs(8 * 3600);

/// Signs approved requests.
#[derive(Clone, Debug)]
pub struct CertificateSigningRequestSigningController {
    authority: Arc<dyn CertificateAuthority>,
    retry: Retry,
}

impl CertificateSigningRequestSigningController {
    /// A controller that lets this authority sign.
    pub fn new(authority: Arc<dyn CertificateAuthority>) -> Self {
        Self { authority, retry: Retry::new(RETRY_FIRST) }
    }

    /// The update that a request gets; `None` when it is not for us, else why it gets none.
    fn answer(
        &self,
        request: &CertificateSigningRequest,
        now: Timestamp,
    ) -> Result<Option<CertificateSigningRequest>, String> {
        let spec = &request.spec;
        let Some(signer) = Signer::named(spec) else { return Ok(None) };
        let subject = self.authority.subject(&spec.request.0)?;
        if let Err(why) = signer.check(&subject, spec) {
            let condition = ("Failed", "SignerValidationFailure", why.as_str());
            return Ok(Some(with_condition(request, condition, Some(now))));
        }
        let terms = terms(spec, self.authority.not_after(), now)?;
        let certificate = self.authority.sign(&spec.request.0, &terms)?;
        let mut request = request.clone();
        request.status.get_or_insert_default().certificate = Some(ByteString(certificate));
        Ok(Some(request))
    }
}

impl Controller for CertificateSigningRequestSigningController {
    fn name(&self) -> &'static str {
        "certificatesigningrequest-signing-controller"
    }

    fn backoff(&self) -> client::Backoff {
        client::Backoff::milliseconds(200, 1_000_000)
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        let is_request = change.resource() == &resources::CERTIFICATE_SIGNING_REQUESTS;
        if is_request { vec![change.key()] } else { vec![] }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let request = view.certificate_signing_requests.get(key);
        let Some(request) = request.filter(|request| awaits_signature(request)) else {
            self.retry.forget(key);
            return Plan::default();
        };
        let plan = match self.answer(request, now) {
            Ok(answer) => {
                let requests = answer.iter().map(Request::update_status).collect();
                Plan { requests, look_again: None }
            }
            Err(_) => {
                let look_again = Some(self.retry.after_failure(key, now));
                Plan { requests: vec![], look_again }
            }
        };
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, _request: &Request, _outcome: &Outcome) {}
}

fn awaits_signature(request: &CertificateSigningRequest) -> bool {
    let has_failed = conditions(request).any(|condition| {
        condition.type_ == "Failed" && ["", "True"].contains(&condition.status.as_str())
    });
    certificate(request).is_none()
        && has_condition(request, "Approved")
        && !has_condition(request, "Denied")
        && !has_failed
}

/// For what and for how long a certificate is given; never for longer than the authority's own.
fn terms(
    spec: &CertificateSigningRequestSpec,
    authority_ends: Timestamp,
    now: Timestamp,
) -> Result<Terms, String> {
    let duration = duration(spec.expiration_seconds);
    let counted = if duration < SHORT { duration } else { duration.saturating_sub(BACKDATE) };
    let not_before = now.checked_sub(BACKDATE).unwrap_or(Timestamp::MIN);
    let not_after = now.checked_add(counted).unwrap_or(Timestamp::MAX).min(authority_ends);
    if not_before >= authority_ends {
        return Err(format!("the signer has expired: NotAfter={authority_ends}"));
    }
    if now >= authority_ends {
        return Err(format!(
            "refusing to sign a certificate that expired in the past: NotAfter={authority_ends}"
        ));
    }
    Ok(Terms { usages: spec.usages.clone().unwrap_or_default(), not_before, not_after })
}

fn duration(asked: Option<i32>) -> Duration {
    let seconds = |seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    asked.map_or(DURATION, |asked| seconds(asked).clamp(DURATION_MIN, DURATION))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    /// From when until when, in seconds from now, a certificate holds that is asked for so many seconds.
    fn times(asked: Option<i32>, authority_ends: i64) -> Result<(i64, i64), String> {
        const NOW: i64 = 1_000_000;
        let spec =
            CertificateSigningRequestSpec { expiration_seconds: asked, ..Default::default() };
        let terms = terms(&spec, at(NOW + authority_ends), at(NOW))?;
        Ok((terms.not_before.as_second() - NOW, terms.not_after.as_second() - NOW))
    }

    #[test]
    fn a_certificate_holds_as_long_as_asked_within_limits() {
        let year = i64::try_from(DURATION.as_secs()).unwrap();
        let table = [
            (None, (-300, year - 300)),
            (Some(i32::MAX), (-300, year - 300)),
            (Some(1), (-300, 600)),
            (Some(3600), (-300, 3600)),
            (Some(8 * 3600 - 1), (-300, 8 * 3600 - 1)),
            (Some(8 * 3600), (-300, 8 * 3600 - 300)),
        ];
        for (asked, expected) in table {
            assert_eq!(times(asked, 2 * year), Ok(expected), "{asked:?}");
        }
    }

    #[test]
    fn no_certificate_outlives_its_authority() {
        assert_eq!(times(Some(3600), 100), Ok((-300, 100)));
        let past = "refusing to sign a certificate that expired in the past: NotAfter=1970-01-12T13:46:40Z";
        assert_eq!(times(Some(3600), 0), Err(past.to_owned()));
        let long_past = "the signer has expired: NotAfter=1970-01-12T13:41:40Z";
        assert_eq!(times(Some(3600), -300), Err(long_past.to_owned()));
    }
}
