//! Nodes and pods for tests, from JSON.

use std::sync::Arc;

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
