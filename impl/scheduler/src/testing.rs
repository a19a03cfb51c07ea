//! Nodes and pods for tests, from JSON.

use std::sync::Arc;

use api::{AnyObject, ApiResource, resources};
use k8s_openapi::api::core::v1::{Node, Pod};
use serde_json::{Value, json};

use crate::node_info::{NodeInfo, PodInfo};

/// A node with two cpus, two GiB and room for ten pods, unless `object` says otherwise.
pub(crate) fn node(name: &str, mut object: Value) -> Arc<Node> {
    object["metadata"]["name"] = Value::from(name);
    object["metadata"]["uid"] = Value::from(format!("uid-{name}"));
    if object["status"]["allocatable"].is_null() {
        object["status"]["allocatable"] = json!({"cpu": "2", "memory": "2Gi", "pods": "10"});
    }
    Arc::new(serde_json::from_value(object).unwrap())
}

/// The same, as the scheduler sees it.
pub(crate) fn node_info(name: &str, object: Value) -> NodeInfo {
    let mut info = NodeInfo::default();
    info.set_node(node(name, object));
    info
}

/// A pod with one container of these resources.
pub(crate) fn pod(name: &str, resources: Value) -> Arc<Pod> {
    let spec = json!({"containers": [{"name": "c", "resources": resources}]});
    pod_with(name, spec)
}

/// A pod with this spec.
pub(crate) fn pod_with(name: &str, spec: Value) -> Arc<Pod> {
    let metadata = json!({"name": name, "namespace": "default", "uid": format!("uid-{name}")});
    Arc::new(serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap())
}

/// A pod with this spec, as the scheduler sees it.
pub(crate) fn pod_info(spec: Value) -> PodInfo {
    PodInfo::new(pod_with("web", spec))
}

/// An object of storage in the namespace `default`; its uid is `uid-NAME`.
pub(crate) fn stored(resource: &'static ApiResource, mut object: Value) -> AnyObject {
    object["metadata"]["uid"] =
        json!(format!("uid-{}", object["metadata"]["name"].as_str().unwrap()));
    if resource.namespaced {
        object["metadata"]["namespace"] = json!("default");
    }
    AnyObject::decode(resource, object.to_string().as_bytes()).unwrap()
}

/// A claim of 1 GiB of the class `local`.
pub(crate) fn claim(name: &str) -> Value {
    json!({"metadata": {"name": name, "resourceVersion": "1"}, "status": {"phase": "Pending"},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "local",
            "resources": {"requests": {"storage": "1Gi"}}}})
}

/// The claim, bound to a volume.
pub(crate) fn bound(mut claim: Value, volume: &str) -> Value {
    claim["spec"]["volumeName"] = json!(volume);
    claim["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] = json!("yes");
    claim["status"]["phase"] = json!("Bound");
    claim
}

/// A free volume of 1 GiB of the class `local` that only one node reaches.
pub(crate) fn volume(name: &str, node: &str) -> Value {
    let requirement = json!({"key": "metadata.name", "operator": "In", "values": [node]});
    let terms = json!([{"matchFields": [requirement]}]);
    json!({"metadata": {"name": name, "resourceVersion": "1"}, "status": {"phase": "Available"},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "local", "capacity": {"storage": "1Gi"},
            "local": {"path": "/v"}, "nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}})
}

/// The class `local`, whose claims wait for their first pod.
pub(crate) fn class(provisioner: &str) -> AnyObject {
    let class = json!({"metadata": {"name": "local"}, "provisioner": provisioner,
        "volumeBindingMode": "WaitForFirstConsumer"});
    stored(&resources::STORAGE_CLASSES, class)
}

/// A pod that uses these claims.
pub(crate) fn pod_using(name: &str, claims: &[&str]) -> Arc<Pod> {
    let volumes: Vec<Value> = claims
        .iter()
        .map(|claim| json!({"name": claim, "persistentVolumeClaim": {"claimName": claim}}))
        .collect();
    pod_with(name, json!({"containers": [{"name": "c"}], "volumes": volumes}))
}
