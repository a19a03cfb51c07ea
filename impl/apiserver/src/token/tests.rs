//! Tokens as clients ask for, show and review them.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use store::{Store, Transaction};

use super::*;
use crate::call::{Call, Decision};

const REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";

/// A store with a service account, a pod that runs as it, and the pod's node.
fn store() -> Store {
    let mut store = Store::default();
    put(&mut store, "/registry/namespaces/a", &json!({"name": "a"}), &json!({}));
    put(
        &mut store,
        "/registry/serviceaccounts/a/robot",
        &json!({"name": "robot", "namespace": "a", "uid": "u1"}),
        &json!({}),
    );
    put(
        &mut store,
        "/registry/pods/a/web",
        &json!({"name": "web", "namespace": "a", "uid": "u2"}),
        &json!({"serviceAccountName": "robot", "nodeName": "n1"}),
    );
    put(&mut store, "/registry/minions/n1", &json!({"name": "n1", "uid": "u3"}), &json!({}));
    store
}

fn put(store: &mut Store, key: &str, metadata: &Value, spec: &Value) {
    let object = json!({"metadata": metadata, "spec": spec}).to_string();
    let revision = store.get(key.as_bytes()).map(|found| found.mod_revision);
    let (key, object) = (key.as_bytes().into(), object.as_bytes().into());
    let transaction = match revision {
        Some(revision) => Transaction::update(key, revision, object),
        None => Transaction::create(key, object),
    };
    store.commit(&transaction).expect("it makes sense");
}

fn remove(store: &mut Store, key: &str) {
    let revision = store.get(key.as_bytes()).expect("it is there").mod_revision;
    store.commit(&Transaction::delete(key.as_bytes().into(), revision)).expect("it makes sense");
}

fn answer(store: &Store, path: &str, body: &Value, context: &Context) -> Value {
    let call = Call::of_tests(Method::POST, path, body);
    let Decision::Respond(response) = crate::decide(store, &call, context) else {
        panic!("{path} is answered");
    };
    serde_json::from_slice(&response.body).expect("an answer is JSON")
}

fn ask(store: &Store, spec: &Value, context: &Context) -> Value {
    let path = "/api/v1/namespaces/a/serviceaccounts/robot/token";
    answer(store, path, &json!({"spec": spec}), context)
}

fn token(store: &Store, spec: &Value, context: &Context) -> String {
    let answer = ask(store, spec, context);
    answer["status"]["token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
}

fn reviewed(store: &Store, token: &str, audiences: &[&str], context: &Context) -> Value {
    let body = json!({"spec": {"token": token, "audiences": audiences}});
    answer(store, REVIEWS, &body, context)["status"].clone()
}

fn pod() -> Value {
    json!({"boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "web"}})
}

#[test]
fn a_token_says_whose_it_is_and_its_bearer_is_that_service_account() {
    let (store, context) = (store(), Context::of_tests());

    let answer = ask(&store, &json!({}), &context);

    assert_eq!(answer["kind"], "TokenRequest");
    assert_eq!(answer["metadata"]["name"], "robot");
    assert_eq!(answer["spec"]["expirationSeconds"], 3600);
    assert_eq!(answer["spec"]["audiences"], json!([ISSUER]));
    assert_eq!(answer["status"]["expirationTimestamp"], "1970-01-01T01:00:00Z");
    let token = answer["status"]["token"].as_str().unwrap();
    let user = authenticate(&store, token, &context).unwrap();
    assert_eq!((user.name.as_str(), user.uid.as_str()), ("system:serviceaccount:a:robot", "u1"));
    assert_eq!(
        user.groups,
        ["system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"]
    );
    assert_eq!(user.extra["authentication.kubernetes.io/credential-id"], ["JTI=1"]);
}

#[test]
fn a_token_ends_when_its_time_is_over_but_for_a_minute() {
    let (store, context) = (store(), Context::of_tests());
    let token = token(&store, &json!({}), &context);
    let later = |seconds| {
        let now = context.now + Duration::from_secs(seconds);
        authenticate(&store, &token, &Context { now, ..context.clone() })
    };

    assert!(later(3660).is_ok());
    assert_eq!(later(3661).unwrap_err().reason, Reason::Unauthorized);
}

#[test]
fn a_token_ends_with_what_it_is_bound_to() {
    let context = Context::of_tests();
    let bound_to_node =
        json!({"boundObjectRef": {"apiVersion": "v1", "kind": "Node", "name": "n1"}});
    let table = [
        (json!({}), "/registry/serviceaccounts/a/robot", "serviceaccounts \"robot\" not found"),
        (pod(), "/registry/pods/a/web", "service account token has been invalidated"),
        (bound_to_node, "/registry/minions/n1", "service account token has been invalidated"),
    ];
    for (spec, key, why) in table {
        let mut store = store();
        let token = token(&store, &spec, &context);
        assert_eq!(reviewed(&store, &token, &[], &context)["authenticated"], true, "{key}");

        remove(&mut store, key);

        let status = reviewed(&store, &token, &[], &context);
        assert_eq!(status["error"], format!("[invalid bearer token, {why}]"), "{key}");
        assert!(authenticate(&store, &token, &context).is_err(), "{key}");
    }
}

#[test]
fn a_token_is_not_that_of_a_namesake() {
    let (mut store, context) = (store(), Context::of_tests());
    let token = token(&store, &json!({}), &context);

    put(
        &mut store,
        "/registry/serviceaccounts/a/robot",
        &json!({"name": "robot", "namespace": "a", "uid": "u9"}),
        &json!({}),
    );

    let status = reviewed(&store, &token, &[], &context);
    let why = "[invalid bearer token, service account UID (u9) does not match claim (u1)]";
    assert_eq!(status["error"], why);
}

#[test]
fn a_pods_token_tells_where_it_runs_and_lasts_a_year_where_a_kubelet_asks() {
    let (store, context) = (store(), Context::of_tests());
    let mut spec = pod();
    spec["expirationSeconds"] = json!(3607);

    let token = token(&store, &spec, &context);

    let claims = keys::claims(&token).unwrap();
    assert_eq!(claims["exp"], 365 * 24 * 3600);
    assert_eq!(claims["kubernetes.io"]["warnafter"], 3607);
    let extra = &reviewed(&store, &token, &[], &context)["user"]["extra"];
    assert_eq!(extra["authentication.kubernetes.io/pod-name"], json!(["web"]));
    assert_eq!(extra["authentication.kubernetes.io/node-uid"], json!(["u3"]));
}

#[test]
fn a_token_for_others_is_not_for_the_api_server() {
    let (store, context) = (store(), Context::of_tests());
    let token = token(&store, &json!({"audiences": ["vault"]}), &context);

    let status = reviewed(&store, &token, &[], &context);

    let why = format!(
        "[invalid bearer token, token audiences [\"vault\"] is invalid for the target audiences [\"{ISSUER}\"]]"
    );
    assert_eq!(status["error"], why);
    assert!(authenticate(&store, &token, &context).is_err());
    let asked = reviewed(&store, &token, &["vault", "consul"], &context);
    assert_eq!((&asked["authenticated"], &asked["audiences"]), (&json!(true), &json!(["vault"])));
}

#[test]
fn what_is_no_token_of_ours_is_nobodys() {
    let (store, context) = (store(), Context::of_tests());
    let keys = std::sync::Arc::new(NamedKeys("theirs"));
    let other = Context { keys, ..Context::of_tests() };
    let foreign = token(&store, &json!({}), &other);

    for garbage in ["abc", "a.b.c", &foreign] {
        assert!(authenticate(&store, garbage, &context).is_err(), "{garbage}");
        assert_eq!(reviewed(&store, garbage, &[], &context)["user"], json!({}), "{garbage}");
    }
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let (store, context) = (store(), Context::of_tests());
    let bound = |kind: &str, name: &str, uid: &str| json!({"boundObjectRef": {"apiVersion": "v1", "kind": kind, "name": name, "uid": uid}});
    let table = [
        (json!({"expirationSeconds": 1}), "may not specify a duration less than 10 minutes"),
        (json!({"expirationSeconds": 4294967297_i64}), "larger than 2^32 seconds"),
        (bound("Pod", "nope", ""), "pods \"nope\" not found"),
        (bound("Pod", "web", "u8"), "the UID in the bound object reference (u8) does not match"),
        (bound("ConfigMap", "web", ""), "cannot bind token to object of type /v1, Kind=ConfigMap"),
    ];
    for (spec, expected) in table {
        let refusal = ask(&store, &spec, &context);
        let message = refusal["message"].as_str().unwrap_or_default();
        assert!(message.contains(expected), "{spec}: {refusal}");
    }
}

#[test]
fn a_pod_lends_its_name_to_its_own_service_account_only() {
    let (mut store, context) = (store(), Context::of_tests());
    put(
        &mut store,
        "/registry/serviceaccounts/a/other",
        &json!({"name": "other", "namespace": "a", "uid": "u4"}),
        &json!({}),
    );

    let path = "/api/v1/namespaces/a/serviceaccounts/other/token";
    let refusal = answer(&store, path, &json!({"spec": pod()}), &context);

    let why = "cannot bind token for serviceaccount \"other\" to pod running with different serviceaccount name.";
    assert_eq!(refusal["message"], why);
}

/// A token that is kept in the Secret `kept`, with these claims instead of its own.
fn kept(store: &mut Store, changed: &Value, context: &Context) -> String {
    let mut claims = json!({
        "iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:a:robot",
        "kubernetes.io/serviceaccount/namespace": "a",
        "kubernetes.io/serviceaccount/secret.name": "kept",
        "kubernetes.io/serviceaccount/service-account.name": "robot",
        "kubernetes.io/serviceaccount/service-account.uid": "u1",
    });
    let fields = claims.as_object_mut().expect("claims are an object");
    fields.extend(changed.as_object().cloned().unwrap_or_default());
    let token = context.keys.sign(&claims).expect("it is signed");
    put_kept(store, &token, &json!({}));
    token
}

/// Writes the Secret `kept`.
fn put_kept(store: &mut Store, token: &str, labels: &Value) {
    use base64::Engine as _;
    let token = base64::engine::general_purpose::STANDARD.encode(token);
    let secret = json!({"metadata": {"name": "kept", "namespace": "a", "uid": "u4", "labels": labels},
        "type": "kubernetes.io/service-account-token", "data": {"token": token}});
    let key: &[u8] = b"/registry/secrets/a/kept";
    let object = secret.to_string().as_bytes().into();
    let transaction = match store.get(key).map(|found| found.mod_revision) {
        Some(revision) => Transaction::update(key.into(), revision, object),
        None => Transaction::create(key.into(), object),
    };
    store.commit(&transaction).expect("it makes sense");
}

#[test]
fn a_token_of_a_secret_is_its_accounts_as_long_as_the_secret_holds_it() {
    let (mut store, context) = (store(), Context::of_tests());
    let token = kept(&mut store, &json!({}), &context);

    let user = authenticate(&store, &token, &context).unwrap();
    let audiences = reviewed(&store, &token, &[], &context)["audiences"].clone();
    let elsewhere = reviewed(&store, &token, &["vault"], &context);
    put_kept(&mut store, "another", &json!({}));
    let replaced = reviewed(&store, &token, &[], &context);
    remove(&mut store, "/registry/secrets/a/kept");
    let removed = reviewed(&store, &token, &[], &context);

    assert_eq!((user.name.as_str(), user.uid.as_str()), ("system:serviceaccount:a:robot", "u1"));
    assert!(user.extra.is_empty());
    assert_eq!(audiences, json!([ISSUER]));
    assert_eq!(elsewhere.get("authenticated"), None);
    assert_eq!(replaced["error"], "[invalid bearer token, Token does not match server's copy]");
    assert_eq!(removed["error"], "[invalid bearer token, Token has been invalidated]");
}

#[test]
fn a_token_of_a_secret_says_all_that_it_must() {
    let context = Context::of_tests();
    let claim = |name: &str| format!("kubernetes.io/serviceaccount/{name}");
    let table = [
        (json!({"sub": ""}), "sub claim is missing"),
        (json!({claim("namespace"): ""}), "namespace claim is missing"),
        (json!({claim("secret.name"): null}), "secretName claim is missing"),
        (json!({claim("service-account.name"): ""}), "serviceAccountName claim is missing"),
        (json!({claim("service-account.uid"): ""}), "serviceAccountUID claim is missing"),
        (json!({"sub": "system:serviceaccount:a:other"}), "sub claim is invalid"),
        (
            json!({claim("service-account.uid"): "u0"}),
            "ServiceAccount UID (u1) does not match claim (u0)",
        ),
    ];
    for (changed, why) in table {
        let mut store = store();
        let token = kept(&mut store, &changed, &context);

        let review = reviewed(&store, &token, &[], &context);

        assert_eq!(review["error"], format!("[invalid bearer token, {why}]"));
    }
}

#[test]
fn a_token_of_a_secret_that_is_marked_is_nobodys() {
    let (mut store, context) = (store(), Context::of_tests());
    let token = kept(&mut store, &json!({}), &context);
    let label = json!({"kubernetes.io/legacy-token-invalid-since": "2026-01-01"});
    put_kept(&mut store, &token, &label);

    let review = reviewed(&store, &token, &[], &context);

    let error = review["error"].as_str().unwrap_or_default();
    assert!(
        error.contains("has been marked invalid. Use tokens from the TokenRequest API"),
        "{error}"
    );
}

#[test]
fn that_a_token_of_a_secret_is_used_is_written_once_a_day() {
    let (mut store, context) = (store(), Context::of_tests());
    let label = "kubernetes.io/legacy-token-last-used";
    let kept = kept(&mut store, &json!({}), &context);
    let short = token(&store, &json!({}), &context);

    let first = usage(&store, &kept, &context).unwrap();
    let of_short = usage(&store, &short, &context);
    let forgery = NamedKeys("forger").sign(&keys::claims(&kept).unwrap()).unwrap();
    put_kept(&mut store, &forgery, &json!({}));
    let forged = usage(&store, &forgery, &context);
    put_kept(&mut store, &kept, &json!({label: "1970-01-01"}));
    let again = usage(&store, &kept, &context);
    put_kept(&mut store, &kept, &json!({label: "1970-01-02"}));
    let ahead = usage(&store, &kept, &context);
    put_kept(&mut store, &kept, &json!({label: "1969-12-31"}));
    let next_day = usage(&store, &kept, &context);

    assert_eq!(first.path(), "/api/v1/namespaces/a/secrets/kept");
    let patch = json!({"metadata": {"uid": "u4", "labels": {label: "1970-01-01"}}});
    assert_eq!(first.body, Some(patch));
    assert_eq!(next_day, Some(first));
    assert_eq!((of_short, forged, again, ahead), (None, None, None, None));
}
