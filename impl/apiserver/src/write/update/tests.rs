//! Tests of updates that come in by a subresource.

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
