//! Tables: what `kubectl get` shows of each kind.
//!
//! Source: `pkg/printers/internalversion/printers.go` (v1.36). Every row has the cells of `-o wide`;
//! a client leaves out the columns of priority 1.

mod autoscaler;
mod columns;
mod duration;
mod event;
mod extension;
mod networking;
mod pod;
mod policy;
mod storage;
mod workload;

use std::collections::BTreeSet;

use api::object::{at, text};
use api::selector::Selector;
use api::{ApiResource, Timestamp};
use serde_json::{Value, json};

pub(crate) use columns::columns;

/// The cells of one row, in the order of the columns.
pub(crate) fn cells(resource: &ApiResource, object: &Value, now: Timestamp) -> Vec<Value> {
    let name = json!(text(object, &["metadata", "name"]));
    let age = json!(age(object, now));
    match resource.kind {
        "CSIDriver" => storage::csi_driver(object, now),
        "CSINode" => storage::csi_node(object, now),
        "CertificateSigningRequest" => policy::certificate_signing_request(object, now),
        "ConfigMap" => {
            vec![name, json!(size(object, "data") + size(object, "binaryData")), age]
        }
        "ControllerRevision" => workload::controller_revision(object, name, age),
        "CronJob" => workload::cron_job(object, now),
        "DaemonSet" => workload::daemon_set(object, name, age),
        "Deployment" => deployment(object, name, age),
        "EndpointSlice" => networking::endpoint_slice(object, now),
        "Endpoints" => networking::endpoints(object, now),
        "Event" => event::cells(object, now),
        "HorizontalPodAutoscaler" => autoscaler::cells(object, name, age),
        "Job" => workload::job(object, now),
        "IPAddress" => networking::ip_address(object),
        "Ingress" => networking::ingress(object, now),
        "IngressClass" => networking::ingress_class(object, now),
        "ComponentStatus" => component_status(name, object),
        "Lease" => vec![name, json!(text(object, &["spec", "holderIdentity"])), age],
        "Namespace" => vec![name, json!(text(object, &["status", "phase"])), age],
        "NetworkPolicy" => networking::network_policy(object, now),
        "Node" => node(object, name, age),
        "PersistentVolume" => storage::persistent_volume(object, now),
        "PersistentVolumeClaim" => storage::persistent_volume_claim(object, now),
        "Pod" => pod::cells(object, now),
        "PodDisruptionBudget" => workload::pod_disruption_budget(object, name, age),
        "PodTemplate" => workload::pod_template(object, name),
        "ReplicationController" => workload::replication_controller(object, name, age),
        "StatefulSet" => workload::stateful_set(object, name, age),
        "PriorityClass" => policy::priority_class(object, now),
        "ReplicaSet" => replica_set(object, name, age),
        "ResourceQuota" => policy::resource_quota(object, now),
        "RoleBinding" | "ClusterRoleBinding" => policy::binding(object, now),
        "RuntimeClass" => policy::runtime_class(object, now),
        "Scale" => {
            let desired = int(object, &["spec", "replicas"]);
            vec![name, json!(desired), json!(int(object, &["status", "replicas"])), age]
        }
        "Secret" => vec![name, json!(text(object, &["type"])), json!(size(object, "data")), age],
        "Service" => service(object, name, age),
        "ServiceAccount" => vec![name, age],
        "ServiceCIDR" => networking::service_cidr(object, now),
        "StorageClass" => storage::storage_class(object, now),
        "VolumeAttachment" => storage::volume_attachment(object, now),
        "VolumeAttributesClass" => storage::volume_attributes_class(object, now),
        "APIService" => extension::api_service(object, now),
        "DeviceClass" | "ResourceClaimTemplate" => extension::name_and_age(object, now),
        "FlowSchema" => extension::flow_schema(object, now),
        "MutatingAdmissionPolicy" => extension::policy(object, "mutations", now),
        "MutatingAdmissionPolicyBinding" | "ValidatingAdmissionPolicyBinding" => {
            extension::policy_binding(object, now)
        }
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            extension::webhooks(object, now)
        }
        "PriorityLevelConfiguration" => extension::priority_level(object, now),
        "ResourceClaim" => extension::resource_claim(object, now),
        "ResourceSlice" => extension::resource_slice(object, now),
        "ValidatingAdmissionPolicy" => extension::policy(object, "validations", now),
        _ => vec![name, json!(text(object, &["metadata", "creationTimestamp"]))],
    }
}

/// The objects in the order of their rows: FlowSchemas as they are looked at, all others as they come.
pub(crate) fn in_order<'a>(resource: &ApiResource, objects: &'a [Value]) -> Vec<&'a Value> {
    let mut objects: Vec<&Value> = objects.iter().collect();
    if resource.kind == "FlowSchema" {
        objects.sort_by_key(|schema| int(schema, &["spec", "matchingPrecedence"]));
    }
    objects
}

fn component_status(name: Value, object: &Value) -> Vec<Value> {
    let healthy = items(object, &["conditions"]).iter().find(|of| text(of, &["type"]) == "Healthy");
    let Some(condition) = healthy else {
        return vec![name, json!("Unknown"), json!(""), json!("")];
    };
    let is_healthy = text(condition, &["status"]) == "True";
    let status = if is_healthy { "Healthy" } else { "Unhealthy" };
    vec![
        name,
        json!(status),
        json!(text(condition, &["message"])),
        json!(text(condition, &["error"])),
    ]
}

/// How long ago the object was created.
fn age(object: &Value, now: Timestamp) -> String {
    duration::since(text(object, &["metadata", "creationTimestamp"]), now)
}

fn items<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn int(value: &Value, path: &[&str]) -> i64 {
    at(value, path).and_then(Value::as_i64).unwrap_or_default()
}

fn size(object: &Value, field: &str) -> usize {
    at(object, &[field]).and_then(Value::as_object).map_or(0, serde_json::Map::len)
}

fn or_none(text: &str) -> String {
    or_else(text, "<none>")
}

fn or_else(text: &str, otherwise: &str) -> String {
    if text.is_empty() { otherwise } else { text }.to_owned()
}

fn joined<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().collect::<Vec<_>>().join(",")
}

fn deployment(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let ready = int(object, &["status", "readyReplicas"]);
    let desired = int(object, &["spec", "replicas"]);
    let selector = Selector::from_value(at(object, &["spec", "selector"]));
    vec![
        name,
        json!(format!("{ready}/{desired}")),
        json!(int(object, &["status", "updatedReplicas"])),
        json!(int(object, &["status", "availableReplicas"])),
        age,
        json!(of_containers(object, "name")),
        json!(of_containers(object, "image")),
        json!(selector.map_or_else(|_| "<invalid>".to_owned(), |selector| selector.to_string())),
    ]
}

fn replica_set(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let selector = Selector::from_value(at(object, &["spec", "selector"]));
    vec![
        name,
        json!(int(object, &["spec", "replicas"])),
        json!(int(object, &["status", "replicas"])),
        json!(int(object, &["status", "readyReplicas"])),
        age,
        json!(of_containers(object, "name")),
        json!(of_containers(object, "image")),
        json!(selector.map_or_else(|_| "<error>".to_owned(), |all| or_none(&all.to_string()))),
    ]
}

fn of_containers(workload: &Value, field: &str) -> String {
    let containers = items(workload, &["spec", "template", "spec", "containers"]);
    joined(containers.iter().map(|container| text(container, &[field])))
}

fn service(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let cluster_ip = items(object, &["spec", "clusterIPs"]).first().and_then(Value::as_str);
    let cluster_ip = cluster_ip.unwrap_or_else(|| text(object, &["spec", "clusterIP"]));
    vec![
        name,
        json!(text(object, &["spec", "type"])),
        json!(or_none(cluster_ip)),
        json!(external_ip(object)),
        json!(or_none(&ports(items(object, &["spec", "ports"])))),
        age,
        json!(or_none(&labels(at(object, &["spec", "selector"])))),
    ]
}

fn external_ip(service: &Value) -> String {
    let external = items(service, &["spec", "externalIPs"]).iter().filter_map(Value::as_str);
    match text(service, &["spec", "type"]) {
        "ClusterIP" | "NodePort" => or_none(&joined(external)),
        "LoadBalancer" => {
            let ingress = items(service, &["status", "loadBalancer", "ingress"]);
            let addresses: BTreeSet<&str> = ingress.iter().map(ingress_address).collect();
            let addresses = addresses.into_iter().filter(|address| !address.is_empty());
            or_else(&joined(addresses.chain(external)), "<pending>")
        }
        "ExternalName" => text(service, &["spec", "externalName"]).to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

fn ingress_address(ingress: &Value) -> &str {
    match text(ingress, &["ip"]) {
        "" => text(ingress, &["hostname"]),
        ip => ip,
    }
}

fn ports(ports: &[Value]) -> String {
    let written = ports.iter().map(|port| {
        let (number, protocol) = (int(port, &["port"]), text(port, &["protocol"]));
        match int(port, &["nodePort"]) {
            ..=0 => format!("{number}/{protocol}"),
            node_port => format!("{number}:{node_port}/{protocol}"),
        }
    });
    written.collect::<Vec<_>>().join(",")
}

fn labels(labels: Option<&Value>) -> String {
    let labels = labels.and_then(Value::as_object).into_iter().flatten();
    let mut written: Vec<String> = labels
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    written.sort_unstable();
    written.join(",")
}

fn node(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let info = |field: &str| text(object, &["status", "nodeInfo", field]);
    let kernel = or_else(info("kernelVersion"), "<unknown>");
    let kernel = match info("architecture") {
        "" => kernel,
        architecture => format!("{kernel} ({architecture})"),
    };
    vec![
        name,
        json!(node_status(object)),
        json!(or_none(&node_roles(object))),
        age,
        json!(info("kubeletVersion")),
        json!(or_none(node_address(object, "InternalIP"))),
        json!(or_none(node_address(object, "ExternalIP"))),
        json!(or_else(info("osImage"), "<unknown>")),
        json!(kernel),
        json!(or_else(info("containerRuntimeVersion"), "<unknown>")),
    ]
}

fn node_status(node: &Value) -> String {
    let mut conditions = items(node, &["status", "conditions"]).iter();
    let ready = conditions.rfind(|condition| text(condition, &["type"]) == "Ready");
    let status = match ready.map(|condition| text(condition, &["status"])) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    match at(node, &["spec", "unschedulable"]).and_then(Value::as_bool) {
        Some(true) => format!("{status},SchedulingDisabled"),
        Some(false) | None => status.to_owned(),
    }
}

fn node_roles(node: &Value) -> String {
    let labels = at(node, &["metadata", "labels"]).and_then(Value::as_object);
    let role = |(key, value): (&String, &Value)| {
        let role = match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => role,
            None if key == "kubernetes.io/role" => value.as_str().unwrap_or_default(),
            None => "",
        };
        (!role.is_empty()).then(|| role.to_owned())
    };
    let roles: BTreeSet<String> = labels.into_iter().flatten().filter_map(role).collect();
    joined(roles.iter().map(String::as_str))
}

fn node_address<'a>(node: &'a Value, kind: &str) -> &'a str {
    let mut addresses = items(node, &["status", "addresses"]).iter();
    let found = addresses.find(|address| text(address, &["type"]) == kind);
    found.map_or("", |address| text(address, &["address"]))
}

#[cfg(test)]
mod tests;
