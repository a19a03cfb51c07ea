//! What an API server sees of two schedulers, of the Lease and of kubelets.

use super::{Action, NODES, State};
use crate::request::{CURRENT, Request};
use serde_json::json;

const LEASES: &str = "leases.coordination.k8s.io";
const LEASE: &str = "kube-scheduler";

pub(super) fn at_start() -> Vec<Request> {
    let lease = Request::create(LEASES, LEASE, json!({"spec": {"holderIdentity": ""}}));
    Request::nodes(NODES).chain([lease]).collect()
}

pub(super) fn request(before: &State, action: Action) -> Option<Request> {
    match action {
        Action::CreatePod { pod } => Some(Request::create_pod(name(pod), None)),
        Action::Lead { scheduler } => {
            let spec = json!({"holderIdentity": format!("scheduler-{scheduler}")});
            let body = json!({"metadata": {"resourceVersion": CURRENT}, "spec": spec});
            Some(Request::update(LEASES, LEASE, body))
        }
        Action::CommitBinding { scheduler, pod } => {
            let assumed = before.scheduler(scheduler).assumed[usize::from(pod)]?;
            Some(bind(pod, assumed.node))
        }
        Action::CommitLateBinding { pod } => {
            Some(bind(pod, before.late_bindings[usize::from(pod)]?))
        }
        Action::Admit { pod } => Some(Request::report(name(pod), "Running", true)),
        Action::Reject { pod } => Some(Request::report(name(pod), "Failed", false)),
        Action::Deliver { .. }
        | Action::FallSilent
        | Action::Schedule { .. }
        | Action::Crash { .. }
        | Action::GiveUp { .. } => None,
    }
}

fn bind(pod: u8, node: u8) -> Request {
    Request::bind(name(pod), format!("node-{node}"))
}

fn name(pod: u8) -> String {
    format!("pod-{pod}")
}
