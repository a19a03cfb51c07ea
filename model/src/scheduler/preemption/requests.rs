//! What an API server sees of preemption.
//!
//! Priorities and the PodDisruptionBudget are left out: no API server decides by them here.

use super::{Action, NODES, State};
use crate::request::Request;
use crate::slice::Outcome;
use serde_json::json;

pub(super) fn at_start(state: &State) -> Vec<Request> {
    let pods = (0..).zip(state.store.now().pods);
    let pods = pods.filter_map(|(number, pod)| {
        Some(Request::create_pod(name(number), pod?.node.map(name_of_node)))
    });
    Request::nodes(NODES).chain(pods).collect()
}

pub(super) fn request(before: &State, action: Action) -> Option<Request> {
    let scheduler = &before.scheduler;
    Some(match action {
        Action::CreatePod { pod } => Request::create_pod(name(pod), None),
        Action::DeleteNode => Request::delete("nodes", name_of_node(1), json!({})),
        Action::RemovePod { pod } => Request::remove_pod(name(pod)),
        Action::CommitBinding { pod } => {
            let node = scheduler.assumed[usize::from(pod)]?.node;
            Request::bind(name(pod), name_of_node(node))
        }
        Action::CommitEviction => {
            Request::delete("pods", name(scheduler.eviction?.victim), json!({}))
        }
        Action::CommitNomination => {
            let pod = scheduler.patching?;
            let node = name_of_node(scheduler.nominated[usize::from(pod)]?);
            let body = json!({"status": {"nominatedNodeName": node}});
            Request::patch("pods/status", name(pod), body)
        }
        Action::Deliver
        | Action::Schedule { .. }
        | Action::Preempt { .. }
        | Action::LoseEviction
        | Action::Crash => return None,
    })
}

pub(super) fn outcome(before: &State, action: Action, after: &State) -> Outcome {
    let is_gone = |pod: u8| before.store.now().pods[usize::from(pod)].is_none();
    match (action, before.store.now() == after.store.now()) {
        (_, false) => Outcome::Committed,
        (Action::CommitBinding { .. } | Action::CommitEviction, true) => Outcome::Refused,
        (Action::CommitNomination, true) if before.scheduler.patching.is_some_and(is_gone) => {
            Outcome::Refused
        }
        (_, true) => Outcome::Done,
    }
}

fn name(pod: u8) -> String {
    format!("pod-{pod}")
}

fn name_of_node(node: u8) -> String {
    format!("node-{node}")
}
