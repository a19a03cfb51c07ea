//! Tests of what roles and bindings break.

use api::resources;

use super::*;

#[test]
fn a_role_says_what_it_breaks() {
    let table = [
        (json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}), vec![]),
        (
            json!({}),
            vec![
                "rules[0].verbs: Required value: verbs must contain at least one value",
                "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
                "rules[0].resources: Required value: resource rules must supply at least one resource",
            ],
        ),
        (
            json!({"verbs": ["get"], "nonResourceURLs": ["/healthz"], "resources": ["pods"]}),
            vec![
                "rules[0].nonResourceURLs: Invalid value: [\"/healthz\"]: namespaced rules cannot apply to non-resource URLs",
                "rules[0].nonResourceURLs: Invalid value: [\"/healthz\"]: rules cannot apply to both regular resources and non-resource URLs",
            ],
        ),
    ];
    for (rule, expected) in table {
        let role = json!({"metadata": {"name": "r", "namespace": "n"}, "rules": [rule]});
        assert_eq!(messages(validate(&resources::ROLES, &role)), expected);
    }
}

#[test]
fn a_cluster_role_may_name_urls_and_must_select_what_it_aggregates() {
    let urls = json!({"verbs": ["get"], "nonResourceURLs": ["/healthz"]});
    let role = json!({
        "metadata": {"name": "system:a"}, "rules": [urls], "aggregationRule": {},
    });

    assert_eq!(
        messages(validate(&resources::CLUSTER_ROLES, &role)),
        [
            "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"
        ]
    );
}

#[test]
fn names_fit_between_two_slashes() {
    let role = json!({"metadata": {"name": "a/b", "namespace": "n"}});

    assert_eq!(
        messages(validate(&resources::ROLES, &role)),
        ["metadata.name: Invalid value: \"a/b\": may not contain '/'"]
    );
}

#[test]
fn a_binding_says_what_it_breaks() {
    let table = [
        (json!({"kind": "User", "name": "u"}), vec![]),
        (json!({"kind": "ServiceAccount", "name": "s", "namespace": "n"}), vec![]),
        (
            json!({"kind": "ServiceAccount", "name": "S"}),
            vec![
                "subjects[0].name: Invalid value: \"S\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
                "subjects[0].namespace: Required value",
            ],
        ),
        (
            json!({"kind": "Group", "apiGroup": "apps"}),
            vec![
                "subjects[0].name: Required value",
                "subjects[0].apiGroup: Unsupported value: \"apps\": supported values: \"rbac.authorization.k8s.io\"",
            ],
        ),
        (
            json!({"kind": "Pod", "name": "p"}),
            vec![
                "subjects[0].kind: Unsupported value: \"Pod\": supported values: \"ServiceAccount\", \"User\", \"Group\"",
            ],
        ),
    ];
    for (subject, expected) in table {
        let binding = binding(json!({"kind": "ClusterRole", "name": "r"}), subject);
        assert_eq!(messages(validate(&resources::CLUSTER_ROLE_BINDINGS, &binding)), expected);
    }
}

#[test]
fn a_cluster_role_binding_refers_to_a_cluster_role() {
    let binding = binding(json!({"kind": "Role"}), json!({"kind": "User", "name": "u"}));

    assert_eq!(
        messages(validate(&resources::CLUSTER_ROLE_BINDINGS, &binding)),
        [
            "roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\"",
            "roleRef.name: Required value",
        ]
    );
}

#[test]
fn a_binding_keeps_its_role() {
    let user = json!({"kind": "User", "name": "u"});
    let old = binding(json!({"kind": "ClusterRole", "name": "a"}), user.clone());
    let new = binding(json!({"kind": "ClusterRole", "name": "b"}), user);

    assert_eq!(
        messages(validate_update(&resources::CLUSTER_ROLE_BINDINGS, &new, &old)),
        [
            "roleRef: Invalid value: {\"APIGroup\":\"rbac.authorization.k8s.io\",\"Kind\":\"ClusterRole\",\"Name\":\"b\"}: cannot change roleRef"
        ]
    );
}

fn binding(role_ref: Value, subject: Value) -> Value {
    let mut binding =
        json!({"metadata": {"name": "b"}, "roleRef": role_ref, "subjects": [subject]});
    apply_defaults(&mut binding);
    binding
}

fn messages(causes: Vec<Cause>) -> Vec<String> {
    causes.iter().map(ToString::to_string).collect()
}
