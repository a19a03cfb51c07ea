//! The least that objects say in the tests of all kinds.

use serde_json::{Value, json};

/// What an object of this kind says besides its metadata.
pub(super) fn content(kind: &str) -> Value {
    match kind {
        "CSIStorageCapacity" => json!({"storageClassName": "a"}),
        "PersistentVolume" => json!({"spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
            "hostPath": {"path": "/a"},
        }}),
        "PersistentVolumeClaim" => json!({"spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
        }}),
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
