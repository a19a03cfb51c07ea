//! Preemption in words.

use super::{Action, HIGH, LATE, NODES, OTHER, Objects, PODS, PROTECTED, State};
use crate::slice::Lane;

pub(super) fn describe(action: Action) -> String {
    match action {
        Action::CreatePod { pod } => format!("a client creates {}", name(pod)),
        Action::DeleteNode => "a client deletes node-1".to_owned(),
        Action::RemovePod { pod } => format!("{} has stopped and is removed", name(pod)),
        Action::Deliver => "kube-scheduler gets an event".to_owned(),
        Action::Schedule { pod, node } => {
            format!("kube-scheduler assumes {} on node-{node} and sends the Binding", name(pod))
        }
        Action::CommitBinding { pod } => {
            format!("the API server handles the Binding of {}", name(pod))
        }
        Action::Preempt { pod, node } => {
            format!("kube-scheduler nominates {} to node-{node} and picks its victim", name(pod))
        }
        Action::CommitEviction => "the API server handles the deletion of the victim".to_owned(),
        Action::LoseEviction => "the deletion of the victim is lost".to_owned(),
        Action::CommitNomination => "the API server writes the nominated Node".to_owned(),
        Action::Crash => "kube-scheduler crashes and starts again".to_owned(),
    }
}

pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::CreatePod { .. } | Action::DeleteNode => "client",
        Action::RemovePod { .. } => "kubelet",
        Action::CommitBinding { .. }
        | Action::CommitEviction
        | Action::LoseEviction
        | Action::CommitNomination => "kube-apiserver",
        Action::Deliver | Action::Schedule { .. } | Action::Preempt { .. } | Action::Crash => {
            "kube-scheduler"
        }
    }
}

pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let store = Lane {
        name: "kube-apiserver".to_owned(),
        holds: objects(&state.store.now()),
        behind: None,
    };
    let scheduler = Lane {
        name: "kube-scheduler".to_owned(),
        holds: scheduler(state),
        behind: state.store.behind(0),
    };
    vec![store, scheduler]
}

fn name(pod: u8) -> &'static str {
    match pod {
        HIGH => "high",
        PROTECTED => "protected",
        OTHER => "other",
        LATE => "late",
        _ => "another Pod",
    }
}

fn objects(objects: &Objects) -> String {
    let nodes = (0..NODES).filter(|node| objects.nodes[*node]).map(|node| format!("node-{node}"));
    let pods = (0..PODS as u8).filter_map(|pod| {
        let object = objects.pods[usize::from(pod)]?;
        let place = object.node.map_or("waits".to_owned(), |node| format!("on node-{node}"));
        let deleting = if object.deleting { ", is being deleted" } else { "" };
        Some(format!("{} {place}{deleting}", name(pod)))
    });
    nodes.chain(pods).collect::<Vec<_>>().join("; ")
}

fn scheduler(state: &State) -> String {
    let nominated = (0..PODS as u8).filter_map(|pod| {
        Some(format!("{} nominated to node-{}", name(pod), state.nominated(pod)?))
    });
    let assumed = (0..PODS as u8).filter_map(|pod| {
        let node = state.scheduler.assumed[usize::from(pod)]?.node;
        Some(format!("{} assumed on node-{node}", name(pod)))
    });
    let eviction = state.scheduler.eviction.map(|of| format!("deletes {}", name(of.victim)));
    nominated.chain(assumed).chain(eviction).collect::<Vec<_>>().join("; ")
}
