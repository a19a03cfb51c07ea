//! What an API server sees of the scheduler's cache.

use super::{Action, Binding, NODES, Pod, State};
use crate::request::Request;
use serde_json::json;

pub(super) fn at_start(state: &State) -> Vec<Request> {
    let nodes = Request::nodes(NODES);
    let pods = state.pods.now().pods.into_iter().enumerate();
    let pods = pods.filter_map(|(number, pod)| Some(create(number, pod?)));
    nodes.chain(pods).collect()
}

pub(super) fn request(before: &State, action: Action, after: &State) -> Option<Request> {
    Some(match action {
        Action::CreatePod => {
            let (before, after) = (before.pods.now().pods, after.pods.now().pods);
            let number = (0..after.len()).find(|number| before[*number] != after[*number])?;
            create(number, after[number]?)
        }
        Action::DeleteNode => Request::delete("nodes", name_of_node(0), json!({})),
        Action::AddNode => Request::create("nodes", name_of_node(0), json!({})),
        Action::CollectPod { pod } => Request::remove_pod(name_of_pod(pod.into())),
        Action::CommitBinding { pod } => {
            let Binding::Sent(node) = before.bindings[usize::from(pod)] else { return None };
            Request::bind(name_of_pod(pod.into()), name_of_node(node.into()))
        }
        Action::DeliverPod
        | Action::DeliverNode
        | Action::RelistPods
        | Action::RelistNodes
        | Action::Schedule { .. }
        | Action::LoseBinding { .. }
        | Action::FinishBinding { .. } => return None,
    })
}

fn create(number: usize, pod: Pod) -> Request {
    Request::create_pod(name_of_pod(number), pod.node.map(|node| name_of_node(node.into())))
}

fn name_of_pod(number: usize) -> String {
    format!("pod-{number}")
}

fn name_of_node(number: usize) -> String {
    format!("node-{number}")
}
