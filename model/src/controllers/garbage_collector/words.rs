//! The scenario `garbage-collector` in Kubernetes' words.

use super::objects::{Objects, Policy, Reference};
use super::{Action, Entry, Node, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

/// A step in words.
pub(super) fn describe(action: Action) -> String {
    match action {
        Action::DeliverOwner => "the garbage collector hears of the owner".to_owned(),
        Action::DeliverDependent => "the garbage collector hears of a dependent".to_owned(),
        Action::InsertOwner => "the owner enters the graph".to_owned(),
        Action::InsertDependent { dependent } => format!("dependent-{dependent} enters the graph"),
        Action::VerifyVirtual => "a live lookup does not find the virtual node's owner".to_owned(),
        Action::AttemptToDelete { dependent } => {
            format!("the garbage collector looks at dependent-{dependent}")
        }
        Action::CommitDeletion { dependent } => {
            format!("the API server deletes dependent-{dependent}")
        }
        Action::Orphan { dependent } => {
            format!("the garbage collector removes the ownerReference of dependent-{dependent}")
        }
        Action::RemoveFinalizer => "the garbage collector lets the owner go".to_owned(),
        Action::CreateDependent { dependent, wrong: false } => {
            format!("a client creates dependent-{dependent}")
        }
        Action::CreateDependent { dependent, wrong: true } => {
            format!("a client creates dependent-{dependent} with wrong coordinates of its owner")
        }
        Action::DeleteOwner { policy } => format!("a client deletes the owner ({policy:?})"),
        Action::RecreateOwner => "a client creates an owner of the same name".to_owned(),
        Action::Crash => "the garbage collector crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverOwner
        | Action::DeliverDependent
        | Action::InsertOwner
        | Action::InsertDependent { .. }
        | Action::VerifyVirtual
        | Action::AttemptToDelete { .. }
        | Action::Orphan { .. }
        | Action::RemoveFinalizer
        | Action::Crash => "garbage-collector",
        Action::CommitDeletion { .. } => "kube-apiserver",
        Action::CreateDependent { .. } | Action::DeleteOwner { .. } | Action::RecreateOwner => {
            "client"
        }
    }
}

/// What the store and the collector hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let node = match state.graph.owner {
        Node::None => "no node of the owner",
        Node::Virtual(Reference::Right) => "a virtual owner",
        Node::Virtual(Reference::Wrong) => "a virtual owner at wrong coordinates",
        Node::Observed => "the owner",
    };
    let entries = state.graph.dependents.iter();
    let queued = entries.filter(|entry| matches!(entry, Entry::Queued | Entry::Deleting)).count();
    let [store, mut collector] = lanes_of("garbage-collector", &state.store, objects);
    collector.holds += &format!("; its graph has {node}; {queued} dependents to look at");
    vec![store, collector]
}

fn objects(objects: &Objects) -> String {
    let mut text = match objects.owner {
        None => "no owner".to_owned(),
        Some(owner) => {
            let uid = if owner.recreated { 2 } else { 1 };
            let deleting = match owner.deleting {
                Some(Policy::Foreground) => ", foregroundDeletion",
                Some(Policy::Orphan) => ", orphan",
                Some(Policy::Background) | None => "",
            };
            format!("owner (uid {uid}{deleting})")
        }
    };
    for (number, dependent) in objects.dependents.iter().enumerate() {
        let Some(dependent) = dependent else { continue };
        let owner = match dependent.owner {
            Some(Reference::Right) => "of uid 1",
            Some(Reference::Wrong) => "of uid 1 at wrong coordinates",
            None => "orphan",
        };
        text += &format!(", dependent-{number} ({owner})");
    }
    text
}
