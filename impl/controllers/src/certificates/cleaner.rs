//! Throws away requests for certificates that have been dealt with, or that nobody deals with.
//!
//! Source: pkg/controller/certificates/cleaner/cleaner.go (v1.36).

use std::sync::Arc;

use api::{Key, Request, Timestamp, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use super::{CertificateReader, certificate, conditions};
use crate::ownership::uid;
use crate::{Controller, Plan, after_seconds, next_tick};

/// How often requests are looked through.
const PERIOD_SECONDS: i64 = 3600;
/// How long a request is kept that has its certificate, and one that is denied or has failed.
const DONE_SECONDS: i64 = 3600;
/// How long one is kept that nobody has decided about, or that nobody signs.
const PENDING_SECONDS: i64 = 24 * 3600;

/// Deletes requests for certificates when their time is over.
#[derive(Clone, Debug)]
pub struct CertificateSigningRequestCleanerController {
    reader: Arc<dyn CertificateReader>,
}

impl CertificateSigningRequestCleanerController {
    /// A controller that reads certificates as this reader does.
    pub fn new(reader: Arc<dyn CertificateReader>) -> Self {
        Self { reader }
    }

    fn is_over(&self, request: &CertificateSigningRequest, now: Timestamp) -> bool {
        let given = certificate(request);
        let is_expired = || {
            let expires = given.and_then(|certificate| self.reader.expires_at(certificate));
            expires.is_some_and(|expires| expires < now)
        };
        if conditions(request).next().is_none() {
            let created = request.metadata.creation_timestamp.as_ref();
            return is_older(created, PENDING_SECONDS, now);
        }
        conditions(request).any(|condition| {
            let is_older = |seconds| is_older(condition.last_update_time.as_ref(), seconds, now);
            match condition.type_.as_str() {
                "Approved" if given.is_some() => is_older(DONE_SECONDS) || is_expired(),
                "Approved" => is_older(PENDING_SECONDS),
                "Denied" | "Failed" => is_older(DONE_SECONDS),
                _ => false,
            }
        })
    }
}

impl Controller for CertificateSigningRequestCleanerController {
    fn name(&self) -> &'static str {
        "certificatesigningrequest-cleaner-controller"
    }

    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        let is_new =
            change.resource() == &resources::CERTIFICATE_SIGNING_REQUESTS && change.old.is_none();
        if is_new { vec![change.key()] } else { vec![] }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let mut plan = Plan::default();
        let Some(request) = view.certificate_signing_requests.get(key) else { return plan };
        if self.is_over(request, now) {
            let metadata = &request.metadata;
            let resource = &resources::CERTIFICATE_SIGNING_REQUESTS;
            plan.requests.push(Request::delete(resource, key.clone(), uid(metadata), json!({})));
        }
        plan.look_again_at(next_tick(now, PERIOD_SECONDS));
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, _request: &Request, _outcome: &Outcome) {}
}

/// Whether something was longer ago than this; what has no time was not.
fn is_older(time: Option<&Time>, seconds: i64, now: Timestamp) -> bool {
    time.is_some_and(|time| after_seconds(time.0, seconds) < now)
}
