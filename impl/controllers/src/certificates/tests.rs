//! Tests of what becomes of requests for certificates, with an authority that only pretends.

use std::sync::Arc;

use api::{Key, Reason, Timestamp, Verb, resources};
use serde_json::{Value, json};

use super::*;
use crate::Plan;
use crate::testing::{World, at, names, requests, time_text};

const REQUESTS: &api::ApiResource = &resources::CERTIFICATE_SIGNING_REQUESTS;
const REVIEWS: &api::ApiResource = &resources::SUBJECT_ACCESS_REVIEWS;

/// An authority whose requests are `NAME` or `NAME/GROUP`, and whose certificates say when they end.
#[derive(Debug)]
pub(crate) struct Pretended;

impl CertificateReader for Pretended {
    fn subject(&self, request: &[u8]) -> Result<Subject, String> {
        let text = String::from_utf8_lossy(request);
        let (name, group) = text.split_once('/').unwrap_or((&text, ""));
        if name.is_empty() {
            return Err("PEM block type must be CERTIFICATE REQUEST".to_owned());
        }
        let organizations = Some(group.to_owned()).filter(|group| !group.is_empty());
        Ok(Subject {
            common_name: name.to_owned(),
            organizations: organizations.into_iter().collect(),
            ..Subject::default()
        })
    }

    fn expires_at(&self, certificate: &[u8]) -> Option<Timestamp> {
        String::from_utf8_lossy(certificate).parse().ok()
    }
}

impl CertificateAuthority for Pretended {
    fn not_after(&self) -> Timestamp {
        at(10_000_000)
    }

    fn sign(&self, request: &[u8], terms: &Terms) -> Result<Vec<u8>, String> {
        if request.starts_with(b"unsigned") {
            return Err("its signature is not of its key".to_owned());
        }
        Ok(terms.not_after.to_string().into_bytes())
    }
}

#[test]
fn who_has_no_key_approves_and_cleans_up_but_does_not_sign() {
    let reader = Config { certificate_reader: Some(Arc::new(Pretended)), ..Config::default() };

    let names = |config: &Config| all(config).iter().map(|one| one.name()).collect::<Vec<_>>();

    assert_eq!(
        names(&reader),
        [
            "certificatesigningrequest-approving-controller",
            "certificatesigningrequest-cleaner-controller",
        ]
    );
    assert!(names(&Config::default()).is_empty());
}

fn bytes(text: &str) -> Value {
    serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())).unwrap()
}

fn key() -> Key {
    Key::cluster("csr")
}

/// A request of `system:node:n1` for this subject.
fn request(subject: &str, signer: &str, usages: &[&str]) -> Value {
    json!({"metadata": {"name": "csr", "creationTimestamp": time_text(0)},
        "spec": {"request": bytes(subject), "signerName": format!("kubernetes.io/{signer}"),
            "usages": usages, "username": "system:node:n1", "groups": ["system:nodes"]}})
}

fn kubelet(subject: &str) -> Value {
    let usages = ["digital signature", "client auth"];
    request(subject, "kube-apiserver-client-kubelet", &usages)
}

fn with(mut request: Value, condition: &str, seconds: i64) -> Value {
    let condition =
        json!({"type": condition, "status": "True", "lastUpdateTime": time_text(seconds)});
    request["status"]["conditions"] = json!([condition]);
    request
}

fn approving(request: Value) -> World<CertificateSigningRequestApprovingController> {
    let authority = Arc::new(Pretended);
    let mut world = World::new(CertificateSigningRequestApprovingController::new(authority));
    assert_eq!(world.put(REQUESTS, request), [key()]);
    world
}

/// Answers the question of a plan, and returns what was asked about.
fn answer(
    world: &mut World<CertificateSigningRequestApprovingController>,
    plan: &Plan,
    is_allowed: bool,
) -> String {
    let review = requests(plan, Verb::Create, REVIEWS)[0].clone();
    let body = review.body.clone().unwrap();
    world.grant(&key(), &review, json!({"status": {"allowed": is_allowed}}));
    body["spec"]["resourceAttributes"]["subresource"].as_str().unwrap().to_owned()
}

#[test]
fn a_kubelet_that_asks_for_itself_is_approved_when_it_may_ask() {
    let mut world = approving(kubelet("system:node:n1/system:nodes"));

    let asks = world.reconcile(&key(), at(10));
    let about = answer(&mut world, &asks, true);
    let approves = world.reconcile(&key(), at(10));

    assert_eq!((about.as_str(), asks.look_again), ("selfnodeclient", Some(at(10))));
    let spec = asks.requests[0].body.clone().unwrap()["spec"].clone();
    assert_eq!(
        (&spec["user"], &spec["groups"]),
        (&json!("system:node:n1"), &json!(["system:nodes"]))
    );
    assert_eq!(spec["resourceAttributes"]["version"], "*");
    let approval = requests(&approves, Verb::Update, REQUESTS)[0];
    let condition = approval.body.clone().unwrap()["status"]["conditions"][0].clone();
    assert_eq!(approval.subresource, "approval");
    assert_eq!(
        (&condition["type"], &condition["reason"]),
        (&json!("Approved"), &json!("AutoApproved"))
    );
    assert_eq!(
        condition["message"],
        "Auto approving self kubelet client certificate after SubjectAccessReview."
    );
}

#[test]
fn what_is_said_of_one_request_does_not_count_for_the_next_of_its_name() {
    let mut world = approving(kubelet("system:node:n1/system:nodes"));
    let asks = world.reconcile(&key(), at(10));
    answer(&mut world, &asks, true);
    let mut next = kubelet("system:node:n1/system:nodes");
    next["metadata"]["uid"] = json!("uid-next");
    world.put(REQUESTS, next);

    let plan = world.reconcile(&key(), at(10));

    assert_eq!(requests(&plan, Verb::Create, REVIEWS).len(), 1);
    assert_eq!(names(&plan, Verb::Update, REQUESTS), Vec::<String>::new());
}

#[test]
fn a_kubelet_that_asks_for_another_is_approved_when_it_may_do_that() {
    let mut world = approving(kubelet("system:node:n2/system:nodes"));

    let asks = world.reconcile(&key(), at(10));
    let about = answer(&mut world, &asks, true);
    let approves = world.reconcile(&key(), at(10));

    assert_eq!(about, "nodeclient");
    let body = approves.requests[0].body.clone().unwrap();
    assert_eq!(
        body["status"]["conditions"][0]["message"],
        "Auto approving kubelet client certificate after SubjectAccessReview."
    );
}

#[test]
fn who_may_neither_is_asked_about_again_later_and_later() {
    let mut world = approving(kubelet("system:node:n1/system:nodes"));
    let mut asked = vec![];
    for _ in 0..2 {
        let plan = world.reconcile(&key(), at(10));
        asked.push(answer(&mut world, &plan, false));
    }

    let waits = world.reconcile(&key(), at(10));
    let again = world.reconcile(&key(), at(11));

    assert_eq!(asked, ["selfnodeclient", "nodeclient"]);
    assert!(waits.requests.is_empty());
    assert_eq!(waits.look_again.map(|when| when.as_millisecond()), Some(10_200));
    assert_eq!(answer(&mut world, &again, false), "selfnodeclient");
}

#[test]
fn a_question_without_an_answer_is_asked_again_and_not_at_once() {
    let mut world = approving(kubelet("system:node:n1/system:nodes"));
    let first = world.reconcile(&key(), at(10));
    world.refuse(&key(), &first.requests[0], Reason::ServiceUnavailable);

    let second = world.reconcile(&key(), at(10));

    assert_eq!(second.requests, first.requests);
    assert!(second.look_again > Some(at(10)));
}

#[test]
fn nobody_else_is_approved() {
    let client = request("ada", "kube-apiserver-client", &["client auth"]);
    let others = [
        client,
        kubelet("ada/system:nodes"),
        kubelet(""),
        with(kubelet("system:node:n1/system:nodes"), "Denied", 5),
        with(kubelet("system:node:n1/system:nodes"), "Approved", 5),
    ];
    for other in others {
        let mut world = approving(other.clone());

        assert_eq!(world.reconcile(&key(), at(10)), Plan::default(), "{other}");
    }
}

fn signed(request: Value) -> Plan {
    let authority = Arc::new(Pretended);
    let mut world = World::new(CertificateSigningRequestSigningController::new(authority));
    let due = world.put(REQUESTS, request);
    world.reconcile(&due[0], at(1000))
}

#[test]
fn an_approved_request_gets_its_certificate() {
    let request = request("ada", "kube-apiserver-client", &["client auth"]);

    let plan = signed(with(request, "Approved", 5));

    let update = requests(&plan, Verb::Update, REQUESTS)[0];
    let status = update.body.clone().unwrap()["status"].clone();
    assert_eq!(update.subresource, "status");
    assert_eq!(status["certificate"], bytes(&at(10_000_000).to_string()));
    assert_eq!(status["conditions"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_a_signer_does_not_sign_has_failed() {
    let request = request("ada", "kube-apiserver-client", &["server auth"]);

    let plan = signed(with(request, "Approved", 5));

    let condition = plan.requests[0].body.clone().unwrap()["status"]["conditions"][1].clone();
    assert_eq!(condition["type"], "Failed");
    assert_eq!(condition["status"], "True");
    assert_eq!(condition["reason"], "SignerValidationFailure");
    assert_eq!(condition["message"], "invalid usage for client certificate: server auth");
    assert_eq!(condition["lastUpdateTime"], time_text(1000));
}

#[test]
fn what_is_not_approved_or_for_others_is_not_signed() {
    let client = || request("ada", "kube-apiserver-client", &["client auth"]);
    let mut has_certificate = with(client(), "Approved", 5);
    has_certificate["status"]["certificate"] = bytes("certificate");
    let others = [
        client(),
        with(client(), "Denied", 5),
        with(client(), "Failed", 5),
        with(request("ada", "another", &["client auth"]), "Approved", 5),
        has_certificate,
    ];
    for other in others {
        assert_eq!(signed(other.clone()), Plan::default(), "{other}");
    }
}

#[test]
fn what_cannot_be_signed_now_is_tried_again() {
    let request = request("unsigned", "kube-apiserver-client", &["client auth"]);

    let plan = signed(with(request, "Approved", 5));

    assert!(plan.requests.is_empty());
    assert_eq!(plan.look_again.map(|when| when.as_millisecond()), Some(1_000_200));
}

/// Whether a request is deleted at this second.
fn is_cleaned(request: Value, seconds: i64) -> bool {
    let authority = Arc::new(Pretended);
    let mut world = World::new(CertificateSigningRequestCleanerController::new(authority));
    let due = world.put(REQUESTS, request);
    let plan = world.reconcile(&due[0], at(seconds));
    assert_eq!(plan.look_again, Some(at((seconds / 3600 + 1) * 3600)));
    !names(&plan, Verb::Delete, REQUESTS).is_empty()
}

#[test]
fn requests_go_when_their_time_is_over() {
    const HOUR: i64 = 3600;
    let client = || request("ada", "kube-apiserver-client", &["client auth"]);
    let issued = |until: i64| {
        let mut issued = with(client(), "Approved", HOUR);
        issued["status"]["certificate"] = bytes(&at(until).to_string());
        issued
    };
    let table = [
        (client(), 24 * HOUR),
        (with(client(), "Denied", HOUR), 2 * HOUR),
        (with(client(), "Failed", HOUR), 2 * HOUR),
        (with(client(), "Approved", HOUR), 25 * HOUR),
        (issued(100 * HOUR), 2 * HOUR),
        (issued(HOUR + 60), HOUR + 60),
    ];
    for (request, end) in table {
        assert!(!is_cleaned(request.clone(), end), "{request}");
        assert!(is_cleaned(request.clone(), end + 1), "{request}");
    }
}

#[test]
fn a_condition_of_no_time_does_not_end() {
    let mut request = with(kubelet("a"), "Denied", 0);
    request["status"]["conditions"][0]["lastUpdateTime"] = Value::Null;

    assert!(!is_cleaned(request, 1_000_000));
}
