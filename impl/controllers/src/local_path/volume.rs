//! A volume that is a folder of a node: how it is made, and when it may go.

use api::storage::{self, LOCAL_PATH, PROVISIONER_FINALIZER, annotation};
use api::{Key, Request, resources};
use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;
use serde_json::{Value, json};

use crate::ownership::uid;

const HOSTNAME: &str = "kubernetes.io/hostname";

/// Where a volume is made.
pub(super) struct Place<'a> {
    pub(super) class: &'a StorageClass,
    pub(super) node: &'a Node,
    pub(super) path: String,
}

/// The volume of a claim.
pub(super) fn new(
    name: &str,
    claim: &PersistentVolumeClaim,
    place: &Place<'_>,
) -> PersistentVolume {
    let policy = place.class.reclaim_policy.as_deref().unwrap_or("Delete");
    let finalizers: Vec<&str> =
        if policy == "Delete" { vec![PROVISIONER_FINALIZER] } else { vec![] };
    let storage = storage::requested(claim).to_string();
    let volume = json!({
        "metadata": {"name": name, "annotations": {storage::PROVISIONED_BY: LOCAL_PATH}, "finalizers": finalizers},
        "spec": {
            "accessModes": storage::access_modes(claim), "capacity": {"storage": storage},
            "claimRef": storage::reference_to(claim), "storageClassName": storage::class_of_claim(claim),
            "persistentVolumeReclaimPolicy": policy, "volumeMode": "Filesystem",
            "local": {"path": place.path}, "nodeAffinity": affinity(place.node),
        },
    });
    serde_json::from_value(volume).expect("it is a PersistentVolume")
}

/// Only the node itself reaches its folders.
fn affinity(node: &Node) -> Value {
    let name = node.metadata.name.as_deref().unwrap_or_default();
    let labels = node.metadata.labels.as_ref();
    let requirement =
        |key: &str, value: &str| json!([{"key": key, "operator": "In", "values": [value]}]);
    let term = match labels.and_then(|labels| labels.get(HOSTNAME)) {
        Some(hostname) => json!({"matchExpressions": requirement(HOSTNAME, hostname)}),
        None => json!({"matchFields": requirement("metadata.name", name)}),
    };
    json!({"required": {"nodeSelectorTerms": [term]}})
}

/// What is to be asked for a volume: that it goes with its claim if that is its policy, and stays until its
/// folder is gone.
pub(super) fn request(volume: &PersistentVolume) -> Option<Request> {
    let is_ours = annotation(&volume.metadata, storage::PROVISIONED_BY) == Some(LOCAL_PATH);
    if !is_ours || volume.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let spec = volume.spec.as_ref()?;
    let goes = spec.persistent_volume_reclaim_policy.as_deref() == Some("Delete");
    let finalizers: Vec<&String> = volume.metadata.finalizers.iter().flatten().collect();
    let is_kept = finalizers.iter().any(|finalizer| *finalizer == PROVISIONER_FINALIZER);
    let phase = volume.status.as_ref().and_then(|status| status.phase.as_deref());
    let key = Key::of(&volume.metadata);
    if goes != is_kept {
        let mut wanted: Vec<&str> = finalizers.iter().map(|finalizer| finalizer.as_str()).collect();
        wanted.retain(|finalizer| *finalizer != PROVISIONER_FINALIZER);
        wanted.extend(goes.then_some(PROVISIONER_FINALIZER));
        let version = &volume.metadata.resource_version;
        let patch = json!({"metadata": {"resourceVersion": version, "finalizers": wanted}});
        return Some(Request::merge_patch(&resources::PERSISTENT_VOLUMES, key, patch));
    }
    (goes && phase == Some("Released")).then(|| {
        Request::delete(&resources::PERSISTENT_VOLUMES, key, uid(&volume.metadata), json!({}))
    })
}
