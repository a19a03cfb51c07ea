//! The columns of each kind's table.
//!
//! Source: `AddHandlers` of `pkg/printers/internalversion/printers.go` (v1.36). The descriptions are ours.

mod extension;
mod networking;
mod policy;
mod storage;
mod workload;

use api::ApiResource;
use serde_json::{Value, json};

/// A column that `kubectl get` always shows (0) or only with `-o wide` (1).
type Column = (&'static str, &'static str, i64, &'static str);

const NAME: Column =
    ("Name", "string", 0, "The name, unique among objects of its kind in a namespace.");
const AGE: Column = ("Age", "string", 0, "How long ago the object was created.");

const POD: &[Column] = &[
    NAME,
    ("Ready", "string", 0, "Containers that are ready, of all that run side by side."),
    ("Status", "string", 0, "How the containers are, in one word."),
    ("Restarts", "string", 0, "How often containers were restarted, and when last."),
    AGE,
    ("IP", "string", 1, "The pod's address within the cluster."),
    ("Node", "string", 1, "The node that the pod is bound to."),
    ("Nominated Node", "string", 1, "The node on which others make room for the pod."),
    ("Readiness Gates", "string", 1, "Conditions that hold, of those that readiness needs."),
];
const NODE: &[Column] = &[
    NAME,
    ("Status", "string", 0, "Whether the node is ready, and whether pods may be scheduled to it."),
    ("Roles", "string", 0, "The roles that the node's labels name."),
    AGE,
    ("Version", "string", 0, "The version of the kubelet."),
    ("Internal-IP", "string", 1, "The first address within the cluster."),
    ("External-IP", "string", 1, "The first address outside the cluster."),
    ("OS-Image", "string", 1, "The operating system."),
    ("Kernel-Version", "string", 1, "The kernel, and the architecture it runs on."),
    ("Container-Runtime", "string", 1, "The container runtime and its version."),
];
const DEPLOYMENT: &[Column] = &[
    NAME,
    ("Ready", "string", 0, "Pods that are ready, of those that are wanted."),
    ("Up-to-date", "string", 0, "Pods of the current template."),
    ("Available", "string", 0, "Pods that have been ready for long enough."),
    AGE,
    ("Containers", "string", 1, "The names of the template's containers."),
    ("Images", "string", 1, "The images of the template's containers."),
    ("Selector", "string", 1, "The labels of the pods."),
];
const REPLICA_SET: &[Column] = &[
    NAME,
    ("Desired", "integer", 0, "Pods that are wanted."),
    ("Current", "integer", 0, "Pods that there are."),
    ("Ready", "integer", 0, "Pods that are ready."),
    AGE,
    ("Containers", "string", 1, "The names of the template's containers."),
    ("Images", "string", 1, "The images of the template's containers."),
    ("Selector", "string", 1, "The labels of the pods."),
];
const SERVICE: &[Column] = &[
    NAME,
    ("Type", "string", 0, "How the Service is reached."),
    ("Cluster-IP", "string", 0, "Its address within the cluster."),
    ("External-IP", "string", 0, "Its addresses outside the cluster."),
    ("Port(s)", "string", 0, "Its ports, with the nodes' ports after a colon."),
    AGE,
    ("Selector", "string", 1, "The labels of the pods behind it."),
];
const EVENT: &[Column] = &[
    ("Last Seen", "string", 0, "How long ago it happened last."),
    ("Type", "string", 0, "Whether it is normal or a warning."),
    ("Reason", "string", 0, "What happened, in one word."),
    ("Object", "string", 0, "The kind and name of the object it happened to."),
    ("Subobject", "string", 1, "The part of that object."),
    ("Source", "string", 1, "Who says so, and where."),
    ("Message", "string", 0, "What happened, for people."),
    ("First Seen", "string", 1, "How long ago it happened first."),
    ("Count", "string", 1, "How often it happened."),
    ("Name", "string", 1, "The name of the event."),
];
const NAMESPACE: &[Column] =
    &[NAME, ("Status", "string", 0, "Whether the namespace is active or terminating."), AGE];
const COMPONENT_STATUS: &[Column] = &[
    NAME,
    ("Status", "string", 0, "Whether the component is healthy."),
    ("Message", "string", 0, "What the component says."),
    ("Error", "string", 0, "Why the component could not be asked."),
];
const CONFIG_MAP: &[Column] = &[NAME, ("Data", "string", 0, "The number of entries."), AGE];
const SECRET: &[Column] = &[
    NAME,
    ("Type", "string", 0, "What the entries are for."),
    ("Data", "string", 0, "The number of entries."),
    AGE,
];
const SERVICE_ACCOUNT: &[Column] = &[NAME, AGE];
const LEASE: &[Column] = &[NAME, ("Holder", "string", 0, "Who holds the lease."), AGE];
const OTHER: &[Column] = &[NAME, ("Created At", "date", 0, "When the object was created.")];

/// The `columnDefinitions` of a table of this resource.
pub(crate) fn columns(resource: &ApiResource) -> Value {
    let columns = match resource.kind {
        "CSIDriver" => storage::CSI_DRIVER,
        "CSINode" => storage::CSI_NODE,
        "CertificateSigningRequest" => policy::CERTIFICATE_SIGNING_REQUEST,
        "ComponentStatus" => COMPONENT_STATUS,
        "ConfigMap" => CONFIG_MAP,
        "ControllerRevision" => workload::CONTROLLER_REVISION,
        "CronJob" => workload::CRON_JOB,
        "DaemonSet" => workload::DAEMON_SET,
        "Deployment" => DEPLOYMENT,
        "EndpointSlice" => networking::ENDPOINT_SLICE,
        "Endpoints" => networking::ENDPOINTS,
        "Event" => EVENT,
        "HorizontalPodAutoscaler" => workload::HORIZONTAL_POD_AUTOSCALER,
        "Job" => workload::JOB,
        "IPAddress" => networking::IP_ADDRESS,
        "Ingress" => networking::INGRESS,
        "IngressClass" => networking::INGRESS_CLASS,
        "Lease" => LEASE,
        "Namespace" => NAMESPACE,
        "NetworkPolicy" => networking::NETWORK_POLICY,
        "Node" => NODE,
        "PersistentVolume" => storage::PERSISTENT_VOLUME,
        "PersistentVolumeClaim" => storage::PERSISTENT_VOLUME_CLAIM,
        "Pod" => POD,
        "PodDisruptionBudget" => workload::POD_DISRUPTION_BUDGET,
        "PodTemplate" => workload::POD_TEMPLATE,
        "ReplicationController" => workload::REPLICATION_CONTROLLER,
        "StatefulSet" => workload::STATEFUL_SET,
        "PriorityClass" => policy::PRIORITY_CLASS,
        "ReplicaSet" => REPLICA_SET,
        "ResourceQuota" => policy::RESOURCE_QUOTA,
        "RoleBinding" | "ClusterRoleBinding" => policy::BINDING,
        "RuntimeClass" => policy::RUNTIME_CLASS,
        "Scale" => workload::SCALE,
        "Secret" => SECRET,
        "Service" => SERVICE,
        "ServiceAccount" => SERVICE_ACCOUNT,
        "ServiceCIDR" => networking::SERVICE_CIDR,
        "StorageClass" => storage::STORAGE_CLASS,
        "VolumeAttachment" => storage::VOLUME_ATTACHMENT,
        "VolumeAttributesClass" => storage::VOLUME_ATTRIBUTES_CLASS,
        "APIService" => extension::API_SERVICE,
        "DeviceClass" | "ResourceClaimTemplate" => extension::NAME_AND_AGE,
        "FlowSchema" => extension::FLOW_SCHEMA,
        "MutatingAdmissionPolicy" => extension::MUTATING_POLICY,
        "MutatingAdmissionPolicyBinding" | "ValidatingAdmissionPolicyBinding" => {
            extension::POLICY_BINDING
        }
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => extension::WEBHOOKS,
        "PriorityLevelConfiguration" => extension::PRIORITY_LEVEL,
        "ResourceClaim" => extension::RESOURCE_CLAIM,
        "ResourceSlice" => extension::RESOURCE_SLICE,
        "ValidatingAdmissionPolicy" => extension::VALIDATING_POLICY,
        _ => OTHER,
    };
    columns.iter().map(|column| definition(resource, column)).collect()
}

fn definition(resource: &ApiResource, column: &Column) -> Value {
    let (name, kind, priority, description) = *column;
    // Of a scale upstream does not say that its name is one.
    let is_name = matches!(name, "Name" | "Attacher") && resource.kind != "Scale";
    let format = if is_name { "name" } else { "" };
    json!({
        "name": name, "type": kind, "format": format, "description": description, "priority": priority,
    })
}

#[cfg(test)]
mod tests;
