//! Tests of what requests for certificates break, and of who may change what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

#[test]
fn a_request_says_what_it_breaks() {
    let table = [
        (json!({}), vec![]),
        (
            json!({"request": STANDARD.encode("-----BEGIN CERTIFICATE-----\n")}),
            vec![
                "spec.request: Invalid value: \"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==\": PEM block type must be CERTIFICATE REQUEST",
            ],
        ),
        (json!({"usages": []}), vec!["spec.usages: Required value"]),
        (json!({"usages": ["any", "any"]}), vec!["spec.usages[1]: Duplicate value: \"any\""]),
        (
            json!({"signerName": "a"}),
            vec![
                "spec.signerName: Invalid value: \"a\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
            ],
        ),
        (
            json!({"signerName": "a/b"}),
            vec![
                "spec.signerName: Invalid value: \"a\": should be a domain with at least two segments separated by dots",
            ],
        ),
        (
            json!({"signerName": "kubernetes.io/legacy-unknown"}),
            vec![
                "spec.signerName: Invalid value: \"kubernetes.io/legacy-unknown\": the legacy signerName is not allowed via this API version",
            ],
        ),
        (
            json!({"expirationSeconds": 599}),
            vec![
                "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)",
            ],
        ),
    ];
    for (change, expected) in table {
        assert_eq!(messages(validate(&request(change))), expected);
    }
    let unknown = validate(&request(json!({"usages": ["flying"]})));
    assert!(unknown[0].to_string().starts_with("spec.usages[0]: Unsupported value: \"flying\""));
}

#[test]
fn the_requestor_is_who_asks() {
    let mut request = request(json!({"username": "mallory", "uid": "1", "groups": ["a"]}));

    set_requestor(&mut request, &json!({"username": "alice", "groups": ["b"]}));

    assert_eq!(request["spec"]["username"], "alice");
    assert_eq!(request["spec"]["groups"], json!(["b"]));
    assert_eq!(request["spec"].get("uid"), None);
}

#[test]
fn only_an_approval_decides() {
    let old = request(json!({}));
    let mut new = with_conditions(&old, json!([condition("Approved")]));
    let refused =
        ["status.conditions: Forbidden: updates may not add a condition of type \"Approved\""];

    assert_eq!(messages(validate_status_update(&new, &old)), refused);
    assert_eq!(messages(validate_update(&new, &old)), refused);
    assert_eq!(validate_approval_update(&new, &old), []);
    prepare_for_update(&mut new, &old);
    assert_eq!(new, old);
}

#[test]
fn a_decision_is_one_and_stays() {
    let old = with_conditions(&request(json!({})), json!([condition("Approved")]));
    let both = with_conditions(&old, json!([condition("Approved"), condition("Denied")]));
    let none = with_conditions(&old, json!([]));

    assert_eq!(
        messages(validate_approval_update(&both, &old)),
        [
            "status.conditions: Invalid value: \"Denied\": Approved and Denied conditions are mutually exclusive"
        ]
    );
    assert_eq!(
        messages(validate_approval_update(&none, &old)),
        ["status.conditions: Forbidden: updates may not remove a condition of type \"Approved\""]
    );
}

#[test]
fn conditions_say_what_they_break() {
    let old = request(json!({}));
    let conditions = json!([
        {"type": "Failed", "status": "False"}, {"status": "True"}, {"type": "Mine"},
        {"type": "Mine", "status": "Unknown"},
    ]);

    assert_eq!(
        messages(validate_status_update(&with_conditions(&old, conditions), &old)),
        [
            "status.conditions[0].status: Unsupported value: \"False\": supported values: \"True\"",
            "status.conditions[1].type: Required value",
            "status.conditions[2].status: Required value",
            "status.conditions[3].type: Duplicate value: \"Mine\"",
        ]
    );
}

#[test]
fn a_certificate_is_set_once_and_by_the_status() {
    let pem = |kind: &str| json!(STANDARD.encode(format!("-----BEGIN {kind}-----\n")));
    let without = request(json!({}));
    let mut with = without.clone();
    with["status"] = json!({"certificate": pem("CERTIFICATE")});
    let mut other = without.clone();
    other["status"] = json!({"certificate": pem("KEY")});

    assert_eq!(validate_status_update(&with, &without), []);
    assert_eq!(
        messages(validate_approval_update(&with, &without)),
        ["status.certificate: Forbidden: updates may not set certificate content"]
    );
    assert_eq!(
        messages(validate_status_update(&other, &with)),
        [
            "status.certificate: Invalid value: \"<certificate data>\": only CERTIFICATE PEM blocks are allowed, found \"KEY\"",
            "status.certificate: Forbidden: updates may not modify existing certificate content",
        ]
    );
}

#[test]
fn conditions_are_dated_once() {
    let mut approved = condition("Approved");
    approved["lastTransitionTime"] = json!("old");
    let old = with_conditions(&request(json!({})), json!([approved]));
    let mut new = with_conditions(&old, json!([condition("Approved"), condition("Failed")]));

    set_times(&mut new, &old, &json!("now"));

    let times = new["status"]["conditions"].as_array().unwrap().iter();
    let times: Vec<&Value> = times.map(|condition| &condition["lastTransitionTime"]).collect();
    assert_eq!(times, ["old", "now"]);
    assert_eq!(new["status"]["conditions"][0]["lastUpdateTime"], "now");
}

#[test]
fn an_update_of_the_status_keeps_what_was_decided() {
    let old = with_conditions(&request(json!({})), json!([condition("Approved")]));
    let mut new = old.clone();
    new["status"]["conditions"][0]["reason"] = json!("changed");
    new["spec"] = json!({});

    prepare_for_status_update(&mut new, &old);

    assert_eq!(new, old);
}

fn request(change: Value) -> Value {
    let mut request = json!({
        "metadata": {"name": "system:r"},
        "spec": {
            "request": STANDARD.encode("-----BEGIN CERTIFICATE REQUEST-----\n"),
            "signerName": "example.com/signer", "usages": ["client auth"],
        },
        "status": {},
    });
    request["spec"].as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
    request
}

fn with_conditions(request: &Value, conditions: Value) -> Value {
    let mut request = request.clone();
    request["status"]["conditions"] = conditions;
    request
}

fn condition(kind: &str) -> Value {
    json!({"type": kind, "status": "True"})
}

fn messages(causes: Vec<Cause>) -> Vec<String> {
    causes.iter().map(ToString::to_string).collect()
}
