//! The provisioner that comes with a cluster: a claim's volume is a folder of the node on which its pod runs.
//!
//! Ours, not upstream's; it speaks like those of sig-storage-lib-external-provisioner, with their annotations,
//! events and finalizer. The folder is made when it is first mounted, by the kubelet, and removed by whoever
//! has the folders, once its volume is being deleted: until then the finalizer keeps the volume. It is not kept
//! to its capacity. Left out: volumes before there is a node, mount options, growing.

mod volume;

use std::collections::BTreeSet;
use std::sync::Arc;

use api::storage::{self, LOCAL_PATH, annotation};
use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;
use serde_json::json;

use crate::notes::Notes;
use crate::ownership::uid;
use crate::{Controller, Plan};

/// Makes volumes of claims, and lets them go. A key with a namespace is a claim's, one without a volume's.
#[derive(Clone, Debug)]
pub struct LocalPathProvisioner {
    /// Below it lie the folders of all nodes.
    root: String,
    /// Volumes that were made and are not seen yet.
    made: BTreeSet<String>,
    notes: Notes,
}

impl LocalPathProvisioner {
    /// A provisioner of folders below this one.
    pub fn new(root: &str) -> Self {
        Self { root: root.to_owned(), made: BTreeSet::new(), notes: Notes::new(LOCAL_PATH) }
    }
}

impl Controller for LocalPathProvisioner {
    fn name(&self) -> &'static str {
        "local-path-provisioner"
    }

    fn workers(&self) -> usize {
        4
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        if let AnyObject::PersistentVolume(volume) = change.object() {
            let key = change.key();
            self.made.remove(&key.name);
            let claim = storage::claim_reference(volume).map(storage::claim_key);
            return [key].into_iter().chain(claim).collect();
        }
        let resource = change.resource();
        if resource == &resources::PERSISTENT_VOLUME_CLAIMS {
            vec![change.key()]
        } else if resource == &resources::STORAGE_CLASSES {
            asking(view)
        } else {
            vec![]
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let mut plan = Plan::default();
        if key.namespace().is_none() {
            let volume = view.persistent_volumes.get(key);
            plan.requests.extend(volume.and_then(|volume| volume::request(volume)));
        } else if let Some(claim) = view.persistent_volume_claims.get(key) {
            self.notes.about(key, &AnyObject::from(Arc::clone(claim)));
            let requests = self.provision(view, claim);
            plan.requests = self.notes.flush(key, now);
            plan.requests.extend(requests);
        } else {
            self.notes.forget(key);
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if request.verb != Verb::Create || request.resource != &resources::PERSISTENT_VOLUMES {
            return;
        }
        let name = request.body.as_ref().map(|body| api::object::text(body, &["metadata", "name"]));
        let name = name.unwrap_or_default();
        match outcome {
            Ok(_) => {
                self.made.insert(name.to_owned());
                let message = format!("Successfully provisioned volume {name}");
                self.notes.add(key, Note::normal("ProvisioningSucceeded", message));
            }
            Err(status) if status.reason == Reason::AlreadyExists => {}
            Err(status) => {
                let message =
                    format!("Error creating provisioned PV object for claim {key}: {status}");
                self.notes.add(key, Note::warning("ProvisioningFailed", message));
            }
        }
    }
}

impl LocalPathProvisioner {
    /// Makes the volume of a claim that asks for one.
    fn provision(&mut self, view: &View, claim: &Arc<PersistentVolumeClaim>) -> Vec<Request> {
        let name = format!("pvc-{}", uid(&claim.metadata));
        let is_made = self.made.contains(&name)
            || view.persistent_volumes.get(&Key::cluster(&name)).is_some();
        let Some(class) = class(view, claim).filter(|_| !is_made && asks(claim)) else {
            return vec![];
        };
        let Some(selected) = annotation(&claim.metadata, storage::SELECTED_NODE) else {
            if !storage::waits_for_first_consumer(Some(class)) {
                self.refuse(claim, class, "no node was specified");
            }
            return vec![];
        };
        if let Some(why) = unsupported(claim) {
            self.refuse(claim, class, why);
            return vec![];
        }
        let Some(node) = view.nodes.get(&Key::cluster(selected)) else {
            self.refuse(claim, class, &format!("node \"{selected}\" not found"));
            return vec![unselect(claim)];
        };
        let key = Key::of(&claim.metadata);
        let message = format!("External provisioner is provisioning volume for claim \"{key}\"");
        self.notes.add(&key, Note::normal("Provisioning", message));
        vec![Request::create(&self.volume(&name, claim, (class, node)))]
    }

    fn refuse(&mut self, claim: &PersistentVolumeClaim, class: &StorageClass, why: &str) {
        let class = class.metadata.name.as_deref().unwrap_or_default();
        let message = format!("failed to provision volume with StorageClass \"{class}\": {why}");
        self.notes.add(&Key::of(&claim.metadata), Note::warning("ProvisioningFailed", message));
    }

    fn volume(
        &self,
        name: &str,
        claim: &PersistentVolumeClaim,
        (class, node): (&StorageClass, &Node),
    ) -> PersistentVolume {
        let key = Key::of(&claim.metadata);
        let node_name = node.metadata.name.as_deref().unwrap_or_default();
        let path = format!("{}/{node_name}/{name}_{}_{}", self.root, key.namespace, key.name);
        volume::new(name, claim, &volume::Place { class, node, path })
    }
}

/// The claims that wait for a volume of this provisioner.
fn asking(view: &View) -> Vec<Key> {
    let claims = view.persistent_volume_claims.iter().filter(|claim| asks(claim));
    claims.map(|claim| Key::of(&claim.metadata)).collect()
}

/// Whether a claim waits for a volume of this provisioner.
fn asks(claim: &PersistentVolumeClaim) -> bool {
    let asked = annotation(&claim.metadata, storage::STORAGE_PROVISIONER)
        .or_else(|| annotation(&claim.metadata, storage::BETA_STORAGE_PROVISIONER));
    asked == Some(LOCAL_PATH)
        && storage::volume_name(claim).is_empty()
        && claim.metadata.deletion_timestamp.is_none()
}

/// The class of a claim, if it is of this provisioner.
fn class<'a>(view: &'a View, claim: &PersistentVolumeClaim) -> Option<&'a Arc<StorageClass>> {
    let class = view.storage_classes.get(&Key::cluster(storage::class_of_claim(claim)));
    class.filter(|class| class.provisioner == LOCAL_PATH)
}

/// Why a folder cannot be what a claim asks for.
fn unsupported(claim: &PersistentVolumeClaim) -> Option<&'static str> {
    let spec = claim.spec.as_ref()?;
    let is_single = |mode: &String| matches!(mode.as_str(), "ReadWriteOnce" | "ReadWriteOncePod");
    if !storage::access_modes(claim).iter().all(is_single) {
        Some("only the access modes ReadWriteOnce and ReadWriteOncePod are supported")
    } else if spec.volume_mode.as_deref() == Some("Block") {
        Some("only the volume mode Filesystem is supported")
    } else if spec.selector.is_some() {
        Some("claims with a selector are not supported")
    } else if spec.data_source.is_some() || spec.data_source_ref.is_some() {
        Some("claims with a data source are not supported")
    } else {
        None
    }
}

/// Asks the scheduler for another node.
fn unselect(claim: &PersistentVolumeClaim) -> Request {
    let metadata = json!({"resourceVersion": claim.metadata.resource_version,
        "annotations": {storage::SELECTED_NODE: null}});
    let patch = json!({"metadata": metadata});
    let key = Key::of(&claim.metadata);
    Request::merge_patch(&resources::PERSISTENT_VOLUME_CLAIMS, key, patch)
}

#[cfg(test)]
mod tests;
