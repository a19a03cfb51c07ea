//! Tests of deletions that are refused, in the words of upstream's API server (v1.36): nothing is carried out.

use http::Method;
use serde_json::{Value, json};

use crate::call::{Call, Decision};
use crate::testing::{Client, form, refusal};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const MAP: &str = "/api/v1/namespaces/default/configmaps/m";
const BOTH: &str = "orphanDependents and deletionPropagation cannot be both set";
const POLICIES: &str = r#""Foreground", "Background", "Orphan", "nil""#;

fn client() -> Client {
    let mut client = Client::new();
    client.created("/api/v1/namespaces", &json!({"metadata": {"name": "default"}}));
    client.created(MAPS, &json!({"metadata": {"name": "m"}}));
    client
}

fn deleted(client: &Client, path: &str, query: &str, body: &str) -> Decision {
    let mut call = Call::of_tests(Method::DELETE, path, &Value::Null);
    call.body = body.as_bytes().to_vec();
    call.query = form(query);
    crate::decide(&client.store, &call, &client.context)
}

/// What is answered to a DELETE of the object and of all, which say the same.
fn refused(query: &str, body: &str) -> (u16, String) {
    let client = client();
    let one = refusal(deleted(&client, MAP, query, body));
    assert_eq!(refusal(deleted(&client, MAPS, query, body)), one, "{query} {body}");
    one
}

#[test]
fn a_policy_is_known_and_the_only_one() {
    let table = [
        (
            json!({"propagationPolicy": "Foo"}),
            format!("Unsupported value: \"Foo\": supported values: {POLICIES}"),
        ),
        (
            json!({"propagationPolicy": ""}),
            format!("Unsupported value: \"\": supported values: {POLICIES}"),
        ),
        (
            json!({"propagationPolicy": "Orphan", "orphanDependents": false}),
            format!("Invalid value: \"Orphan\": {BOTH}"),
        ),
    ];
    for (options, rule) in table {
        let expected =
            format!("DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: {rule}");
        assert_eq!(refused("", &options.to_string()), (422, expected.clone()));
        let pairs = options.as_object().unwrap().iter().map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{name}={value}")
        });
        assert_eq!(refused(&pairs.collect::<Vec<_>>().join("&"), ""), (422, expected));
    }
}

#[test]
fn a_body_is_options_of_the_right_types() {
    let field = "json: cannot unmarshal string into Go struct field";
    let table = [
        (
            r#"{"kind": "Pod", "apiVersion": "v1"}"#,
            "no kind \"Pod\" is registered for version \"v1\" in scheme \
             \"k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27\""
                .to_owned(),
        ),
        (
            r#"{"gracePeriodSeconds": "x"}"#,
            format!("{field} DeleteOptions.gracePeriodSeconds of type int64"),
        ),
        (
            r#"{"preconditions": "x"}"#,
            format!("{field} DeleteOptions.preconditions of type v1.Preconditions"),
        ),
        (
            r#"{"orphanDependents": "x"}"#,
            format!("{field} DeleteOptions.orphanDependents of type bool"),
        ),
        (r#"{"dryRun": "All"}"#, format!("{field} DeleteOptions.dryRun of type []string")),
    ];
    for (body, message) in table {
        assert_eq!(refused("", body), (400, message), "{body}");
    }
    for body in ["[]", "{", "x", r#"{"preconditions": {"uid": 5}}"#] {
        assert_eq!(refused("", body).0, 400, "{body}");
    }
    let number = "strconv.ParseInt: parsing \"1.5\": invalid syntax";
    assert_eq!(refused("gracePeriodSeconds=1.5", ""), (400, number.to_owned()));
}

#[test]
fn a_precondition_that_does_not_hold_is_a_conflict_of_the_kind() {
    let client = client();
    let conflict = |what: &str, asked: &str, found: &str, why: &str| {
        let rule =
            format!("the {what} in the precondition ({asked}) does not match the {what} in record");
        let head = "Operation cannot be fulfilled on ConfigMap \"m\"";
        (409, format!("{head}: {rule} ({found}). The object might have been {why}"))
    };
    let with = |preconditions: Value| {
        let body = json!({"preconditions": preconditions}).to_string();
        refusal(deleted(&client, MAP, "", &body))
    };

    let gone = "deleted and then recreated";
    assert_eq!(with(json!({"uid": "x"})), conflict("UID", "x", "1", gone));
    assert_eq!(with(json!({"uid": ""})), conflict("UID", "", "1", gone));
    let revision = client.store.revision().to_string();
    let stale = conflict("ResourceVersion", "1", &revision, "modified");
    assert_eq!(with(json!({"resourceVersion": "1"})), stale);
    let holds = json!({"preconditions": {"uid": "1", "resourceVersion": revision}}).to_string();
    assert!(matches!(deleted(&client, MAP, "", &holds), Decision::Commit(_)));
}

#[test]
fn what_a_body_leaves_open_the_query_does_not_fill_in() {
    let client = client();

    let real = deleted(&client, MAP, "dryRun=All&propagationPolicy=Foo", "{}");
    let dry = deleted(&client, MAP, "", r#"{"kind": "DeleteOptions", "dryRun": ["All"]}"#);

    assert!(matches!(real, Decision::Commit(_)), "{real:?}");
    assert!(matches!(dry, Decision::Respond(_)), "{dry:?}");
}

#[test]
fn who_lets_dependents_go_hears_that_it_takes_a_while() {
    let mut client = client();
    let held = json!({"metadata": {"name": "held", "finalizers": ["a/b"]}});
    client.created(MAPS, &held);
    let code = |query: &str| {
        let path = format!("{MAPS}/held");
        let Decision::Commit(commit) = deleted(&client, &path, query, "") else {
            panic!("{query}")
        };
        commit.answer.code
    };

    assert_eq!((code("orphanDependents=false"), code("")), (202, 200));
}
