//! Claims, volumes and what limits them as the scheduler knows them, with what it is about to write.
//!
//! Source: pkg/scheduler/util/assumecache (v1.36).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{AnyObject, Key};
use client::{Cache, Change};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::{CSINode, StorageClass, VolumeAttachment};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::cluster::set;

/// What the scheduler knows of storage.
#[derive(Clone, Debug, Default)]
pub struct Volumes {
    claims: Cache<PersistentVolumeClaim>,
    volumes: Cache<PersistentVolume>,
    classes: Cache<StorageClass>,
    csi_nodes: Cache<CSINode>,
    attachments: Cache<VolumeAttachment>,
    assumed_claims: BTreeMap<Key, Arc<PersistentVolumeClaim>>,
    assumed_volumes: BTreeMap<Key, Arc<PersistentVolume>>,
}

impl Volumes {
    /// Hears of a change; whether it is one of what is kept here.
    pub fn observe(&mut self, change: &Change) -> bool {
        let object = change.object();
        if let AnyObject::PersistentVolumeClaim(claim) = object {
            set(&mut self.claims, claim, change);
        } else if let AnyObject::PersistentVolume(volume) = object {
            set(&mut self.volumes, volume, change);
        } else if let AnyObject::StorageClass(class) = object {
            set(&mut self.classes, class, change);
        } else if let AnyObject::CSINode(node) = object {
            set(&mut self.csi_nodes, node, change);
        } else if let AnyObject::VolumeAttachment(attachment) = object {
            set(&mut self.attachments, attachment, change);
        } else {
            return false;
        }
        true
    }

    /// A claim as it is going to be.
    pub fn claim(&self, key: &Key) -> Option<&Arc<PersistentVolumeClaim>> {
        Some(newest(self.claims.get(key)?, self.assumed_claims.get(key)))
    }

    /// A claim as it was seen last.
    pub fn seen_claim(&self, key: &Key) -> Option<&Arc<PersistentVolumeClaim>> {
        self.claims.get(key)
    }

    /// A volume as it is going to be.
    pub fn volume(&self, name: &str) -> Option<&Arc<PersistentVolume>> {
        let key = Key::cluster(name);
        Some(newest(self.volumes.get(&key)?, self.assumed_volumes.get(&key)))
    }

    /// A volume as it was seen last.
    pub fn seen_volume(&self, name: &str) -> Option<&Arc<PersistentVolume>> {
        self.volumes.get(&Key::cluster(name))
    }

    /// All volumes as they are going to be.
    pub fn all(&self) -> impl Iterator<Item = &Arc<PersistentVolume>> {
        self.volumes
            .iter()
            .map(|volume| newest(volume, self.assumed_volumes.get(&Key::of(&volume.metadata))))
    }

    /// A StorageClass.
    pub fn class(&self, name: &str) -> Option<&Arc<StorageClass>> {
        self.classes.get(&Key::cluster(name))
    }

    /// The CSI drivers of a node.
    pub fn csi_node(&self, name: &str) -> Option<&Arc<CSINode>> {
        self.csi_nodes.get(&Key::cluster(name))
    }

    /// The volumes that are attached to a node, or are to be.
    pub fn attachments<'a>(
        &'a self,
        node: &'a str,
    ) -> impl Iterator<Item = &'a Arc<VolumeAttachment>> {
        self.attachments.iter().filter(move |attachment| attachment.spec.node_name == node)
    }

    /// Counts a claim as it is going to be.
    pub fn assume_claim(&mut self, claim: Arc<PersistentVolumeClaim>) {
        self.assumed_claims.insert(Key::of(&claim.metadata), claim);
    }

    /// Counts a volume as it is going to be.
    pub fn assume_volume(&mut self, volume: Arc<PersistentVolume>) {
        self.assumed_volumes.insert(Key::of(&volume.metadata), volume);
    }

    /// Counts a claim as it was seen.
    pub fn forget_claim(&mut self, key: &Key) {
        self.assumed_claims.remove(key);
    }

    /// Counts a volume as it was seen.
    pub fn forget_volume(&mut self, name: &str) {
        self.assumed_volumes.remove(&Key::cluster(name));
    }
}

/// How new an object is.
pub(crate) fn version(metadata: &ObjectMeta) -> u64 {
    let version = metadata.resource_version.as_deref();
    version.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// What is assumed of an object, unless something newer was seen.
pub(crate) fn newest<'a, K: api::Kind>(
    seen: &'a Arc<K>,
    assumed: Option<&'a Arc<K>>,
) -> &'a Arc<K> {
    let is_newer = |assumed: &&Arc<K>| {
        assumed.metadata().uid == seen.metadata().uid
            && version(assumed.metadata()) >= version(seen.metadata())
    };
    assumed.filter(is_newer).unwrap_or(seen)
}
