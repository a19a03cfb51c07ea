//! Tests of updates by a subresource or without a revision, and of what a deletion answers.

use http::Method;
use store::Store;

use super::*;
use crate::call::{Call, Commit, Context};

const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

#[test]
fn a_request_for_a_certificate_is_decided_by_its_approval() {
    let mut store = Store::default();
    let request = json!({"metadata": {"name": "r"}, "spec": {
        "request": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K", "signerName": "a.b/c",
        "usages": ["client auth"], "username": "mallory",
    }});
    let created = committed(&mut store, Method::POST, REQUESTS, &request);
    let mut approved = created.clone();
    approved["status"] = json!({"conditions": [{"type": "Approved", "status": "True"}]});

    let refused = ask(&store, Method::PUT, &format!("{REQUESTS}/r/status"), &approved);
    let approved = committed(&mut store, Method::PUT, &format!("{REQUESTS}/r/approval"), &approved);

    assert_eq!(created["spec"]["username"], "ada");
    let Decision::Respond(refused) = refused else { panic!("a status does not decide") };
    assert_eq!(refused.code, 422);
    let condition = &approved["status"]["conditions"][0];
    assert_eq!(condition["type"], "Approved");
    assert_eq!(condition["lastTransitionTime"], "1970-01-01T00:00:00Z");
}

const CLASSES: &str = "/apis/resource.k8s.io/v1/deviceclasses";
const SERVICES: &str = "/apis/apiregistration.k8s.io/v1/apiservices";

#[test]
fn an_update_that_needs_a_revision_is_refused_in_the_name_of_the_resource() {
    let mut store = Store::default();
    let service = json!({"metadata": {"name": "v1.a"}, "spec": {
        "group": "a", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1}});
    committed(&mut store, Method::POST, SERVICES, &service);

    let refused = ask(&store, Method::PUT, &format!("{SERVICES}/v1.a"), &service);

    let Decision::Respond(refused) = refused else { panic!("it says no revision") };
    let status: Value = serde_json::from_slice(&refused.body).expect("a refusal is JSON");
    assert_eq!(
        status["message"],
        "apiservices.apiregistration.k8s.io \"v1.a\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    );
    assert_eq!(status["details"]["kind"], "apiservices");
}

#[test]
fn some_kinds_are_answered_when_they_are_deleted() {
    let mut store = Store::default();
    let service = json!({"metadata": {"name": "v1.a"}, "spec": {
        "group": "a", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1}});
    committed(&mut store, Method::POST, CLASSES, &json!({"metadata": {"name": "c"}}));
    committed(&mut store, Method::POST, SERVICES, &service);

    let answers_object = |path: String| {
        let Decision::Commit(commit) = ask(&store, Method::DELETE, &path, &Value::Null) else {
            panic!("{path} is deleted")
        };
        commit.answer.instead.is_none()
    };

    assert!(answers_object(format!("{CLASSES}/c")));
    assert!(!answers_object(format!("{SERVICES}/v1.a")));
}

fn committed(store: &mut Store, method: Method, path: &str, object: &Value) -> Value {
    let Decision::Commit(commit) = ask(store, method, path, object) else {
        panic!("{path} is written")
    };
    let Commit { transaction, object, .. } = *commit;
    store.commit(&transaction).expect("nobody else writes");
    object
}

fn ask(store: &Store, method: Method, path: &str, object: &Value) -> Decision {
    crate::decide(store, &Call::of_tests(method, path, object), &Context::of_tests())
}
