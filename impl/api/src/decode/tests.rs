//! What is kept, told and refused of a body.

use serde_json::json;

use super::*;
use crate::kind::resources;

#[test]
fn known_fields_stay_and_unknown_ones_are_told() {
    let body = r#"{"kind":"Pod","apiVersion":"v1","spec":{"foo":1,"containers":[
        {"name":"a","image":"b","bar":{}}]}}"#;

    let decoded = json(&resources::PODS, body.as_bytes()).unwrap();

    assert_eq!(decoded.unknown_fields, ["spec.containers[0].bar", "spec.foo"]);
    assert_eq!(
        decoded.object,
        json!({"kind": "Pod", "apiVersion": "v1",
            "spec": {"containers": [{"name": "a", "image": "b"}]}})
    );
}

#[test]
fn duplicate_fields_are_told_and_the_last_counts() {
    let body = r#"{"spec":{"replicas":1,"replicas":2,"foo":3}}"#;

    let decoded = json(&resources::DEPLOYMENTS, body.as_bytes()).unwrap();

    assert_eq!(decoded.object, json!({"spec": {"replicas": 2}}));
    assert_eq!(
        decoded.strict_error(&[]).unwrap(),
        "strict decoding error: unknown field \"spec.foo\", duplicate field \"spec.replicas\""
    );
}

#[test]
fn duplicate_keys_of_yaml_are_told_with_their_line_and_the_last_counts() {
    let body = "spec:\n  replicas: 1\n  replicas: 2\n";

    let decoded = yaml(&resources::DEPLOYMENTS, body.as_bytes()).unwrap();

    assert_eq!(decoded.object, json!({"spec": {"replicas": 2}}));
    assert_eq!(
        decoded.strict_error(&[]).unwrap(),
        "strict decoding error: yaml: unmarshal errors:\n  line 3: key \"replicas\" already set in map"
    );
}

#[test]
fn names_of_fields_have_one_spelling() {
    let decoded = json(&resources::DEPLOYMENTS, br#"{"spec":{"Replicas":1}}"#).unwrap();

    assert_eq!(decoded.unknown_fields, ["spec.Replicas"]);
}

#[test]
fn wrong_types_are_named_as_go_names_them() {
    check_error(
        r#"{"spec":{"replicas":"x"}}"#,
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    );
    check_error(
        r#"{"spec":{"template":{"spec":{"containers":[{"env":[{"value":1}]}]}}}}"#,
        "json: cannot unmarshal number into Go struct field \
         EnvVar.spec.template.spec.containers.env.value of type string",
    );
    check_error(
        r#"{"metadata":{"labels":{"a":true}}}"#,
        "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string",
    );
    check_error(
        r#"{"spec":{"replicas":1.5}}"#,
        "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
    );
    check_error("[]", "json: cannot unmarshal array into Go value of type v1.Deployment");
}

#[test]
fn null_is_absence() {
    let body = br#"{"metadata":{"name":"a","creationTimestamp":null},"spec":null}"#;

    let decoded = json(&resources::PODS, body).unwrap();

    assert_eq!(decoded.object, json!({"metadata": {"name": "a"}}));
}

#[test]
fn zeros_that_say_nothing_are_left_out() {
    let body = br#"{"spec":{"nodeName":"","hostNetwork":false,"priority":0,"securityContext":{},
        "containers":[{"name":"a","args":[],"resources":{}}]}}"#;

    let decoded = json(&resources::PODS, body).unwrap();

    assert_eq!(
        decoded.object,
        json!({"spec": {"priority": 0, "securityContext": {},
            "containers": [{"name": "a", "resources": {}}]}})
    );
}

#[test]
fn quantities_become_canonical_and_times_utc() {
    let body = br#"{"metadata":{"creationTimestamp":"2026-01-02T03:04:05+01:00"},
        "spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":2,"memory":"1024Mi"}}}]}}"#;

    let object = json(&resources::PODS, body).unwrap().object;

    assert_eq!(object["metadata"]["creationTimestamp"], "2026-01-02T02:04:05Z");
    assert_eq!(
        object["spec"]["containers"][0]["resources"]["limits"],
        json!({"cpu": "2", "memory": "1Gi"})
    );
}

#[test]
fn quantity_without_digits_is_refused() {
    let body = br#"{"spec":{"containers":[{"resources":{"limits":{"cpu":"much"}}}]}}"#;

    let error = json(&resources::PODS, body).unwrap_err();

    assert!(error.to_string().starts_with("quantities must match the regular expression"));
}

#[test]
fn secret_data_is_base64() {
    assert!(json(&resources::SECRETS, br#"{"data":{"a":"Yg=="}}"#).is_ok());
    assert!(json(&resources::SECRETS, br#"{"data":{"a":"b!"}}"#).is_err());
}

#[test]
fn trailing_bytes_are_refused() {
    assert!(matches!(json(&resources::PODS, b"{} {}"), Err(DecodeError::Json(_))));
}

#[test]
fn yaml_is_json_in_other_clothes() {
    let value =
        parse_yaml(b"metadata:\n  name: a\nspec:\n  replicas: 2\n  paused: true\n").unwrap().value;

    assert_eq!(value, json!({"metadata": {"name": "a"}, "spec": {"replicas": 2, "paused": true}}));
}

#[test]
fn duplicate_keys_of_a_yaml_document_are_told() {
    assert_eq!(
        parse_yaml(b"a: 1\na: 2\n").unwrap().duplicates,
        ["line 2: key \"a\" already set in map"]
    );
}

fn check_error(body: &str, text: &str) {
    let error = json(&resources::DEPLOYMENTS, body.as_bytes()).unwrap_err();

    assert_eq!(error.to_string(), text);
}
