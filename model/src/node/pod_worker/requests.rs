//! What an API server sees of pod workers: Pods that are placed, reported and removed.

use super::{Action, Phase, State};
use crate::request::{Request, uid};
use serde_json::json;

const NODE: &str = "node-0";

pub(super) fn at_start() -> Vec<Request> {
    Request::nodes(1).collect()
}

pub(super) fn request(action: Action, after: &State) -> Option<Request> {
    match action {
        Action::PlacePod { pod } => Some(place(pod)),
        Action::DeletePod { pod } => Some(Request::delete("pods", name(pod), json!({}))),
        Action::ReportStatus { pod } => report(pod, after),
        Action::FinishDeletion { pod } => {
            let preconditions = json!({"uid": uid(1, "pods", name(pod))});
            let options = json!({"gracePeriodSeconds": 0, "preconditions": preconditions});
            Some(Request::delete("pods", name(pod), options))
        }
        Action::Deliver
        | Action::StartWorker { .. }
        | Action::CreateContainer { .. }
        | Action::StartContainer { .. }
        | Action::Probe { .. }
        | Action::Exit { .. }
        | Action::EndBackoff { .. }
        | Action::BeginTermination { .. }
        | Action::StopContainer { .. }
        | Action::FinishTermination { .. }
        | Action::Forget { .. }
        | Action::Crash
        | Action::Reboot => None,
    }
}

fn place(pod: u8) -> Request {
    let policy = if pod == 0 { "OnFailure" } else { "Never" };
    let spec = json!({"nodeName": NODE, "restartPolicy": policy});
    Request::create("pods", name(pod), json!({"spec": spec}))
}

fn report(pod: u8, after: &State) -> Option<Request> {
    let object = after.object(pod)?;
    let phase = match object.phase {
        Phase::Pending => "Pending",
        Phase::Running => "Running",
        Phase::Succeeded => "Succeeded",
        Phase::Failed => "Failed",
    };
    let mut request = Request::report(name(pod), phase, object.ready);
    request.body["metadata"] = json!({"uid": uid(1, "pods", name(pod))});
    Some(request)
}

fn name(pod: u8) -> String {
    format!("pod-{pod}")
}
