//! Tests of options that lists and watches may not have, in the words of upstream's API server (v1.36).

use http::Method;
use serde_json::{Value, json};

use crate::call::{Call, Decision};
use crate::testing::{Client, form, refusal};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const UNLESS: &str =
    "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided";
const UNLESS_INITIAL: &str =
    "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
const REQUIRES: &str =
    "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
const CONTINUED: &str = "Forbidden: resourceVersionMatch is forbidden when continue is provided";
const ZERO: &str =
    "Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
const ONLY_TWO: &str =
    "Unsupported value: \"Foo\": supported values: \"Exact\", \"NotOlderThan\", \"\"";
const ONLY_ONE: &str = "Unsupported value: \"Exact\": supported values: \"NotOlderThan\"";

#[test]
fn what_may_not_stand_beside_each_other_is_refused() {
    let client = Client::new();
    let table: [(&str, &[&str]); 14] = [
        ("resourceVersionMatch=Exact", &[UNLESS]),
        ("resourceVersionMatch=Foo", &[UNLESS, ONLY_TWO]),
        ("resourceVersionMatch=Foo&resourceVersion=1", &[ONLY_TWO]),
        ("resourceVersionMatch=Exact&resourceVersion=0", &[ZERO]),
        ("resourceVersionMatch=Exact&resourceVersion=5&continue=x", &[CONTINUED]),
        ("sendInitialEvents=true", &[]),
        ("sendInitialEvents=", &[]),
        ("watch=1&resourceVersionMatch=Exact", &[UNLESS_INITIAL, ONLY_ONE]),
        ("watch=1&resourceVersionMatch=NotOlderThan", &[UNLESS_INITIAL]),
        ("watch=1&sendInitialEvents=true", &[REQUIRES]),
        ("watch=1&sendInitialEvents=false", &[REQUIRES]),
        ("watch=1&sendInitialEvents=true&resourceVersionMatch=Exact", &[REQUIRES, ONLY_ONE]),
        (
            "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x",
            &[CONTINUED],
        ),
        ("watch=1&continue=x", &[CONTINUED]),
    ];
    for (query, rules) in table {
        let list: Vec<String> =
            rules.iter().map(|rule| format!("resourceVersionMatch: {rule}")).collect();
        let told = match list.as_slice() {
            [] => "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list".into(),
            [one] => one.clone(),
            more => format!("[{}]", more.join(", ")),
        };
        let expected = format!("ListOptions.meta.k8s.io \"\" is invalid: {told}");
        assert_eq!(refusal(client.get(MAPS, query)), (422, expected), "{query}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_as_go_says_it() {
    let client = Client::new();
    let number = |text: &str| format!("strconv.ParseInt: parsing \"{text}\": invalid syntax");
    let large = "99999999999999999999";
    let unsigned = |text: &str, why: &str| {
        let parsed = format!("strconv.ParseUint: parsing \"{text}\": {why}");
        format!("resourceVersion: Invalid value: \"{text}\": {parsed}")
    };
    let out = "value out of range";
    let unparsed = |text: &str| unsigned(text, "invalid syntax");
    let table = [
        ("limit=abc", 400, number("abc")),
        ("limit=", 400, number("")),
        (
            "limit=99999999999999999999",
            400,
            format!("strconv.ParseInt: parsing \"{large}\": {out}"),
        ),
        ("timeoutSeconds=abc", 400, number("abc")),
        ("watch=1&timeoutSeconds=1.5", 400, number("1.5")),
        ("watch=1&limit=abc", 400, number("abc")),
        ("resourceVersion=abc", 400, format!("invalid resource version: {}", unparsed("abc"))),
        ("resourceVersion=+1", 400, format!("invalid resource version: {}", unparsed("+1"))),
        (
            "resourceVersion=99999999999999999999",
            400,
            format!("invalid resource version: {}", unsigned(large, out)),
        ),
        ("watch=1&resourceVersion=abc", 500, unparsed("abc")),
        (
            "labelSelector=!!",
            400,
            "unable to parse requirement: found '!', expected: identifier".to_owned(),
        ),
        ("fieldSelector=a", 400, "invalid selector: 'a'; can't understand 'a'".to_owned()),
        (
            "timeout=abc",
            400,
            "invalid timeout specified in the request URL - time: invalid duration \"abc\""
                .to_owned(),
        ),
    ];
    for (query, code, expected) in table {
        assert_eq!(refusal(client.get(MAPS, query)), (code, expected), "{query}");
    }
    let one = format!("{MAPS}/a");
    assert_eq!(refusal(client.get(&one, "resourceVersion=abc")), (500, unparsed("abc")));
    assert_eq!(refusal(client.get(&one, "export=1")).0, 400);
}

#[test]
fn what_says_nothing_is_taken() {
    let client = Client::new();
    for query in ["limit=-1", "limit=0", "timeoutSeconds=5", "timeout=0", "timeout=-1s", "foo=1"] {
        let Decision::Respond(response) = client.get(MAPS, query) else { panic!("{query}") };
        assert_eq!(response.code, 200, "{query}");
    }
    let Decision::Watch(over) = client.get(MAPS, "watch=1&timeoutSeconds=-1&timeout=abc") else {
        panic!("it is a watch")
    };
    assert_eq!(over.timeout_seconds, 0);
}

#[test]
fn a_collection_is_deleted_with_options_of_lists() {
    let client = Client::new();
    let mut call = Call::of_tests(Method::DELETE, MAPS, &Value::Null);
    call.body.clear();
    call.query = form("resourceVersionMatch=Exact");

    let refused = refusal(crate::decide(&client.store, &call, &client.context));

    let expected =
        format!("ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: {UNLESS}");
    assert_eq!(refused, (422, expected));
}

#[test]
fn a_refusal_names_its_causes() {
    let Decision::Respond(response) = Client::new().get(MAPS, "sendInitialEvents=1") else {
        panic!("it is refused")
    };

    let status: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(
        status["details"],
        json!({"group": "meta.k8s.io", "kind": "ListOptions", "causes": [{
            "reason": "FieldValueForbidden", "field": "sendInitialEvents",
            "message": "Forbidden: sendInitialEvents is forbidden for list"}]})
    );
}
