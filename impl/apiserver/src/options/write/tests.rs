//! Tests of options that writes may not have, and of dry runs: they are answered, and nothing is stored.

use http::Method;
use serde_json::{Value, json};

use super::APPLY;
use crate::call::{Call, Decision};
use crate::testing::{Client, form, refusal};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const PODS: &str = "/api/v1/namespaces/default/pods";

fn client() -> Client {
    let mut client = Client::new();
    client.created("/api/v1/namespaces", &json!({"metadata": {"name": "default"}}));
    client.created(MAPS, &json!({"metadata": {"name": "m"}}));
    let container = json!({"containers": [{"name": "c", "image": "i"}]});
    let account = "/api/v1/namespaces/default/serviceaccounts";
    client.created(account, &json!({"metadata": {"name": "default"}}));
    client.created(PODS, &json!({"metadata": {"name": "p"}, "spec": container}));
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": container});
    let spec = json!({"selector": {"matchLabels": {"a": "b"}}, "template": template});
    client.created(DEPLOYMENTS, &json!({"metadata": {"name": "web"}, "spec": spec}));
    client
}

/// A request, with the media type of its body.
type Asked<'a> = (Method, &'a str, &'a str, Value);

fn call((method, path, media_type, body): &Asked<'_>, query: &str) -> Call {
    let mut call = Call::of_tests(method.clone(), *path, body);
    call.content_type = (*media_type).to_owned();
    call.query = form(query);
    if body.is_null() {
        call.body.clear();
    }
    call
}

fn decided(client: &Client, asked: &Asked<'_>, query: &str) -> Decision {
    crate::decide(&client.store, &call(asked, query), &client.context)
}

/// Every verb that writes, with the kind of its options and the code of its answer.
fn writes() -> Vec<(Asked<'static>, &'static str, u16)> {
    const JSON: &str = "application/json";
    const MERGE: &str = "application/merge-patch+json";
    const STRATEGIC: &str = "application/strategic-merge-patch+json";
    let data = json!({"data": {"a": "b"}});
    let applied = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}});
    let operation = json!([{"op": "add", "path": "/data", "value": {"a": "b"}}]);
    let named = |name: &str| json!({"metadata": {"name": name}, "data": {"a": "b"}});
    let bound = json!({"metadata": {"name": "p"}, "target": {"name": "n"}});
    let one = "/api/v1/namespaces/default/configmaps/m";
    let web = "/apis/apps/v1/namespaces/default/deployments/web";
    let (scale, status) = (format!("{web}/scale").leak(), format!("{web}/status").leak());
    let (scale, status): (&'static str, &'static str) = (scale, status);
    let replicas = json!({"spec": {"replicas": 3}});
    vec![
        ((Method::POST, MAPS, JSON, named("new")), "CreateOptions", 201),
        ((Method::PUT, one, JSON, named("m")), "UpdateOptions", 200),
        ((Method::PATCH, one, MERGE, data.clone()), "PatchOptions", 200),
        ((Method::PATCH, one, STRATEGIC, data), "PatchOptions", 200),
        ((Method::PATCH, one, "application/json-patch+json", operation), "PatchOptions", 200),
        ((Method::PATCH, one, APPLY, applied("m")), "PatchOptions", 200),
        (
            (Method::PATCH, "/api/v1/namespaces/default/configmaps/new", APPLY, applied("new")),
            "PatchOptions",
            201,
        ),
        ((Method::DELETE, one, JSON, Value::Null), "DeleteOptions", 200),
        ((Method::PATCH, scale, MERGE, replicas), "PatchOptions", 200),
        ((Method::PATCH, status, MERGE, json!({"status": {"replicas": 3}})), "PatchOptions", 200),
        (
            (Method::POST, "/api/v1/namespaces/default/pods/p/binding", JSON, bound),
            "CreateOptions",
            201,
        ),
        (
            (
                Method::POST,
                "/api/v1/namespaces/default/pods/p/eviction",
                JSON,
                json!({"metadata": {"name": "p"}}),
            ),
            "CreateOptions",
            201,
        ),
    ]
}

#[test]
fn a_dry_run_is_answered_as_if_and_stores_nothing() {
    let client = client();
    for (asked, _, code) in writes() {
        let (what, manager) = (format!("{} {}", asked.0, asked.1), "fieldManager=ada");

        let wet = decided(&client, &asked, manager);
        let dry = decided(&client, &asked, &format!("{manager}&dryRun=All"));

        let Decision::Commit(commit) = wet else { panic!("{what}: it would write, {wet:?}") };
        let Decision::Respond(dry) = dry else { panic!("{what}: nothing may be stored, {dry:?}") };
        let wet = commit.respond(store::Revision(99), client.context.now);
        assert_eq!((wet.code, dry.code), (code, code), "{what}");
        assert_eq!(without_revision(&dry.body), without_revision(&wet.body), "{what}");
    }
}

fn without_revision(body: &[u8]) -> Value {
    let mut value: Value = serde_json::from_slice(body).unwrap();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
    }
    value
}

#[test]
fn a_dry_run_of_a_collection_asks_for_one_of_each() {
    let client = client();
    for (query, body) in
        [("dryRun=All", Value::Null), ("", json!({"kind": "DeleteOptions", "dryRun": ["All"]}))]
    {
        let all = (Method::DELETE, MAPS, "application/json", body);
        let Decision::Each(calls, response) = decided(&client, &all, query) else {
            panic!("each of them is deleted")
        };
        assert_eq!((calls.len(), response.code), (1, 200));
        for one in calls {
            let decision = crate::decide(&client.store, &one, &client.context);
            assert!(matches!(decision, Decision::Respond(_)), "{decision:?}");
        }
    }
}

#[test]
fn options_that_make_no_sense_are_refused_by_their_kind() {
    let client = client();
    let long = "x".repeat(129);
    let table = [
        (
            "dryRun=Some".to_owned(),
            "dryRun: Unsupported value: [\"Some\"]: supported values: \"All\"",
        ),
        (
            "dryRun=All&dryRun=".to_owned(),
            "dryRun: Unsupported value: [\"All\",\"\"]: supported values: \"All\"",
        ),
        (
            "fieldValidation=Foo".to_owned(),
            "fieldValidation: Unsupported value: \"Foo\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
        ),
        (format!("fieldManager={long}"), "fieldManager: Too long: may not be more than 128 bytes"),
        (
            "fieldManager=a\u{7}".to_owned(),
            "fieldManager: Invalid value: \"a\\u0007\": invalid character U+0007 (at position 1)",
        ),
        (
            format!("fieldManager={long}&dryRun=x"),
            "[fieldManager: Too long: may not be more than 128 bytes, dryRun: Unsupported value: [\"x\"]: \
             supported values: \"All\"]",
        ),
    ];
    for (asked, kind, _) in writes() {
        for (query, rule) in &table {
            if kind == "DeleteOptions" && !query.starts_with("dryRun") {
                continue;
            }
            let named = asked.2 != APPLY || query.contains("fieldManager");
            let query = if named { query.clone() } else { format!("{query}&fieldManager=a") };
            let refused = refusal(decided(&client, &asked, &query));
            let expected = format!("{kind}.meta.k8s.io \"\" is invalid: {rule}");
            assert_eq!(refused, (422, expected), "{} {}", asked.0, asked.1);
        }
    }
}

#[test]
fn who_applies_is_named_and_only_an_apply_is_forced() {
    let client = client();
    for (asked, kind, _) in writes().into_iter().filter(|(_, kind, _)| *kind == "PatchOptions") {
        let (query, rule) = match asked.2 {
            APPLY => ("force=true", "fieldManager: Required value: is required for apply patch"),
            _ => ("force=false", "force: Forbidden: may not be specified for non-apply patch"),
        };
        let expected = format!("{kind}.meta.k8s.io \"\" is invalid: {rule}");
        assert_eq!(refusal(decided(&client, &asked, query)), (422, expected), "{}", asked.1);
    }
}
