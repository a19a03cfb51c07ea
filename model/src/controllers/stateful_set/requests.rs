//! What an API server sees of the Pods of a StatefulSet.
//!
//! The StatefulSet itself is left out: the controller of a real cluster would create its Pods.

use super::{Action, NODES, Request as Asked, State};
use crate::request::Request;
use serde_json::json;

pub(super) fn at_start() -> Vec<Request> {
    Request::nodes(NODES).collect()
}

pub(super) fn request(before: &State, action: Action) -> Option<Request> {
    match action {
        Action::Commit => match before.request {
            Asked::None => None,
            Asked::Create(ordinal) => Some(Request::create_pod(name(ordinal), None)),
            Asked::Delete(ordinal) => Some(Request::delete("pods", name(ordinal), json!({}))),
        },
        Action::Bind { ordinal, node } => {
            Some(Request::bind(name(ordinal), format!("node-{node}")))
        }
        Action::ReportReady { ordinal } => Some(Request::report(name(ordinal), "Running", true)),
        // What was never bound is gone since it was deleted.
        Action::ConfirmDeletion { ordinal } => {
            before.pod(ordinal)?.node.map(|_| Request::remove_pod(name(ordinal)))
        }
        Action::Evict { ordinal } | Action::DeletePod { ordinal } => {
            Some(Request::delete("pods", name(ordinal), json!({})))
        }
        Action::DeliverSet
        | Action::DeliverPod
        | Action::SyncSet
        | Action::StartContainer { .. }
        | Action::StopContainer { .. }
        | Action::Reconnect
        | Action::Scale { .. }
        | Action::CutOff
        | Action::Crash => None,
    }
}

fn name(ordinal: u8) -> String {
    format!("web-{ordinal}")
}
