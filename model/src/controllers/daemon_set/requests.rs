//! What an API server sees of Nodes and of the Pods of a DaemonSet.
//!
//! The DaemonSet itself is left out: the controller of a real cluster would create its Pods.

use super::{Action, NAMES, NODES, Request as Asked, State};
use crate::request::Request;
use serde_json::{Value, json};

pub(super) fn at_start(state: &State) -> Vec<Request> {
    let eligible = state.store.now().eligible;
    let create = |node| Request::create("nodes", name_of_node(node), label(eligible[node]));
    (0..NODES).map(create).collect()
}

pub(super) fn request(before: &State, action: Action, after: &State) -> Option<Request> {
    Some(match action {
        Action::Commit => match before.request {
            Asked::None => return None,
            Asked::Create(node) => {
                let (before, after) = (before.store.now().pods, after.store.now().pods);
                let at = usize::from(node);
                let is_new = |name: &usize| before[at][*name] != after[at][*name];
                let name = (0..NAMES).find(is_new)? as u8;
                Request::create_pod(name_of_pod(node, name), Some(name_of_node(at)))
            }
            Asked::Delete { node, name } => delete(node, name),
        },
        Action::RemovePod { node, name } => Request::remove_pod(name_of_pod(node, name)),
        Action::DeletePod { node, name } => delete(node, name),
        Action::Label { node } => {
            let node = usize::from(node);
            Request::patch("nodes", name_of_node(node), label(after.store.now().eligible[node]))
        }
        Action::DeliverNode | Action::DeliverPod | Action::SyncSet | Action::FailOver => {
            return None;
        }
    })
}

fn delete(node: u8, name: u8) -> Request {
    Request::delete("pods", name_of_pod(node, name), json!({}))
}

/// The label that the DaemonSet selects.
fn label(eligible: bool) -> Value {
    json!({"metadata": {"labels": {"kanon-eligible": eligible.then_some("true")}}})
}

fn name_of_pod(node: u8, name: u8) -> String {
    format!("pod-{node}-{name}")
}

fn name_of_node(node: usize) -> String {
    format!("node-{node}")
}
