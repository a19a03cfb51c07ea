//! One pass over a node: what is detached, attached and reported.
//!
//! Source: pkg/controller/volume/attachdetach/reconciler/reconciler.go (v1.36).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::storage::annotation;
use api::{Key, Request, Timestamp, resources};
use client::View;
use client::event::Note;
use k8s_openapi::api::core::v1::{AttachedVolume, Node, Pod};
use k8s_openapi::api::storage::v1::{VolumeAttachment, VolumeAttachmentSpec};
use serde_json::json;

use super::attachment;
use super::wanted::{self, Wanted};
use crate::ownership::{name, uid};
use crate::{Plan, after_seconds, nodes};

/// On nodes whose volumes this controller attaches.
const MANAGED: &str = "volumes.kubernetes.io/controller-managed-attach-detach";
/// How long a volume stays attached to a node that is not ready and does not unmount it.
const UNMOUNT_SECONDS: i64 = 6 * 60;

/// By name, attachments that were asked for and are not seen yet.
type Asked = BTreeMap<String, VolumeAttachmentSpec>;

/// A pass under way.
pub(super) struct Pass<'a> {
    view: &'a View,
    node_name: &'a str,
    node: Option<&'a Arc<Node>>,
    wanted: BTreeMap<String, Wanted>,
    unwanted: &'a mut BTreeMap<String, Timestamp>,
    asked: &'a mut Asked,
    now: Timestamp,
    /// What the node's status is to say.
    reported: Vec<AttachedVolume>,
    pub(super) requests: Vec<Request>,
    /// Pods, the attachments that it is about, and what is said.
    pub(super) notes: Vec<(Arc<Pod>, String, Note)>,
    pub(super) look_again: Option<Timestamp>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        view: &'a View,
        node_name: &'a str,
        (unwanted, asked, now): (&'a mut BTreeMap<String, Timestamp>, &'a mut Asked, Timestamp),
    ) -> Self {
        let node = view.nodes.get(&Key::cluster(node_name));
        let is_managed = node.is_some_and(|node| annotation(&node.metadata, MANAGED).is_some());
        let wanted = if is_managed { wanted::on_node(view, node_name) } else { BTreeMap::new() };
        let (reported, requests, notes) = (vec![], vec![], vec![]);
        Self {
            view,
            node_name,
            node,
            wanted,
            unwanted,
            asked,
            now,
            reported,
            requests,
            notes,
            look_again: None,
        }
    }

    /// Detaches first, so that what moves to another node can be attached there.
    pub(super) fn run(&mut self) {
        let attachments: Vec<Arc<VolumeAttachment>> = self.attachments().cloned().collect();
        for attachment in &attachments {
            match self.wanted.get(name(&attachment.metadata)) {
                Some(wanted) => self.follow(attachment, &wanted.clone()),
                None => self.detach(attachment),
            }
        }
        let existing: BTreeSet<&str> =
            attachments.iter().map(|attachment| name(&attachment.metadata)).collect();
        let wanted = std::mem::take(&mut self.wanted);
        for (attachment, wanted) in &wanted {
            if !existing.contains(attachment.as_str()) {
                self.attach(attachment, wanted);
            }
        }
        self.report();
    }

    fn attachments(&self) -> impl Iterator<Item = &'a Arc<VolumeAttachment>> {
        let node = self.node_name;
        let attachments = self.view.volume_attachments.iter();
        attachments.filter(move |attachment| attachment.spec.node_name == node)
    }

    /// What of a wanted volume's attachment is to be told.
    fn follow(&mut self, found: &VolumeAttachment, wanted: &Wanted) {
        self.unwanted.remove(name(&found.metadata));
        let volume = name(&wanted.volume.metadata);
        if attachment::is_attached(found) {
            let reported = wanted::driver_source(&wanted.volume).map(attachment::reported);
            if reported.as_ref().is_some_and(|volume| !self.is_reported(&volume.name)) {
                let message = format!("AttachVolume.Attach succeeded for volume \"{volume}\" ");
                let note = Note::normal("SuccessfulAttachVolume", message);
                self.say((wanted, name(&found.metadata)), &note);
            }
            self.reported.extend(reported);
        } else if let Some(why) = attachment::error(found) {
            let message = format!("AttachVolume.Attach failed for volume \"{volume}\" : {why}");
            self.say(
                (wanted, name(&found.metadata)),
                &Note::warning("FailedAttachVolume", message),
            );
        }
    }

    fn say(&mut self, (wanted, attachment): (&Wanted, &str), note: &Note) {
        let notes =
            wanted.pods.iter().map(|pod| (Arc::clone(pod), attachment.to_owned(), note.clone()));
        self.notes.extend(notes);
    }

    /// Ends an attachment once its volume is not mounted any more, and the node's status does not have it.
    fn detach(&mut self, found: &VolumeAttachment) {
        let key = Key::of(&found.metadata);
        let Some(volume) = found.spec.source.persistent_volume_name.as_deref() else { return };
        let reported = match self.view.persistent_volumes.get(&Key::cluster(volume)) {
            Some(volume) => match wanted::driver_source(volume) {
                Some(source) => Some(attachment::reported(source)),
                None => return,
            },
            None if attachment::is_of_controller(&key.name) => self.reported_as(&key.name),
            None => return,
        };
        let since = *self.unwanted.entry(key.name.clone()).or_insert(self.now);
        let volume = reported.as_ref().map_or("", |reported| &reported.name);
        if self.is_in_use(volume) && !self.is_given_up(since) {
            self.reported.extend(reported.filter(|_| attachment::is_attached(found)));
        } else if !self.is_reported(volume) && found.metadata.deletion_timestamp.is_none() {
            let resource = &resources::VOLUME_ATTACHMENTS;
            let id = uid(&found.metadata);
            self.requests.push(Request::delete(resource, key, id, json!({})));
        }
    }

    /// As what the node's status tells of a volume that is gone: its attachment is named by it.
    fn reported_as(&self, attachment: &str) -> Option<AttachedVolume> {
        let status = self.node?.status.as_ref()?;
        let attached = status.volumes_attached.iter().flatten().map(|attached| &attached.name);
        let mut told = attached.chain(status.volumes_in_use.iter().flatten());
        let name = told.find(|volume| {
            attachment::of_reported(volume, self.node_name).as_deref() == Some(attachment)
        });
        name.map(|name| AttachedVolume { name: name.clone(), device_path: String::new() })
    }

    /// Whether a node will not unmount what it has mounted.
    fn is_given_up(&mut self, since: Timestamp) -> bool {
        let Some(node) = self.node else { return true };
        if nodes::is_out_of_service(node) {
            return true;
        }
        let gives_up = after_seconds(since, UNMOUNT_SECONDS);
        if nodes::is_ready(node) || self.now < gives_up {
            let mut plan = Plan { requests: vec![], look_again: self.look_again };
            if self.now < gives_up {
                plan.look_again_at(gives_up);
            }
            self.look_again = plan.look_again;
            return false;
        }
        true
    }

    /// Asks for an attachment, unless the volume is attached to another node and to one only.
    fn attach(&mut self, attachment: &str, wanted: &Wanted) {
        let volume = name(&wanted.volume.metadata);
        let seen = self.view.volume_attachments.iter().map(|other| &other.spec);
        let asked = self.asked.values().filter(|other| other.node_name != self.node_name).cloned();
        let asked: Vec<VolumeAttachmentSpec> = asked.collect();
        let others = seen
            .chain(&asked)
            .filter(|other| other.source.persistent_volume_name.as_deref() == Some(volume));
        let nodes: BTreeSet<&str> = others.map(|other| other.node_name.as_str()).collect();
        if is_exclusive(wanted) && !nodes.is_empty() {
            for pod in &wanted.pods {
                let why = self.users(&nodes, (volume, pod));
                let message = format!("Multi-Attach error for volume \"{volume}\" {why}");
                let note = Note::warning("FailedAttachVolume", message);
                self.notes.push((Arc::clone(pod), attachment.to_owned(), note));
            }
            return;
        }
        let Some(new) = attachment::new(&wanted.volume, self.node_name) else { return };
        self.asked.insert(attachment.to_owned(), new.spec.clone());
        self.requests.push(Request::create(&new));
    }

    /// What a pod is told of those that use its volume elsewhere.
    fn users(&self, nodes: &BTreeSet<&str>, (volume, pod): (&str, &Pod)) -> String {
        let elsewhere =
            nodes.iter().flat_map(|node| wanted::on_node(self.view, node).into_values());
        let of_volume = elsewhere.filter(|wanted| name(&wanted.volume.metadata) == volume);
        let pods: Vec<Arc<Pod>> = of_volume.flat_map(|wanted| wanted.pods).collect();
        let (local, foreign): (Vec<&Arc<Pod>>, Vec<&Arc<Pod>>) =
            pods.iter().partition(|other| other.metadata.namespace == pod.metadata.namespace);
        let names: Vec<&str> = local.iter().map(|pod| name(&pod.metadata)).collect();
        match (names.len(), foreign.len()) {
            (0, 0) => {
                "Volume is already exclusively attached to one node and can't be attached to another"
                    .to_owned()
            }
            (0, others) => {
                format!("Volume is already used by {others} pod(s) in different namespaces")
            }
            (_, 0) => format!("Volume is already used by pod(s) {}", names.join(", ")),
            (_, others) => format!(
                "Volume is already used by pod(s) {} and {others} pod(s) in different namespaces",
                names.join(", ")
            ),
        }
    }

    /// Writes into the node's status what is attached to it.
    fn report(&mut self) {
        let Some(node) = self.node else { return };
        let status = node.status.as_ref();
        let before = status.and_then(|status| status.volumes_attached.clone()).unwrap_or_default();
        let names = |volumes: &[AttachedVolume]| -> BTreeSet<String> {
            volumes.iter().map(|volume| volume.name.clone()).collect()
        };
        if names(&before) != names(&self.reported) {
            let patch = json!({"metadata": {"uid": uid(&node.metadata)},
                "status": {"volumesAttached": self.reported}});
            let request = Request::merge_patch(&resources::NODES, Key::of(&node.metadata), patch);
            self.requests.push(request.to_subresource("status"));
        }
    }

    /// Whether the node's status says that a volume is attached.
    fn is_reported(&self, volume: &str) -> bool {
        let status = self.node.and_then(|node| node.status.as_ref());
        let attached = status.and_then(|status| status.volumes_attached.as_ref());
        attached.into_iter().flatten().any(|attached| attached.name == volume)
    }

    /// Whether the node says that it has mounted a volume.
    fn is_in_use(&self, volume: &str) -> bool {
        let status = self.node.and_then(|node| node.status.as_ref());
        let used = status.and_then(|status| status.volumes_in_use.as_ref());
        used.into_iter().flatten().any(|used| used == volume)
    }
}

/// Whether a volume can be attached to one node only.
/// Source: `IsMultiAttachAllowed` in pkg/volume/util/util.go (v1.36).
fn is_exclusive(wanted: &Wanted) -> bool {
    let spec = wanted.volume.spec.as_ref();
    let modes = spec.and_then(|spec| spec.access_modes.as_deref()).unwrap_or_default();
    !modes.is_empty()
        && !modes.iter().any(|mode| matches!(mode.as_str(), "ReadWriteMany" | "ReadOnlyMany"))
}
