//! The FlowSchemas and PriorityLevelConfigurations of every cluster. Some must stay as they are; the others
//! are suggested.

use serde_json::{Value, json};

/// The levels that cannot be changed.
pub(crate) fn mandatory_priority_levels() -> Vec<Value> {
    let exempt = json!({"type": "Exempt",
        "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}});
    let catch_all = json!({"type": "Limited", "limited": {"nominalConcurrencyShares": 5,
        "lendablePercent": 0, "limitResponse": {"type": "Reject"}}});
    vec![level("exempt", exempt), level("catch-all", catch_all)]
}

/// The suggested levels.
pub(super) fn priority_levels() -> impl Iterator<Item = Value> {
    let levels = [
        ("system", 30, 33, (64, 6)),
        ("node-high", 40, 25, (64, 6)),
        ("leader-election", 10, 0, (16, 4)),
        ("workload-high", 40, 50, (128, 6)),
        ("workload-low", 100, 90, (128, 6)),
        ("global-default", 20, 50, (128, 6)),
    ];
    levels.into_iter().map(|(name, shares, lendable_percent, (queues, hand_size))| {
        let queuing = json!({"queues": queues, "handSize": hand_size, "queueLengthLimit": 50});
        level(
            name,
            json!({"type": "Limited", "limited": {
                "nominalConcurrencyShares": shares, "lendablePercent": lendable_percent,
                "limitResponse": {"type": "Queue", "queuing": queuing},
            }}),
        )
    })
}

fn level(name: &str, spec: Value) -> Value {
    object("PriorityLevelConfiguration", name, spec)
}

/// The schemas that cannot be changed.
pub(crate) fn mandatory_flow_schemas() -> Vec<Value> {
    vec![
        schema("exempt", 1, "exempt", "", all_requests_of(vec![group("system:masters")])),
        schema("catch-all", 10000, "catch-all", "ByUser", all_requests_of(everybody())),
    ]
}

/// The suggested schemas.
pub(super) fn flow_schemas() -> Vec<Value> {
    let probes = json!({"subjects": everybody(), "nonResourceRules": [
        {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}]});
    let nodes = || vec![group("system:nodes")];
    vec![
        schema("probes", 2, "exempt", "", probes),
        schema("system-leader-election", 100, "leader-election", "ByUser", leader_election()),
        schema("system-node-high", 400, "node-high", "ByUser", of_nodes(&nodes())),
        schema("system-nodes", 500, "system", "ByUser", all_requests_of(nodes())),
        for_namespaces("kube-controller-manager", 800, user("system:kube-controller-manager")),
        for_namespaces("kube-scheduler", 800, user("system:kube-scheduler")),
        for_namespaces("kube-system-service-accounts", 900, system_accounts()),
        schema(
            "service-accounts",
            9000,
            "workload-low",
            "ByUser",
            all_requests_of(vec![group("system:serviceaccounts")]),
        ),
        schema("global-default", 9900, "global-default", "ByUser", all_requests_of(everybody())),
    ]
}

/// All requests of a part of the control plane, namespace by namespace.
fn for_namespaces(name: &str, precedence: i64, subject: Value) -> Value {
    schema(name, precedence, "workload-high", "ByNamespace", all_requests_of(vec![subject]))
}

/// A schema with one rule.
fn schema(name: &str, precedence: i64, level: &str, distinguisher: &str, rule: Value) -> Value {
    let mut spec = json!({"priorityLevelConfiguration": {"name": level},
        "matchingPrecedence": precedence, "rules": [rule]});
    if !distinguisher.is_empty() {
        spec["distinguisherMethod"] = json!({"type": distinguisher});
    }
    object("FlowSchema", name, spec)
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    let annotations = json!({"apf.kubernetes.io/autoupdate-spec": "true"});
    json!({"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": kind,
        "metadata": {"name": name, "annotations": annotations}, "spec": spec})
}

fn all_requests_of(subjects: Vec<Value>) -> Value {
    json!({
        "subjects": subjects,
        "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"],
            "clusterScope": true, "namespaces": ["*"]}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    })
}

fn leader_election() -> Value {
    let subjects =
        [user("system:kube-controller-manager"), user("system:kube-scheduler"), system_accounts()];
    json!({"subjects": subjects, "resourceRules": [leases(&["get", "create", "update"])]})
}

fn of_nodes(nodes: &[Value]) -> Value {
    let own = json!({"verbs": ["*"], "apiGroups": [""], "resources": ["nodes", "nodes/status"],
        "clusterScope": true, "namespaces": ["*"]});
    json!({"subjects": nodes, "resourceRules": [own, leases(&["*"])]})
}

fn leases(verbs: &[&str]) -> Value {
    json!({"verbs": verbs, "apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
        "namespaces": ["*"]})
}

fn everybody() -> Vec<Value> {
    vec![group("system:unauthenticated"), group("system:authenticated")]
}

fn group(name: &str) -> Value {
    json!({"kind": "Group", "group": {"name": name}})
}

fn user(name: &str) -> Value {
    json!({"kind": "User", "user": {"name": name}})
}

fn system_accounts() -> Value {
    json!({"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": "*"}})
}
