//! Volumes that a CSI driver attaches, and Pods on several nodes that want them. What this project has none of, the
//! driver and the volume manager of kubelets, is played here.

use std::collections::BTreeSet;

use api::object::{at, text};
use api::storage::BIND_COMPLETED;
use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::volumes::{claim_of, claims_of, disk, of_claim, user};
use super::{Moment, any, create, delete, key, name, uid};
use crate::sim::checks::{is_deleted, is_finished, is_ready};
use crate::sim::objects::{Objects, objects};
use crate::sim::random::Random;

const ATTACHMENTS: &ApiResource = &resources::VOLUME_ATTACHMENTS;
const CLAIMS: &ApiResource = &resources::PERSISTENT_VOLUME_CLAIMS;
const VOLUMES: &ApiResource = &resources::PERSISTENT_VOLUMES;
const NODES: &ApiResource = &resources::NODES;
const PODS: &ApiResource = &resources::PODS;

const DRIVER: &str = "example.com";
/// As long as it is there, the driver has not detached.
const FINALIZER: &str = "external-attacher/example-com";
/// The class of the volumes, which are bound at once.
const CLASS: &str = "kept";
/// The claims, with a volume for each.
const DATA: [&str; 2] = ["driven-0", "driven-1"];

pub(super) fn ask(store: &Store, random: &mut Random) -> Vec<Request> {
    let missing: Vec<Request> = DATA.iter().filter_map(|data| prepare(store, data)).collect();
    if !missing.is_empty() {
        return missing;
    }
    let request = match random.below(8) {
        0 => Some(create(PODS, "default", pod(store, random))),
        1 => any(store, PODS, random).map(|pod| delete(PODS, &pod, "Background")),
        2 => return kubelets(store),
        _ => return driver(store),
    };
    request.into_iter().collect()
}

/// What is missing of a claim that has its volume: the claim, the volume, or that they are bound.
pub(crate) fn prepare(store: &Store, data: &str) -> Option<Request> {
    let claims = objects(store, CLAIMS);
    let Some(claim) = claims.iter().find(|claim| name(claim) == data) else {
        return Some(create(CLAIMS, "default", of_driver(data)));
    };
    let volume = driven(data, uid(claim));
    if !objects(store, VOLUMES).iter().any(|found| name(found) == name(&volume)) {
        return Some(create(VOLUMES, "", volume));
    }
    let bound = Request::merge_patch(CLAIMS, key(claim), json!({"status": {"phase": "Bound"}}));
    (!is_bound(claim)).then(|| bound.to_subresource("status"))
}

/// Whether a claim or a volume is one of those that are attached. Nobody deletes them.
pub(super) fn is_driven(object: &Value) -> bool {
    DATA.iter().any(|data| name(object) == *data || name(object) == volume_of(data))
}

/// A volume of the driver, for the claim of this uid.
fn driven(data: &str, claim: &str) -> Value {
    let mut volume = disk(&volume_of(data), (CLASS, "Retain"));
    volume["spec"]["hostPath"].take();
    volume["spec"]["csi"] = json!({"driver": DRIVER, "volumeHandle": data});
    volume["spec"]["claimRef"] = json!({"namespace": "default", "name": data, "uid": claim});
    volume
}

/// The claim that has it.
fn of_driver(data: &str) -> Value {
    let mut claim = claim_of(data, CLASS);
    claim["metadata"]["annotations"] = json!({BIND_COMPLETED: "yes"});
    claim["spec"]["volumeName"] = json!(volume_of(data));
    claim
}

fn volume_of(data: &str) -> String {
    format!("disk-{data}")
}

fn is_bound(claim: &Value) -> bool {
    text(claim, &["status", "phase"]) == "Bound"
}

/// A Pod on any node, or on one that it names.
fn pod(store: &Store, random: &mut Random) -> Value {
    let data = DATA[random.below(DATA.len())];
    let node = any(store, NODES, random).filter(|_| random.one_in(2));
    let name = format!("user-{}", random.below(4));
    of_node(&name, data, node.as_ref().map(super::name))
}

/// A Pod that uses a claim, on the node that it names.
pub(crate) fn of_node(name: &str, data: &str, node: Option<&str>) -> Value {
    let mut pod = user(name, &of_claim(data));
    if let Some(node) = node {
        pod["spec"]["nodeName"] = json!(node);
    }
    pod
}

/// What the driver and the kubelets do next.
pub(super) fn tend(store: &Store) -> Vec<Request> {
    driver(store).into_iter().chain(kubelets(store)).collect()
}

fn driver(store: &Store) -> Vec<Request> {
    objects(store, ATTACHMENTS).iter().filter_map(driven_on).collect()
}

fn kubelets(store: &Store) -> Vec<Request> {
    let used = Used::of(store);
    objects(store, NODES).iter().filter_map(|node| used.mounts(node)).collect()
}

/// What the driver does about an attachment: holds on to it, attaches, detaches and lets it go.
fn driven_on(attachment: &Value) -> Option<Request> {
    let is_held = at(attachment, &["metadata", "finalizers"]).is_some();
    let with = |mut patch: Value| {
        for field in ["uid", "resourceVersion"] {
            patch["metadata"][field] = attachment["metadata"][field].clone();
        }
        Request::merge_patch(ATTACHMENTS, key(attachment), patch)
    };
    match (is_deleted(attachment), is_held, is_attached(attachment)) {
        (true, true, _) => Some(with(json!({"metadata": {"finalizers": null}}))),
        (false, false, _) => Some(with(json!({"metadata": {"finalizers": [FINALIZER]}}))),
        (false, true, false) => {
            Some(with(json!({"status": {"attached": true}})).to_subresource("status"))
        }
        (true, false, _) | (false, true, true) => None,
    }
}

fn is_attached(attachment: &Value) -> bool {
    at(attachment, &["status", "attached"]) == Some(&json!(true))
}

/// The name of a volume in the status of a Node.
fn in_status(data: &str) -> String {
    format!("kubernetes.io/csi/{DRIVER}^{data}")
}

/// The names in a list of a Node's status.
fn listed(node: &Value, list: &str) -> BTreeSet<String> {
    let volumes = at(node, &["status", list]).and_then(Value::as_array).into_iter().flatten();
    let name =
        |volume: &Value| volume["name"].as_str().or_else(|| volume.as_str()).map(str::to_owned);
    volumes.filter_map(name).collect()
}

/// Which volumes are used on which nodes.
struct Used(BTreeSet<(String, String)>);

impl Used {
    fn of(store: &Store) -> Self {
        let pods = objects(store, PODS);
        let on_nodes = pods.iter().filter(|pod| !is_finished(pod) && !node_of(pod).is_empty());
        let used = on_nodes.flat_map(|pod| {
            let claims = claims_of(pod).into_iter().map(|claim| in_status(&claim.name));
            claims.map(|volume| (node_of(pod).to_owned(), volume)).collect::<Vec<_>>()
        });
        Self(used.collect())
    }

    fn on(&self, node: &str) -> BTreeSet<String> {
        let on_node = self.0.iter().filter(|(used_on, _)| used_on == node);
        on_node.map(|(_, volume)| volume.clone()).collect()
    }

    fn nodes_of(&self, volume: &str) -> Vec<&str> {
        let nodes = self.0.iter().filter(|(_, used)| used == volume);
        nodes.map(|(node, _)| node.as_str()).collect()
    }

    /// A kubelet says what it has mounted or is about to mount, as long as its node lives.
    fn mounts(&self, node: &Value) -> Option<Request> {
        let wanted = self.on(name(node));
        let patch = json!({"metadata": {"resourceVersion": node["metadata"]["resourceVersion"]},
            "status": {"volumesInUse": wanted}});
        let request = Request::merge_patch(NODES, key(node), patch).to_subresource("status");
        (is_ready(node) && listed(node, "volumesInUse") != wanted).then_some(request)
    }
}

fn node_of(pod: &Value) -> &str {
    text(pod, &["spec", "nodeName"])
}

/// The volume and the node of an attachment.
fn attaches(attachment: &Value) -> (String, &str) {
    let volume = text(attachment, &["spec", "source", "persistentVolumeName"]);
    let data = volume.strip_prefix("disk-").unwrap_or(volume);
    (in_status(data), text(attachment, &["spec", "nodeName"]))
}

/// What is mounted: the nodes, and the volumes as their status names them.
#[derive(Clone, Debug, Default)]
pub(super) struct Mounted(BTreeSet<(String, String)>);

impl Mounted {
    /// ATTACHMENT-1 and ATTACHMENT-2.
    pub(super) fn broken(&mut self, moment: &Moment<'_>) -> Option<String> {
        if !moment.writes(ATTACHMENTS) && !moment.writes(NODES) {
            return None;
        }
        let attachments = objects(moment.after, ATTACHMENTS);
        let nodes = objects(moment.after, NODES);
        twice(&attachments).or_else(|| self.mount(&nodes, &attachments))
    }

    /// A kubelet mounts what it has said that it will and is told is attached, and unmounts before it says so.
    fn mount(&mut self, nodes: &Objects, attachments: &Objects) -> Option<String> {
        let attached = attachments.iter().filter(|one| is_attached(one) && !is_deleted(one));
        let attached: BTreeSet<(String, String)> =
            attached.map(attaches).map(|(volume, node)| (node.to_owned(), volume)).collect();
        let before = std::mem::take(&mut self.0);
        for node in nodes.iter().filter(|node| is_ready(node)) {
            let told = listed(node, "volumesAttached");
            for volume in listed(node, "volumesInUse") {
                let mount = (name(node).to_owned(), volume);
                let is_new = told.contains(&mount.1) && attached.contains(&mount);
                if before.contains(&mount) || is_new {
                    self.0.insert(mount);
                }
            }
        }
        let (node, volume) = self.0.iter().find(|mount| !attached.contains(mount))?;
        Some(format!("ATTACHMENT-2: {node} has mounted {volume}, which is not attached any more"))
    }
}

fn twice(attachments: &Objects) -> Option<String> {
    let mut nodes = std::collections::BTreeMap::new();
    attachments.iter().find_map(|attachment| {
        let (volume, node) = attaches(attachment);
        let other = nodes.insert(volume.clone(), node)?;
        Some(format!("ATTACHMENT-1: {volume} is attached to {other} and to {node}"))
    })
}

/// ATTACHMENT-4 and ATTACHMENT-5, on nodes that live.
pub(super) fn unsettled(store: &Store, dead: &BTreeSet<&str>) -> Option<String> {
    let (attachments, used) = (objects(store, ATTACHMENTS), Used::of(store));
    let claims = objects(store, CLAIMS);
    let bound = claims.iter().filter(|claim| is_bound(claim));
    let waits = bound.map(|claim| in_status(name(claim))).find_map(|volume| {
        let nodes = used.nodes_of(&volume);
        let [node] = nodes.as_slice() else { return None };
        let is_there = |one: &Value| attaches(one) == (volume.clone(), node) && is_attached(one);
        let lacks = !dead.contains(node) && !attachments.iter().any(is_there);
        lacks.then(|| format!("ATTACHMENT-4: {volume} is not attached to {node}"))
    });
    waits.or_else(|| {
        let is_unused = |one: &&Value| {
            let (volume, node) = attaches(one);
            !used.nodes_of(&volume).contains(&node)
        };
        let unused = attachments.iter().find(is_unused)?;
        Some(format!("ATTACHMENT-5: {} stays, and nobody uses it", uid(unused)))
    })
}

/// Lets a Pod go at once, as who stops a node that is lost.
pub(crate) fn end(pod: &str) -> Request {
    Request::delete(PODS, Key::new("default", pod), "", json!({"gracePeriodSeconds": 0}))
}
