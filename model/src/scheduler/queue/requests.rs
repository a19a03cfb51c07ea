//! What an API server sees of the scheduling queue: Pods, a Node, and Bindings.

use super::{Action, State};
use crate::request::Request;
use serde_json::{Value, json};

const NODE: &str = "node-0";

pub(super) fn at_start(state: &State) -> Vec<Request> {
    vec![Request::create("nodes", NODE, places(state))]
}

pub(super) fn request(action: Action, after: &State) -> Option<Request> {
    match action {
        Action::CreatePod { pod } => Some(Request::create_pod(name(pod), None)),
        Action::DeletePod { pod } => Some(Request::remove_pod(name(pod))),
        Action::GrowNode => Some(Request::patch("nodes/status", NODE, places(after))),
        Action::LabelNode => {
            let body = json!({"metadata": {"labels": {"kanon-label": "true"}}});
            Some(Request::patch("nodes", NODE, body))
        }
        Action::CommitBinding { pod } => Some(Request::bind(name(pod), NODE)),
        Action::Deliver
        | Action::Relist
        | Action::Pop { .. }
        | Action::Assume { .. }
        | Action::FailAttempt { .. }
        | Action::LoseBinding { .. }
        | Action::FinishBinding { .. }
        | Action::EndBackoff { .. }
        | Action::FlushBackoff { .. } => None,
    }
}

fn places(state: &State) -> Value {
    let pods = state.store.now().allocatable.to_string();
    json!({"status": {"capacity": {"pods": pods}, "allocatable": {"pods": pods}}})
}

fn name(pod: u8) -> String {
    format!("pod-{pod}")
}
