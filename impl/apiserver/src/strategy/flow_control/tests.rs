//! Tests of the defaults and rules of FlowSchemas and PriorityLevelConfigurations.

use super::super::kind_strategy::KindStrategy;
use super::*;

fn messages(causes: &[Cause]) -> Vec<String> {
    causes.iter().map(ToString::to_string).collect()
}

fn schema(rule: Value) -> Value {
    json!({"kind": "FlowSchema", "metadata": {"name": "a"}, "spec": {"matchingPrecedence": 5,
        "priorityLevelConfiguration": {"name": "a"}, "rules": [rule]}})
}

fn rule() -> Value {
    json!({"subjects": [{"kind": "User", "user": {"name": "a"}}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["/a/*"]}]})
}

#[test]
fn a_flow_schema_says_whose_requests_it_means() {
    let why = "at least one of resourceRules and nonResourceRules has to be non-empty";
    let table = [
        (json!({}), format!("spec.rules[0].subjects: Required value: subjects must contain at least one value|spec.rules[0]: Required value: {why}")),
        (
            json!({"subjects": [{"kind": "User", "group": {"name": "a"}}]}),
            "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'|spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'".to_owned(),
        ),
        (
            json!({"subjects": [{"kind": "Robot"}]}),
            r#"spec.rules[0].subjects[0].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User""#.to_owned(),
        ),
        (
            json!({"subjects": [{"kind": "ServiceAccount", "serviceAccount": {"name": "*"}}]}),
            "spec.rules[0].subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account".to_owned(),
        ),
        (
            json!({"nonResourceRules": [{"verbs": ["get", "run"], "nonResourceURLs": ["/a*"]}]}),
            r#"spec.rules[0].nonResourceRules[0].verbs: Unsupported value: ["get","run"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"|spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching"#.to_owned(),
        ),
        (
            json!({"resourceRules": [{"verbs": ["*", "get"], "apiGroups": ["*", ""], "resources": [],
                "namespaces": ["A"]}]}),
            r#"spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs|spec.rules[0].resourceRules[0].apiGroups: Invalid value: ["*",""]: if '*' is present, must not specify other api groups|spec.rules[0].resourceRules[0].resources: Required value: resource rules must supply at least one resource|spec.rules[0].resourceRules[0].namespaces[0]: Invalid value: "A": each member of this list must be '*' or a DNS-1123 label; a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"#.to_owned(),
        ),
    ];
    for (change, expected) in table {
        let mut rule = if change == json!({}) { json!({}) } else { rule() };
        for (field, value) in change.as_object().into_iter().flatten() {
            rule[field] = value.clone();
        }
        let causes = FlowSchema.causes(&schema(rule));
        assert_eq!(messages(&causes).join("|"), expected, "{change}");
    }
}

#[test]
fn only_the_schema_exempt_comes_first() {
    let mut first = schema(rule());
    first["spec"]["matchingPrecedence"] = json!(1);

    let causes = FlowSchema.causes(&first);

    assert_eq!(
        messages(&causes),
        [
            "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"
        ]
    );
}

#[test]
fn objects_that_every_cluster_has_stay_as_they_are() {
    let objects = bootstrap::mandatory_flow_schemas();
    let levels = bootstrap::mandatory_priority_levels();
    for object in &objects {
        let mut changed = object.clone();
        changed["spec"]["rules"][0]["subjects"] = json!([{"kind": "User", "user": {"name": "a"}}]);

        assert_eq!(FlowSchema.causes(object), []);
        let causes = messages(&FlowSchema.causes(&changed));
        assert!(causes[0].ends_with("must equal the fixed value"), "{causes:?}");
    }
    let mut exempt = levels[0].clone();
    exempt["spec"]["exempt"]["nominalConcurrencyShares"] = json!(7);
    let mut catch_all = levels[1].clone();
    catch_all["spec"]["limited"]["nominalConcurrencyShares"] = json!(7);

    assert_eq!(PriorityLevelConfiguration.causes(&exempt), []);
    assert_eq!(PriorityLevelConfiguration.causes(&catch_all).len(), 1);
}

#[test]
fn a_limited_level_says_how_requests_wait() {
    let queue = |queuing: Value| {
        json!({"type": "Limited", "limited": {
        "nominalConcurrencyShares": 1, "limitResponse": {"type": "Queue", "queuing": queuing}}})
    };
    let table = [
        (
            json!({"type": "Limited"}),
            "spec.limited: Required value: must not be empty when type is Limited",
        ),
        (
            json!({"type": "Exempt"}),
            "spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'",
        ),
        (
            queue(json!({"queues": 4, "handSize": 5, "queueLengthLimit": 1})),
            "spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)",
        ),
        (
            queue(json!({"queues": 1024, "handSize": 7, "queueLengthLimit": 1})),
            "spec.limited.limitResponse.queuing.handSize: Invalid value: 7: required entropy bits of deckSize 1024 and handSize 7 should not be greater than 60",
        ),
        (queue(json!({"queues": 1024, "handSize": 6, "queueLengthLimit": 1})), ""),
    ];
    for (spec, expected) in table {
        let level =
            json!({"kind": "PriorityLevelConfiguration", "metadata": {"name": "a"}, "spec": spec});
        let causes = PriorityLevelConfiguration.causes(&level);
        assert_eq!(messages(&causes).join("|"), expected, "{spec}");
    }
}

#[test]
fn a_level_has_shares_and_queues_where_it_names_none() {
    let mut level = json!({"spec": {"type": "Limited", "limited": {
        "limitResponse": {"type": "Queue", "queuing": {}}}}});

    PriorityLevelConfiguration.apply_defaults(&mut level);

    assert_eq!(
        level["spec"]["limited"],
        json!({"nominalConcurrencyShares": 30, "lendablePercent": 0, "limitResponse": {
            "type": "Queue", "queuing": {"queues": 64, "handSize": 8, "queueLengthLimit": 50}}})
    );
}
