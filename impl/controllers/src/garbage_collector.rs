//! The garbage collector: deletes what has lost its owners, and sees to owners that are deleted in the
//! foreground or leave orphans.
//!
//! Source: pkg/controller/garbagecollector (v1.36). A key is a uid. An owner that the cache does not know
//! counts as gone only after the API server has said so: a live owner keeps its dependents.

mod graph;

use std::collections::BTreeSet;

use api::object::text;
use api::{Key, Reason, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::{Change, Outcome, View};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::{Value, json};

use crate::garbage_collector::graph::{FOREGROUND, Graph, Node, ORPHAN};
use crate::notes::Notes;
use crate::{Controller, Plan, after_seconds};

/// How long an owner that lives but is not in the cache is taken to be on its way there.
const ASK_AGAIN_SECONDS: i64 = 5;
/// How many uids of owners that are gone are remembered.
const ABSENT_MAX: usize = 4096;

/// Follows owner references.
#[derive(Clone, Debug)]
pub struct GarbageCollector {
    graph: Graph,
    /// Owners that the API server has said do not exist, by their coordinates. A uid never comes back,
    /// but a reference may look for it at the wrong place.
    absent: BTreeSet<String>,
    /// Owners that it has been asked about, or that were told of, by their coordinates.
    asked: BTreeSet<String>,
    notes: Notes,
}

impl Default for GarbageCollector {
    fn default() -> Self {
        Self {
            graph: Graph::default(),
            absent: BTreeSet::new(),
            asked: BTreeSet::new(),
            notes: Notes::new("garbage-collector-controller"),
        }
    }
}

/// What is known of an object's owners.
#[derive(Default)]
struct Owners<'a> {
    /// They live.
    solid: Vec<&'a OwnerReference>,
    /// They are gone.
    dangling: Vec<&'a OwnerReference>,
    /// They wait for their dependents to be deleted.
    waiting: Vec<&'a OwnerReference>,
    /// The cache does not know them.
    unknown: Vec<&'a OwnerReference>,
    /// Nobody can say whether they live.
    unresolved: Vec<&'a OwnerReference>,
}

impl Controller for GarbageCollector {
    fn name(&self) -> &'static str {
        "garbage-collector-controller"
    }

    fn workers(&self) -> usize {
        20
    }

    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        if change.resource() == &resources::EVENTS {
            return vec![];
        }
        let mut due = BTreeSet::new();
        let old = change.old.as_ref().map(|old| Node::of(old.resource(), old.metadata()));
        let new = change.new.as_ref().map(|new| Node::of(new.resource(), new.metadata()));
        if let Some(old) = &old
            && new.as_ref().is_none_or(|new| new.uid != old.uid)
        {
            due.extend(self.graph.remove(&old.uid));
        }
        if let Some(new) = new {
            due.extend(self.graph.put(new));
        }
        due.iter().map(|uid| Key::cluster(uid)).collect()
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(node) = self.graph.get(&key.name).cloned() else {
            return Plan::default();
        };
        let plan = if !node.deleting {
            self.collect(&node, now)
        } else if node.has_finalizer(ORPHAN) {
            self.orphan_dependents(&node)
        } else if node.has_finalizer(FOREGROUND) && !self.graph.is_blocked(&node.uid) {
            Plan { requests: vec![remove_finalizer(&node, FOREGROUND)], look_again: None }
        } else {
            Plan::default()
        };
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let Some(node) = self.graph.get(&key.name).filter(|_| request.verb == Verb::Get) else {
            return;
        };
        let about = node.owners.iter().filter(|owner| is_about(request, node, owner));
        let gone =
            about.filter(|owner| is_gone(owner, outcome)).map(|owner| coordinates(node, owner));
        if self.absent.len() >= ABSENT_MAX {
            self.absent.clear();
        }
        self.absent.extend(gone);
    }
}

impl GarbageCollector {
    /// Source: attemptToDeleteItem.
    fn collect(&mut self, node: &Node, now: Timestamp) -> Plan {
        let owners = self.classify(node);
        if !owners.unresolved.is_empty() {
            return Plan {
                requests: self.tell_of_elsewhere(node, &owners.unresolved, now),
                look_again: None,
            };
        }
        if !owners.unknown.is_empty() {
            return self.ask(node, &owners.unknown, now);
        }
        if !owners.solid.is_empty() {
            let lost = owners.dangling.iter().chain(&owners.waiting);
            return forget_owners(node, lost.copied());
        }
        let dependents = self.graph.dependents(&node.uid);
        if !owners.waiting.is_empty() && !dependents.is_empty() {
            let may_be_circle = dependents.iter().any(|uid| {
                self.graph.get(uid).is_some_and(|dependent| dependent.waits_for_dependents())
            });
            let unblock = may_be_circle.then(|| unblock_owners(node)).flatten();
            return unblock.unwrap_or_else(|| delete(node, "Foreground"));
        }
        if owners.waiting.is_empty() && owners.dangling.is_empty() {
            return Plan::default();
        }
        let policy = if node.has_finalizer(ORPHAN) {
            "Orphan"
        } else if node.has_finalizer(FOREGROUND) {
            "Foreground"
        } else {
            "Background"
        };
        delete(node, policy)
    }

    fn classify<'a>(&self, node: &'a Node) -> Owners<'a> {
        let mut owners = Owners::default();
        for owner in &node.owners {
            let kind = match (owner_request(node, owner), self.graph.get(&owner.uid)) {
                (None, _) => &mut owners.unresolved,
                (Some(asked), Some(found)) if found.is_meant_by(&asked) => {
                    match found.waits_for_dependents() {
                        true => &mut owners.waiting,
                        false => &mut owners.solid,
                    }
                }
                (Some(_), _) if self.absent.contains(&coordinates(node, owner)) => {
                    &mut owners.dangling
                }
                (Some(_), _) => &mut owners.unknown,
            };
            kind.push(owner);
        }
        owners
    }

    /// Asks the API server whether owners exist that the cache does not know.
    fn ask(&mut self, node: &Node, unknown: &[&OwnerReference], now: Timestamp) -> Plan {
        let first = unknown.iter().any(|owner| !self.asked.contains(&coordinates(node, owner)));
        let mut requests = self.tell_of_elsewhere(node, unknown, now);
        requests.extend(unknown.iter().filter_map(|owner| owner_request(node, owner)));
        let look_again = if first { now } else { after_seconds(now, ASK_AGAIN_SECONDS) };
        Plan { requests, look_again: Some(look_again) }
    }

    /// Says of each owner once that it lives elsewhere, if it does.
    fn tell_of_elsewhere(
        &mut self,
        node: &Node,
        owners: &[&OwnerReference],
        now: Timestamp,
    ) -> Vec<Request> {
        let mut requests = vec![];
        for owner in owners {
            if self.asked.insert(coordinates(node, owner)) {
                requests.extend(self.tell_if_elsewhere(node, owner, now));
            }
        }
        if self.asked.len() >= ABSENT_MAX {
            self.asked.clear();
        }
        requests
    }

    /// Says that an owner lives in another namespace, where no reference reaches it.
    ///
    /// Source: reportInvalidNamespaceOwnerRef in pkg/controller/garbagecollector/graph_builder.go (v1.36).
    fn tell_if_elsewhere(
        &mut self,
        node: &Node,
        owner: &OwnerReference,
        now: Timestamp,
    ) -> Option<Request> {
        let found = self.graph.get(&owner.uid)?;
        let namespace = node.key.namespace().unwrap_or_default();
        if found.key.namespace().is_none_or(|elsewhere| elsewhere == namespace) {
            return None;
        }
        let OwnerReference { api_version, kind, name, uid, .. } = owner;
        let message = format!(
            "ownerRef [{api_version}/{kind}, namespace: {namespace}, name: {name}, uid: {uid}] \
             does not exist in namespace \"{namespace}\""
        );
        let note = Note::warning("OwnerRefInvalidNamespace", message);
        self.notes.record(node.reference(), note, now)
    }

    /// Takes the owner out of its dependents; when none is left, lets it go.
    fn orphan_dependents(&self, node: &Node) -> Plan {
        let uids = self.graph.dependents(&node.uid);
        let dependents = uids.iter().filter_map(|uid| self.graph.get(uid));
        let patch = |dependent: &Node| patch_owners(dependent, &[node.uid.as_str()]);
        let requests: Vec<Request> = dependents.map(patch).collect();
        if requests.is_empty() {
            return Plan { requests: vec![remove_finalizer(node, ORPHAN)], look_again: None };
        }
        Plan { requests, look_again: None }
    }
}

/// Reads an owner; `None` for kinds that are not built in, and for owners in a namespace of dependents in none. As
/// upstream, nothing is done then, whatever the other owners are.
fn owner_request(node: &Node, owner: &OwnerReference) -> Option<Request> {
    let resource = resources::of_served_kind(&owner.api_version, &owner.kind)?;
    let key = if resource.namespaced {
        Key::new(node.key.namespace()?, &owner.name)
    } else {
        Key::cluster(&owner.name)
    };
    Some(Request::get(resource, key))
}

/// Where a dependent says that its owner is, and its uid.
///
/// Source: objectReference, the key of absentOwnerCache.
fn coordinates(node: &Node, owner: &OwnerReference) -> String {
    let OwnerReference { api_version, kind, name, uid, .. } = owner;
    format!("{}/{api_version}/{kind}/{name}/{uid}", node.key.namespace().unwrap_or_default())
}

fn is_about(request: &Request, node: &Node, owner: &OwnerReference) -> bool {
    owner_request(node, owner)
        .is_some_and(|asked| asked.resource == request.resource && asked.key == request.key)
}

/// Whether the answer says that there is no such owner, or another of its name.
fn is_gone(owner: &OwnerReference, answer: &Outcome) -> bool {
    match answer {
        Ok(found) => text(found, &["metadata", "uid"]) != owner.uid,
        Err(status) => status.reason == Reason::NotFound,
    }
}

fn forget_owners<'a>(node: &Node, lost: impl Iterator<Item = &'a OwnerReference>) -> Plan {
    let uids: Vec<&str> = lost.map(|owner| owner.uid.as_str()).collect();
    if uids.is_empty() {
        return Plan::default();
    }
    Plan { requests: vec![patch_owners(node, &uids)], look_again: None }
}

fn patch_owners(node: &Node, uids: &[&str]) -> Request {
    let references: Vec<Value> =
        uids.iter().map(|uid| json!({"$patch": "delete", "uid": uid})).collect();
    let patch = json!({"metadata": {"uid": node.uid, "ownerReferences": references}});
    Request::strategic_merge_patch(node.resource, node.key.clone(), patch)
}

/// Lets owners go before this dependent; `None` when it holds up none. Otherwise a circle of owners that all
/// wait for their dependents would wait forever.
fn unblock_owners(node: &Node) -> Option<Plan> {
    let blocks = |owner: &&OwnerReference| owner.block_owner_deletion == Some(true);
    let references: Vec<Value> = node
        .owners
        .iter()
        .filter(blocks)
        .map(|owner| json!({"uid": owner.uid, "blockOwnerDeletion": false}))
        .collect();
    if references.is_empty() {
        return None;
    }
    let patch = json!({"metadata": {"uid": node.uid, "ownerReferences": references}});
    let request = Request::strategic_merge_patch(node.resource, node.key.clone(), patch);
    Some(Plan { requests: vec![request], look_again: None })
}

fn remove_finalizer(node: &Node, finalizer: &str) -> Request {
    let others: Vec<&String> = node.finalizers.iter().filter(|other| *other != finalizer).collect();
    let version = &node.resource_version;
    let patch = json!({"metadata": {"resourceVersion": version, "finalizers": others}});
    Request::merge_patch(node.resource, node.key.clone(), patch)
}

/// Deletes an object that has not changed since its owners were looked at.
fn delete(node: &Node, policy: &str) -> Plan {
    let options = json!({
        "propagationPolicy": policy,
        "preconditions": {"uid": node.uid, "resourceVersion": node.resource_version},
    });
    let request = Request::delete(node.resource, node.key.clone(), &node.uid, options);
    Plan { requests: vec![request], look_again: None }
}

#[cfg(test)]
mod tests;
