//! What an API server sees of ReplicaSets that take Pods and let them go.
//!
//! Selectors are left out, and Pods name their owners by a kind that no cluster has, so that the
//! controllers of a real one leave them to these.

use super::objects::{Label, Pod, Reference};
use super::{Action, Request as Asked, State};
use crate::request::{Request, uid};
use serde_json::{Value, json};

const SETS: &str = "replicasets.apps";
const POD: &str = "pod";
/// How many Pods there may have been. The last has uid 0.
const PODS: usize = 2;

pub(super) fn at_start() -> Vec<Request> {
    vec![create_set(0), create_set(1)]
}

pub(super) fn request(before: &State, action: Action, after: &State) -> Option<Request> {
    Some(match action {
        Action::Commit { set } => return commit(before, usize::from(set)),
        Action::CollectPod => {
            let uid = uid_of_pod(before.store.now().pod?.uid);
            Request::delete("pods", POD, json!({"preconditions": {"uid": uid}}))
        }
        Action::OrphanPod { set } => {
            let owner = before.store.now().sets[usize::from(set)]?.uid;
            Request::patch("pods", POD, json!({"metadata": {"ownerReferences": [without(owner)]}}))
        }
        Action::FinishOrphaning { set } => {
            let body = json!({"metadata": {"finalizers": null}});
            Request::patch(SETS, name(set), body)
        }
        Action::CreatePod => {
            Request::create("pods", POD, json!({"metadata": label(after.store.now().pod?)}))
        }
        Action::DeletePod => Request::delete("pods", POD, json!({})),
        Action::RelabelPod { .. } => {
            Request::patch("pods", POD, json!({"metadata": label(after.store.now().pod?)}))
        }
        Action::DeleteSet { set, orphans } => {
            let policy = if orphans { "Orphan" } else { "Background" };
            Request::delete(SETS, name(set), json!({"propagationPolicy": policy}))
        }
        Action::RecreateSet => create_set(0),
        Action::DeliverSet
        | Action::DeliverPod
        | Action::SyncSet { .. }
        | Action::Recheck { .. }
        | Action::LoseRequest { .. }
        | Action::Crash => return None,
    })
}

/// A patch that names the uid of the Pod that was read. What is so already is no change, and none that
/// is refused.
fn commit(before: &State, set: usize) -> Option<Request> {
    let (patch, adopts) = before.requests[set].patch()?;
    let reference = match before.requests[set] {
        Asked::Adopt(_) => owner(patch.owner),
        Asked::None | Asked::Recheck(_) | Asked::Release(_) => without(patch.owner),
    };
    let metadata = json!({"uid": uid_of_pod(patch.pod), "ownerReferences": [reference]});
    let request = Request::patch("pods", POD, json!({"metadata": metadata}));
    match before.store.now().pod.filter(|pod| pod.uid == patch.pod) {
        Some(pod) if adopts == pod.controllers[patch.owner as usize] => None,
        Some(pod) if adopts && pod.controller().is_some() => Some(request.refused_with(422)),
        Some(_) | None => Some(request),
    }
}

fn create_set(set: u8) -> Request {
    Request::create(SETS, name(set), json!({"spec": {"replicas": 0}}))
}

fn owner(reference: Reference) -> Value {
    json!({"apiVersion": "kanon.invalid/v1", "kind": "Owner", "name": name_of(reference),
        "uid": uid_of_set(reference), "controller": true})
}

fn without(reference: Reference) -> Value {
    json!({"$patch": "delete", "uid": uid_of_set(reference)})
}

fn label(pod: Pod) -> Value {
    let label = match pod.label {
        Label::Both => "both",
        Label::Second => "second",
        Label::Neither => "neither",
    };
    json!({"labels": {"selected-by": label}})
}

fn uid_of_pod(number: u8) -> String {
    uid(PODS - usize::from(number), "pods", POD)
}

fn uid_of_set(reference: Reference) -> String {
    let number = if reference == Reference::FirstAgain { 2 } else { 1 };
    uid(number, SETS, name_of(reference))
}

fn name_of(reference: Reference) -> String {
    name(reference.name() as u8)
}

fn name(set: u8) -> String {
    format!("set-{set}")
}
