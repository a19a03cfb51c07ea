//! The least that objects say in the tests of all kinds.

use serde_json::{Value, json};

/// What an object of this kind says besides its metadata.
pub(super) fn content(kind: &str) -> Value {
    match kind {
        "APIService" => json!({"spec": {
            "group": "a", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1,
        }}),
        "FlowSchema" => json!({"spec": {"priorityLevelConfiguration": {"name": "a"}}}),
        "PriorityLevelConfiguration" => json!({"spec": {
            "type": "Limited", "limited": {"limitResponse": {"type": "Reject"}},
        }}),
        "CustomResourceDefinition" => json!({"spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "foos", "kind": "Foo"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}}}],
        }}),
        "ResourceSlice" => json!({"spec": {"driver": "a", "allNodes": true,
            "pool": {"name": "a", "resourceSliceCount": 1}}}),
        "MutatingAdmissionPolicy" => json!({"spec": {
            "matchConstraints": {"resourceRules": [rule()]}, "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "[]"}}],
        }}),
        "MutatingAdmissionPolicyBinding" => json!({"spec": {"policyName": "a"}}),
        "ValidatingAdmissionPolicy" => json!({"spec": {
            "matchConstraints": {"resourceRules": [rule()]}, "validations": [{"expression": "true"}],
        }}),
        "ValidatingAdmissionPolicyBinding" => {
            json!({"spec": {"policyName": "a", "validationActions": ["Deny"]}})
        }
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            json!({"webhooks": [{"name": "a.b.c", "rules": [rule()], "sideEffects": "None",
                "clientConfig": {"url": "https://a"}, "admissionReviewVersions": ["v1"]}]})
        }
        "CertificateSigningRequest" => json!({"spec": {
            "request": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K", "signerName": "a.a/a",
            "usages": ["any"],
        }}),
        "CSIStorageCapacity" => json!({"storageClassName": "a"}),
        "EndpointSlice" => json!({"addressType": "IPv4"}),
        "Ingress" => json!({"spec": {
            "defaultBackend": {"service": {"name": "a", "port": {"number": 80}}},
        }}),
        "IngressClass" => json!({"spec": {"controller": "a/a"}}),
        "IPAddress" => json!({"spec": {"parentRef": {"resource": "services", "name": "a"}}}),
        "PersistentVolume" => json!({"spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
            "hostPath": {"path": "/a"},
        }}),
        "PersistentVolumeClaim" => json!({"spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
        }}),
        "RuntimeClass" => json!({"handler": "a"}),
        "ServiceCIDR" => json!({"spec": {"cidrs": ["10.0.0.0/16"]}}),
        "StorageClass" => json!({"provisioner": "a"}),
        "VolumeAttachment" => json!({"spec": {
            "attacher": "a", "nodeName": "a", "source": {"persistentVolumeName": "a"},
        }}),
        "VolumeAttributesClass" => json!({"driverName": "a", "parameters": {"a": "a"}}),
        "RoleBinding" | "ClusterRoleBinding" => {
            json!({"roleRef": {"kind": "ClusterRole", "name": "view"}})
        }
        "Service" => json!({"spec": {"ports": [{"port": 80}]}}),
        _ => json!({}),
    }
}

/// A name that objects of this kind may have.
pub(super) fn name(kind: &str) -> &'static str {
    match kind {
        "APIService" => "v1.a",
        "CustomResourceDefinition" => "foos.example.com",
        "IPAddress" => "10.0.0.1",
        _ => "a",
    }
}

fn rule() -> Value {
    json!({"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]})
}
