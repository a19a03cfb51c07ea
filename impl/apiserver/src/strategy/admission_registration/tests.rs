//! Tests of the defaults and rules of webhooks, policies and bindings.

use api::status::Cause;
use serde_json::{Value, json};

use super::super::kind_strategy::KindStrategy;
use super::super::minimal;
use super::*;

fn messages(causes: &[Cause]) -> String {
    causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("|")
}

/// The least that an object of a kind says, defaulted, with this at a JSON pointer.
fn changed(strategy: &dyn KindStrategy, kind: &str, pointer: &str, value: &Value) -> Value {
    let mut object = minimal::content(kind);
    object["metadata"] = json!({"name": "a"});
    strategy.apply_defaults(&mut object);
    let (holder, field) = pointer.rsplit_once('/').expect("a pointer has a slash");
    object.pointer_mut(holder).expect("the holder is there")[field] = value.clone();
    object
}

fn check(strategy: &dyn KindStrategy, kind: &str, table: &[(&str, Value, &str)]) {
    for (pointer, value, expected) in table {
        let object = changed(strategy, kind, pointer, value);
        assert_eq!(messages(&strategy.causes(&object)), *expected, "{pointer}: {value}");
    }
}

#[test]
fn webhooks_say_when_and_how_they_are_called() {
    let table = [
        (
            "/webhooks/0/name",
            json!("a.b"),
            "webhooks[0].name: Invalid value: \"a.b\": should be a domain with at least three segments separated by dots",
        ),
        (
            "/webhooks/0/sideEffects",
            json!("Some"),
            "webhooks[0].sideEffects: Unsupported value: \"Some\": supported values: \"None\", \"NoneOnDryRun\"",
        ),
        (
            "/webhooks/0/timeoutSeconds",
            json!(31),
            "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
        ),
        (
            "/webhooks/0/clientConfig",
            json!({}),
            "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
        ),
        (
            "/webhooks/0/admissionReviewVersions",
            json!(["v2"]),
            "webhooks[0].admissionReviewVersions: Invalid value: [\"v2\"]: must include at least one of v1, v1beta1",
        ),
        (
            "/webhooks/0/admissionReviewVersions",
            json!(["v1", "v1"]),
            "webhooks[0].admissionReviewVersions[1]: Invalid value: \"v1\": duplicate version",
        ),
        (
            "/webhooks/0/matchConditions",
            json!([{"name": "a"}, {"name": "a", "expression": "true"}]),
            "webhooks[0].matchConditions[0].expression: Required value|webhooks[0].matchConditions[1].name: Duplicate value: \"a\"",
        ),
    ];
    check(&VALIDATING_WEBHOOKS, "ValidatingWebhookConfiguration", &table);
    check(&MUTATING_WEBHOOKS, "MutatingWebhookConfiguration", &table);
}

#[test]
fn rules_do_not_say_twice_what_they_mean() {
    let table = [
        (
            "/webhooks/0/rules/0/operations",
            json!(["*", "RUN"]),
            "webhooks[0].rules[0].operations: Invalid value: [\"*\",\"RUN\"]: if '*' is present, must not specify other operations|webhooks[0].rules[0].operations[1]: Unsupported value: \"RUN\": supported values: \"*\", \"CONNECT\", \"CREATE\", \"DELETE\", \"UPDATE\"",
        ),
        (
            "/webhooks/0/rules/0/apiVersions",
            json!(["a", ""]),
            "webhooks[0].rules[0].apiVersions[1]: Required value",
        ),
        (
            "/webhooks/0/rules/0/scope",
            json!("Moon"),
            "webhooks[0].rules[0].scope: Unsupported value: \"Moon\": supported values: \"*\", \"Cluster\", \"Namespaced\"",
        ),
        (
            "/webhooks/0/rules/0/resources",
            json!([]),
            "webhooks[0].rules[0].resources: Required value",
        ),
        (
            "/webhooks/0/rules/0/resources",
            json!(["pods/*", "pods/log", "*/scale", "a/scale"]),
            "webhooks[0].rules[0].resources[1]: Invalid value: \"pods/log\": if 'pods/*' is present, must not specify pods/log|webhooks[0].rules[0].resources[3]: Invalid value: \"a/scale\": if '*/scale' is present, must not specify a/scale",
        ),
        (
            "/webhooks/0/rules/0/resources",
            json!(["*/*", "*", "pods"]),
            "webhooks[0].rules[0].resources: Invalid value: [\"*/*\",\"*\",\"pods\"]: if '*/*' is present, must not specify other resources|webhooks[0].rules[0].resources: Invalid value: [\"*/*\",\"*\",\"pods\"]: if '*' is present, must not specify other resources without subresources",
        ),
    ];
    check(&VALIDATING_WEBHOOKS, "ValidatingWebhookConfiguration", &table);
}

#[test]
fn webhooks_that_say_little_are_called_for_everything() {
    let mut configuration = json!({"webhooks": [{"rules": [{}],
        "clientConfig": {"service": {"name": "s"}}}]});

    MUTATING_WEBHOOKS.apply_defaults(&mut configuration);

    assert_eq!(
        configuration["webhooks"][0],
        json!({"failurePolicy": "Fail", "matchPolicy": "Equivalent", "timeoutSeconds": 10,
            "namespaceSelector": {}, "objectSelector": {}, "reinvocationPolicy": "Never",
            "rules": [{"scope": "*"}], "clientConfig": {"service": {"name": "s", "port": 443}}})
    );
}

#[test]
fn a_validating_policy_says_what_must_hold_of_what() {
    let table = [
        (
            "/spec/failurePolicy",
            json!("Shrug"),
            "spec.failurePolicy: Unsupported value: \"Shrug\": supported values: \"Fail\", \"Ignore\"",
        ),
        ("/spec/matchConstraints", json!(null), "spec.matchConstraints: Required value"),
        (
            "/spec/matchConstraints/resourceRules",
            json!([]),
            "spec.matchConstraints.resourceRules: Required value",
        ),
        (
            "/spec/validations",
            json!([]),
            "spec.validations: Required value: validations or auditAnnotations must contain at least one item|spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
        ),
        (
            "/spec/validations",
            json!([{"expression": " ", "message": "a\nb", "reason": "Gone"}]),
            "spec.validations[0].expression: Required value: expression is not specified|spec.validations[0].message: Invalid value: \"a\\nb\": must not contain line breaks|spec.validations[0].reason: Unsupported value: \"Gone\": supported values: \"Forbidden\", \"Invalid\", \"RequestEntityTooLarge\"",
        ),
        (
            "/spec/paramKind",
            json!({"apiVersion": "a/b/c", "kind": "A"}),
            "spec.paramKind.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c",
        ),
        (
            "/spec/variables",
            json!([{"name": "in", "expression": "1"}]),
            "spec.variables[0].name: Invalid value: \"in\": must be a valid CEL identifier",
        ),
        (
            "/spec/auditAnnotations",
            json!([{"key": "k", "valueExpression": "'a'"}, {"key": "k"}]),
            "spec.auditAnnotations[1].valueExpression: Required value: valueExpression is not specified|spec.auditAnnotations[1].key: Duplicate value: \"k\"",
        ),
    ];
    check(&ValidatingPolicy, "ValidatingAdmissionPolicy", &table);
}

#[test]
fn a_mutating_policy_says_how_it_changes_what_is_not_deleted() {
    let table = [
        (
            "/spec/mutations",
            json!([]),
            "spec.mutations: Required value: mutations must contain at least one item",
        ),
        (
            "/spec/mutations",
            json!([{"patchType": "ApplyConfiguration", "jsonPatch": {"expression": "[]"}}]),
            "spec.mutations[0].applyConfiguration: Required value: must be specified when patchType is ApplyConfiguration|spec.mutations[0].jsonPatch: Invalid value: \"{jsonPatch}\": must not be specified when patchType is ApplyConfiguration",
        ),
        ("/spec/reinvocationPolicy", json!(null), "spec.reinvocationPolicy: Required value"),
        (
            "/spec/matchConstraints/resourceRules/0/operations",
            json!(["DELETE"]),
            "spec.matchConstraints.resourceRules.operations: Unsupported value: \"DELETE\": supported values: \"*\", \"CONNECT\", \"CREATE\", \"UPDATE\"",
        ),
    ];
    check(&MutatingPolicy, "MutatingAdmissionPolicy", &table);
}

#[test]
fn a_binding_says_what_follows_and_for_which_parameters() {
    let table = [
        ("/spec/policyName", json!(""), "spec.policyName: Required value"),
        (
            "/spec/validationActions",
            json!(["Deny", "Warn", "Deny", "Sing"]),
            "spec.validationActions[2]: Duplicate value: \"Deny\"|spec.validationActions[3]: Unsupported value: \"Sing\": supported values: \"Audit\", \"Deny\", \"Warn\"|spec.validationActions: Invalid value: [\"Deny\",\"Warn\",\"Deny\",\"Sing\"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)",
        ),
        (
            "/spec/paramRef",
            json!({"parameterNotFoundAction": "Cry"}),
            "spec.paramRef: Required value: one of name or selector must be specified|spec.paramRef.parameterNotFoundAction: Unsupported value: \"Cry\": supported values: \"Deny\", \"Allow\"",
        ),
        (
            "/spec/paramRef",
            json!({"name": "a", "selector": {}, "parameterNotFoundAction": "Deny"}),
            "spec.paramRef.name: Forbidden: name and selector are mutually exclusive|spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
        ),
    ];
    check(&ValidatingBinding, "ValidatingAdmissionPolicyBinding", &table);
}
