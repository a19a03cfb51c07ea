//! Tests of updates by a subresource or without a revision, of what a deletion answers, and of warnings.

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

#[test]
fn who_writes_a_status_owns_it_and_not_the_labels() {
    let mut store = Store::default();
    let flows = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas";
    let schema =
        json!({"metadata": {"name": "f"}, "spec": {"priorityLevelConfiguration": {"name": "p"}}});
    let mut schema = committed(&mut store, Method::POST, flows, &schema);
    schema["metadata"]["labels"] = json!({"a": "b"});
    schema["status"] = json!({"conditions": [{"type": "X", "status": "True"}]});

    let updated = committed(&mut store, Method::PUT, &format!("{flows}/f/status"), &schema);

    let owner = &updated["metadata"]["managedFields"][1];
    assert_eq!(owner["subresource"], "status");
    let fields = owner["fieldsV1"].as_object().expect("a set of fields is an object");
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["f:status"]);
}

const VOLUMES: &str = "/api/v1/persistentvolumes";

#[test]
fn a_writer_is_warned_of_an_object_but_not_of_its_status() {
    let mut store = Store::default();
    let mut volume = json!({"metadata": {"name": "v"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
        "hostPath": {"path": "/a"}, "persistentVolumeReclaimPolicy": "Recycle",
    }});
    let created = warnings(ask(&store, Method::POST, VOLUMES, &volume));
    committed(&mut store, Method::POST, VOLUMES, &volume);
    volume["metadata"]["labels"] = json!({"a": "b"});

    let updated = warnings(ask(&store, Method::PUT, &format!("{VOLUMES}/v"), &volume));
    let status = warnings(ask(&store, Method::PUT, &format!("{VOLUMES}/v/status"), &volume));

    assert_eq!(created.len(), 1);
    assert!(created[0].starts_with("spec.persistentVolumeReclaimPolicy: "));
    assert_eq!(updated, created);
    assert_eq!(status, [""; 0]);
}

#[test]
fn every_request_for_endpoints_is_told_that_their_time_is_over() {
    let store = Store::default();
    let endpoints = "/api/v1/namespaces/default/endpoints";
    let watch = Call {
        query: vec![("watch".to_owned(), "true".to_owned())],
        ..Call::of_tests(Method::GET, endpoints, &Value::Null)
    };
    let watch = crate::decide(&store, &watch, &Context::of_tests());
    let absent = ask(&store, Method::GET, &format!("{endpoints}/a"), &Value::Null);
    let all = ask(&store, Method::GET, endpoints, &Value::Null);

    for decision in [watch, absent, all] {
        assert_eq!(
            warnings(decision),
            ["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"]
        );
    }
    let all = ask(&store, Method::GET, VOLUMES, &Value::Null);
    assert_eq!(warnings(all), [""; 0]);
}

fn warnings(decision: Decision) -> Vec<String> {
    match decision {
        Decision::Respond(response) | Decision::Each(_, response) => response.warnings,
        Decision::Commit(commit) => commit.answer.warnings,
        Decision::Watch(watch) => watch.warnings,
        Decision::Node(_) | Decision::Proxy(_) => vec![],
    }
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
