//! Approves what kubelets ask for, if they may ask for it.
//!
//! Source: pkg/controller/certificates/approver/sarapprove.go (v1.36).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::object::{at, text};
use api::{Key, Request, Timestamp, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestSpec,
};
use serde_json::{Value, json};

use super::signer::Signer;
use super::{CertificateReader, RETRY_FIRST, certificate, has_condition, with_condition};
use crate::ownership::uid;
use crate::retry::Retry;
use crate::{Controller, Plan};

/// A request that may be approved, if its author may do something.
#[derive(Debug)]
struct Recognizer {
    /// What the author must be allowed to create, below `certificatesigningrequests`.
    subresource: &'static str,
    /// Whether the author must be whom the certificate stands for.
    is_for_self: bool,
    message: &'static str,
}

static RECOGNIZERS: [Recognizer; 2] = [
    Recognizer {
        subresource: "selfnodeclient",
        is_for_self: true,
        message: "Auto approving self kubelet client certificate after SubjectAccessReview.",
    },
    Recognizer {
        subresource: "nodeclient",
        is_for_self: false,
        message: "Auto approving kubelet client certificate after SubjectAccessReview.",
    },
];

/// What has been asked about the author of one request: `None` while there is no answer. Another request may
/// have its name later.
#[derive(Clone, Debug, Default)]
struct Answers {
    uid: String,
    by_subresource: BTreeMap<&'static str, Option<bool>>,
}

impl Answers {
    fn get(&self, recognizer: &Recognizer) -> Option<bool> {
        self.by_subresource.get(recognizer.subresource).copied().flatten()
    }
}

/// Approves requests for the certificates of kubelets.
#[derive(Clone, Debug)]
pub struct CertificateSigningRequestApprovingController {
    reader: Arc<dyn CertificateReader>,
    answers: BTreeMap<Key, Answers>,
    retry: Retry,
}

impl CertificateSigningRequestApprovingController {
    /// A controller that reads requests as this reader does.
    pub fn new(reader: Arc<dyn CertificateReader>) -> Self {
        Self { reader, answers: BTreeMap::new(), retry: Retry::new(RETRY_FIRST) }
    }

    fn forget(&mut self, key: &Key) {
        self.answers.remove(key);
        self.retry.forget(key);
    }

    /// What is known of the author of this very request.
    fn answers_about(&mut self, key: &Key, request: &CertificateSigningRequest) -> &Answers {
        let answers = self.answers.entry(key.clone()).or_default();
        let uid = uid(&request.metadata);
        if answers.uid != uid {
            *answers = Answers { uid: uid.to_owned(), ..Answers::default() };
        }
        answers
    }

    /// What could approve a request.
    fn recognizers(&self, spec: &CertificateSigningRequestSpec) -> Vec<&'static Recognizer> {
        let subject = self.reader.subject(&spec.request.0);
        let Some(subject) =
            subject.ok().filter(|_| Signer::named(spec) == Some(Signer::KubeletClient))
        else {
            return vec![];
        };
        if Signer::KubeletClient.check(&subject, spec).is_err() {
            return vec![];
        }
        let is_for_self = spec.username.as_deref() == Some(&subject.common_name);
        RECOGNIZERS.iter().filter(|one| is_for_self || !one.is_for_self).collect()
    }

    /// Asks the next question, or begins anew when every answer was no.
    fn ask(
        &mut self,
        (key, spec): (&Key, &CertificateSigningRequestSpec),
        recognizers: &[&'static Recognizer],
        now: Timestamp,
    ) -> Plan {
        let answers = self.answers.entry(key.clone()).or_default();
        let next = recognizers.iter().find(|one| answers.get(one).is_none());
        let Some(next) = next else {
            self.answers.remove(key);
            let look_again = Some(self.retry.after_failure(key, now));
            return Plan { requests: vec![], look_again };
        };
        let is_first = answers.by_subresource.insert(next.subresource, None).is_none();
        let look_again = if is_first { now } else { self.retry.after_failure(key, now) };
        Plan { requests: vec![review(spec, next.subresource)], look_again: Some(look_again) }
    }
}

impl Controller for CertificateSigningRequestApprovingController {
    fn name(&self) -> &'static str {
        "certificatesigningrequest-approving-controller"
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
        let Some(request) = request.filter(|request| is_undecided(request)) else {
            self.forget(key);
            return Plan::default();
        };
        let recognizers = self.recognizers(&request.spec);
        let answers = self.answers_about(key, request);
        let is_allowed = |one: &&&Recognizer| answers.get(one) == Some(true);
        let plan = if recognizers.is_empty() {
            Plan::default()
        } else if let Some(allowed) = recognizers.iter().find(is_allowed) {
            let request = approved(request, allowed.message);
            Plan { requests: vec![request], look_again: None }
        } else {
            self.ask((key, &request.spec), &recognizers, now)
        };
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let (Some(body), Ok(answer)) = (&request.body, outcome) else { return };
        let asked = text(body, &["spec", "resourceAttributes", "subresource"]);
        let recognizer = RECOGNIZERS.iter().find(|one| one.subresource == asked);
        let (Some(recognizer), Some(answers)) = (recognizer, self.answers.get_mut(key)) else {
            return;
        };
        let is_allowed = at(answer, &["status", "allowed"]).and_then(Value::as_bool);
        let is_allowed = Some(is_allowed.unwrap_or_default());
        answers.by_subresource.insert(recognizer.subresource, is_allowed);
    }
}

fn is_undecided(request: &CertificateSigningRequest) -> bool {
    let is_decided = has_condition(request, "Approved") || has_condition(request, "Denied");
    certificate(request).is_none() && !is_decided
}

fn approved(request: &CertificateSigningRequest, message: &str) -> Request {
    let approved = with_condition(request, ("Approved", "AutoApproved", message), None);
    Request::update(&approved).to_subresource("approval")
}

/// The question whether the author of a request may create this.
fn review(spec: &CertificateSigningRequestSpec, subresource: &str) -> Request {
    let attributes = json!({"group": "certificates.k8s.io", "version": "*", "verb": "create",
        "resource": "certificatesigningrequests", "subresource": subresource});
    let mut asked = json!({"resourceAttributes": attributes});
    let author = [
        ("user", json!(spec.username)),
        ("uid", json!(spec.uid)),
        ("groups", json!(spec.groups)),
        ("extra", json!(spec.extra)),
    ];
    for (field, value) in author.into_iter().filter(|(_, value)| !value.is_null()) {
        asked[field] = value;
    }
    let resource = &resources::SUBJECT_ACCESS_REVIEWS;
    let review =
        json!({"apiVersion": resource.api_version(), "kind": resource.kind, "spec": asked});
    Request::create_value(resource, review)
}
