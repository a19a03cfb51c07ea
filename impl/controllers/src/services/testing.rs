//! A Service and its pods, for the tests of the controllers of endpoints.

use api::{ApiResource, resources};
use serde_json::{Value, json};

use crate::testing::time_text;

/// The resource of Services.
pub(crate) const SERVICE: &ApiResource = &resources::SERVICES;

/// `n/web`, which selects `app=web` and forwards to the port `http`.
pub(crate) fn service() -> Value {
    json!({"metadata": {"name": "web", "namespace": "n", "labels": {"of": "service"},
            "creationTimestamp": time_text(5)},
        "spec": {"selector": {"app": "web"}, "clusterIP": "10.96.0.7", "ipFamilies": ["IPv4"],
            "ports": [{"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP"}]}})
}

/// A pod of the Service on `n1`, where `web` is port 8080.
pub(crate) fn pod(name: &str, ip: &str, ready: bool) -> Value {
    let status = if ready { "True" } else { "False" };
    json!({"metadata": {"name": name, "namespace": "n", "labels": {"app": "web"}},
        "spec": {"nodeName": "n1", "containers": [{"name": "c",
            "ports": [{"name": "web", "containerPort": 8080, "protocol": "TCP"}]}]},
        "status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}],
            "conditions": [{"type": "Ready", "status": status, "lastTransitionTime": time_text(9)}]}})
}
