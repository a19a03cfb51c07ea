//! Who owns whom, by uid, as the cache has it.

use std::collections::{BTreeMap, BTreeSet};

use api::{ApiResource, Key, Request};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use crate::ownership::uid;

/// The finalizer of an owner that goes after its dependents.
pub(super) const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer of an owner that leaves its dependents behind.
pub(super) const ORPHAN: &str = "orphan";

/// What the graph keeps of an object.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) uid: String,
    pub(super) resource: &'static ApiResource,
    pub(super) key: Key,
    pub(super) resource_version: String,
    pub(super) deleting: bool,
    pub(super) finalizers: Vec<String>,
    pub(super) owners: Vec<OwnerReference>,
}

impl Node {
    pub(super) fn of(resource: &'static ApiResource, metadata: &ObjectMeta) -> Self {
        Self {
            uid: uid(metadata).to_owned(),
            resource,
            key: Key::of(metadata),
            resource_version: metadata.resource_version.clone().unwrap_or_default(),
            deleting: metadata.deletion_timestamp.is_some(),
            finalizers: metadata.finalizers.clone().unwrap_or_default(),
            owners: metadata.owner_references.clone().unwrap_or_default(),
        }
    }

    /// What an event says that it is about.
    pub(super) fn reference(&self) -> ObjectReference {
        ObjectReference {
            api_version: Some(self.resource.api_version()),
            kind: Some(self.resource.kind.to_owned()),
            namespace: self.key.namespace().map(str::to_owned),
            name: Some(self.key.name.clone()),
            uid: Some(self.uid.clone()),
            ..ObjectReference::default()
        }
    }

    pub(super) fn has_finalizer(&self, finalizer: &str) -> bool {
        self.finalizers.iter().any(|found| found == finalizer)
    }

    /// Whether it is being deleted, after its dependents.
    pub(super) fn waits_for_dependents(&self) -> bool {
        self.deleting && self.has_finalizer(FOREGROUND)
    }

    /// Whether a request to read an owner asks for this object.
    pub(super) fn is_meant_by(&self, asked: &Request) -> bool {
        asked.resource == self.resource && asked.key == self.key
    }

    fn blocks(&self, owner: &str) -> bool {
        let mut owners = self.owners.iter();
        owners.any(|found| found.uid == owner && found.block_owner_deletion == Some(true))
    }
}

/// Every object that is there, and the dependents of every owner, there or not.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    nodes: BTreeMap<String, Node>,
    dependents: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    pub(super) fn get(&self, uid: &str) -> Option<&Node> {
        self.nodes.get(uid)
    }

    pub(super) fn dependents(&self, uid: &str) -> BTreeSet<String> {
        self.dependents.get(uid).cloned().unwrap_or_default()
    }

    /// Whether a dependent holds up its owner's deletion.
    pub(super) fn is_blocked(&self, uid: &str) -> bool {
        let dependents = self.dependents.get(uid).into_iter().flatten();
        dependents.filter_map(|dependent| self.nodes.get(dependent)).any(|node| node.blocks(uid))
    }

    /// Puts an object; returns the uids that are due for it.
    pub(super) fn put(&mut self, node: Node) -> BTreeSet<String> {
        let mut due = self.unlink(&node.uid);
        if !node.owners.is_empty() || node.deleting {
            due.insert(node.uid.clone());
        }
        for owner in &node.owners {
            self.dependents.entry(owner.uid.clone()).or_default().insert(node.uid.clone());
        }
        if node.deleting && node.has_finalizer(FOREGROUND) {
            due.extend(self.dependents(&node.uid));
        }
        self.nodes.insert(node.uid.clone(), node);
        due
    }

    /// Removes an object; its dependents are due, and owners that waited for it.
    pub(super) fn remove(&mut self, uid: &str) -> BTreeSet<String> {
        let mut due = self.unlink(uid);
        self.nodes.remove(uid);
        due.extend(self.dependents(uid));
        due
    }

    /// Takes an object's old owner references out; returns the owners that are being deleted.
    fn unlink(&mut self, uid: &str) -> BTreeSet<String> {
        let mut due = BTreeSet::new();
        let owners = self.nodes.get(uid).map(|node| node.owners.clone()).unwrap_or_default();
        for owner in owners {
            if let Some(dependents) = self.dependents.get_mut(&owner.uid) {
                dependents.remove(uid);
                if dependents.is_empty() {
                    self.dependents.remove(&owner.uid);
                }
            }
            if self.nodes.get(&owner.uid).is_some_and(|owner| owner.deleting) {
                due.insert(owner.uid);
            }
        }
        due
    }
}
