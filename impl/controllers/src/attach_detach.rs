//! The attach/detach controller: asks CSI drivers to attach the volumes of pods to their nodes, and to detach
//! those that no pod there needs.
//!
//! Source: pkg/controller/volume/attachdetach and pkg/volume/csi/csi_attacher.go (v1.36). Left out: volumes
//! other than CSI ones, for whose plugins drivers stand in or which need not be attached, and that a pod ends
//! when a node has no room for its volumes.

mod attachment;
mod pass;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use api::object::text;
use api::storage::claim_key;
use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources, storage};
use client::event::{Note, reference};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::storage::v1::VolumeAttachmentSpec;

use self::pass::Pass;
use crate::notes::Notes;
use crate::ownership::uid;
use crate::{Controller, Plan, nodes};

/// Attaches and detaches. A key is a node's.
#[derive(Clone, Debug)]
pub struct AttachDetachController {
    notes: Notes,
    /// By the uid of a pod and an attachment, what was said of them last.
    said: BTreeMap<(String, String), Note>,
    /// By attachment, since when it is to be ended.
    unwanted: BTreeMap<String, Timestamp>,
    /// Attachments that it has asked for and has not seen yet.
    asked: BTreeMap<String, VolumeAttachmentSpec>,
}

impl Default for AttachDetachController {
    fn default() -> Self {
        Self {
            notes: Notes::new("attachdetach-controller"),
            said: BTreeMap::new(),
            unwanted: BTreeMap::new(),
            asked: BTreeMap::new(),
        }
    }
}

impl Controller for AttachDetachController {
    fn name(&self) -> &'static str {
        "persistentvolume-attach-detach-controller"
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        if change.new.is_none() {
            let gone = uid(change.object().metadata());
            self.said.retain(|(pod, _), _| pod != gone);
        }
        if let AnyObject::VolumeAttachment(_) = change.object() {
            self.asked.remove(&change.key().name);
        }
        let objects = change.old.iter().chain(&change.new);
        let mut nodes: BTreeSet<String> =
            objects.flat_map(|object| concerned(view, object)).collect();
        if let AnyObject::Node(node) = change.object()
            && is_concerned(view, change, node)
        {
            nodes.insert(change.key().name);
        }
        nodes.iter().map(|node| Key::cluster(node)).collect()
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let mut pass = Pass::new(view, &key.name, (&mut self.unwanted, &mut self.asked, now));
        pass.run();
        let Pass { mut requests, notes, look_again, .. } = pass;
        for (pod, attachment, note) in notes {
            let identity = (uid(&pod.metadata).to_owned(), attachment);
            if self.said.insert(identity, note.clone()).as_ref() != Some(&note) {
                let about = reference(&AnyObject::from(pod), "");
                requests.extend(self.notes.record(about, note, now));
            }
        }
        Plan { requests, look_again }.observed_at(view.revision)
    }

    /// What was refused is not there, unless it was there before.
    fn completed(&mut self, _key: &Key, request: &Request, outcome: &Outcome) {
        let is_creation =
            request.resource == &resources::VOLUME_ATTACHMENTS && request.verb == Verb::Create;
        let Some(body) = request.body.as_ref().filter(|_| is_creation) else { return };
        let is_refused =
            outcome.as_ref().is_err_and(|status| status.reason != Reason::AlreadyExists);
        if is_refused {
            self.asked.remove(text(body, &["metadata", "name"]));
        }
    }
}

/// The nodes that an object other than a Node concerns.
fn concerned(view: &View, object: &AnyObject) -> Vec<String> {
    if let AnyObject::Pod(pod) = object {
        let uses_driver = wanted::of_pod(view, pod).next().is_some();
        let node = crate::pods::node_name(pod).to_owned();
        return if uses_driver && !node.is_empty() { vec![node] } else { vec![] };
    }
    if let AnyObject::VolumeAttachment(attachment) = object {
        let volume = attachment.spec.source.persistent_volume_name.as_deref();
        let volume = volume.and_then(|name| view.persistent_volumes.get(&Key::cluster(name)));
        let claim = volume.and_then(|volume| storage::claim_reference(volume)).map(claim_key);
        let users = claim.map(|claim| wanted::nodes_using(view, &claim)).unwrap_or_default();
        return [attachment.spec.node_name.clone()].into_iter().chain(users).collect();
    }
    if let AnyObject::PersistentVolumeClaim(_) = object {
        return wanted::nodes_using(view, &object.key());
    }
    if let AnyObject::PersistentVolume(volume) = object
        && wanted::driver_source(volume).is_some()
    {
        let claim = storage::claim_reference(volume).map(claim_key);
        return claim.map(|claim| wanted::nodes_using(view, &claim)).unwrap_or_default();
    }
    vec![]
}

/// Whether a change of a Node matters: it is new or gone, or has something attached and says something else of
/// it, or of itself.
fn is_concerned(view: &View, change: &Change, node: &Node) -> bool {
    let name = node.metadata.name.as_deref().unwrap_or_default();
    let has_attachments =
        || view.volume_attachments.iter().any(|attachment| attachment.spec.node_name == name);
    let (Some(AnyObject::Node(old)), Some(AnyObject::Node(new))) = (&change.old, &change.new)
    else {
        return true;
    };
    let told = |node: &Node| {
        let status = node.status.as_ref();
        let in_use = status.and_then(|status| status.volumes_in_use.clone());
        let attached = status.and_then(|status| status.volumes_attached.clone());
        (in_use, attached, nodes::is_ready(node))
    };
    has_attachments()
        && (old.spec != new.spec
            || old.metadata.annotations != new.metadata.annotations
            || told(old) != told(new))
}

#[cfg(test)]
mod tests;
