//! The objects that the suite sends: as small as an API server takes them, and of no interest to the
//! cluster's own controllers.

use serde_json::{Value, json};

/// A scheduler that nobody runs.
const NOBODY: &str = "kanon-conformance";

/// A Pod; `owner` is the name and uid of a ReplicaSet.
pub(super) fn pod(name: &str, node: Option<&str>, owner: Option<(&str, &str)>) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"kanon-conformance": "pod"}},
        "spec": {"schedulerName": NOBODY, "terminationGracePeriodSeconds": 30,
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "c", "image": "kanon.invalid/none:1"}]},
    });
    if let Some(node) = node {
        pod["spec"]["nodeName"] = json!(node);
    }
    if let Some((name, uid)) = owner {
        pod["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": uid}]);
    }
    pod
}

/// A Node that nothing else is put on.
pub(super) fn node(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
        "spec": {"unschedulable": true}})
}

/// A Binding, with the uid that it is meant for.
pub(super) fn binding(pod: &str, uid: &str, node: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod, "uid": uid},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node}})
}

/// A ReplicaSet whose selector matches none of the suite's Pods.
pub(super) fn replica_set(name: &str, replicas: u64) -> Value {
    let labels = json!({"kanon-conformance": name});
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod("", None, None)["spec"]}}})
}

/// A Lease as kubelets renew it.
pub(super) fn lease(name: &str) -> Value {
    json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": name, "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": 40}})
}

/// A patch of the Ready condition.
pub(super) fn ready(status: &str) -> Value {
    json!({"status": {"conditions": [{"type": "Ready", "status": status,
        "reason": "KanonConformance", "message": "set by the conformance suite"}]}})
}

/// A patch of the taints: with or without `unreachable`.
pub(super) fn taints(unreachable: bool) -> Value {
    let taints = match unreachable {
        true => json!([{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]),
        false => json!([]),
    };
    json!({"spec": {"taints": taints}})
}

/// The least that an API server takes for an object of a resource, beside its kind.
pub(super) fn least(resource: &str, name: &str) -> Value {
    let labels = json!({"kanon-conformance": name});
    let template = json!({"metadata": {"labels": labels}, "spec": pod("", None, None)["spec"]});
    let selector = json!({"matchLabels": labels});
    let mut object = match resource {
        "pods" => pod(name, None, None),
        "nodes" => node(name),
        "replicasets.apps" => json!({"spec": {"selector": selector, "template": template}}),
        "deployments.apps" => {
            json!({"spec": {"paused": true, "selector": selector, "template": template}})
        }
        "jobs.batch" => {
            let mut spec = template["spec"].clone();
            spec["restartPolicy"] = json!("Never");
            json!({"spec": {"suspend": true, "template": {"spec": spec}}})
        }
        "poddisruptionbudgets.policy" => json!({"spec": {"selector": selector}}),
        "services" => json!({"spec": {"ports": [{"port": 80}]}}),
        _ => json!({}),
    };
    object["metadata"]["name"] = json!(name);
    object
}

/// The least that an API server takes for a subresource of a Pod that is created.
pub(super) fn least_of_subresource(subresource: &str, name: &str) -> Value {
    let (api_version, kind) = match subresource {
        "eviction" => ("policy/v1", "Eviction"),
        _ => ("v1", "Binding"),
    };
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}})
}
