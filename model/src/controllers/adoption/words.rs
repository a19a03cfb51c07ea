//! The scenario `adoption` in Kubernetes' words.

use super::objects::{Label, Objects, Pod, Reference, SETS, Set};
use super::{Action, Request, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let unchanged = !after.store.has_changed_since(&before.store);
    let asks = |state: &State, set: u8| request(state.requests[usize::from(set)]);
    match action {
        Action::DeliverSet => "the ReplicaSet controller hears of a ReplicaSet".to_owned(),
        Action::DeliverPod => "the ReplicaSet controller hears of the Pod".to_owned(),
        Action::SyncSet { set } | Action::Recheck { set } => {
            format!("the ReplicaSet controller, for set-{set}, {}", asks(after, set))
        }
        Action::Commit { set } if unchanged => {
            format!("the API server changes nothing: set-{set} {}", asks(before, set))
        }
        Action::Commit { set } => {
            format!("the API server commits: set-{set} {}", asks(before, set))
        }
        Action::CollectPod => "the garbage collector deletes the Pod: its owner is gone".to_owned(),
        Action::OrphanPod { set } => {
            format!("the garbage collector takes set-{set} out of the Pod's ownerReferences")
        }
        Action::FinishOrphaning { set } => {
            format!("the garbage collector removes the finalizer of set-{set}, which goes")
        }
        Action::CreatePod => "a client creates the Pod".to_owned(),
        Action::DeletePod => "a client deletes the Pod".to_owned(),
        Action::RelabelPod { label } => {
            format!("a client labels the Pod so that {}", matching(label))
        }
        Action::DeleteSet { set, orphans: true } => {
            format!("a client deletes set-{set} and leaves its Pods")
        }
        Action::DeleteSet { set, orphans: false } => format!("a client deletes set-{set}"),
        Action::RecreateSet => "a client creates set-0 again".to_owned(),
        Action::LoseRequest { set } => format!("lost on its way: set-{set} {}", asks(before, set)),
        Action::Crash => "the ReplicaSet controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverSet
        | Action::DeliverPod
        | Action::SyncSet { .. }
        | Action::Recheck { .. }
        | Action::LoseRequest { .. }
        | Action::Crash => "replica-set-controller",
        Action::Commit { .. } => "kube-apiserver",
        Action::CollectPod | Action::OrphanPod { .. } | Action::FinishOrphaning { .. } => {
            "garbage-collector"
        }
        Action::CreatePod
        | Action::DeletePod
        | Action::RelabelPod { .. }
        | Action::DeleteSet { .. }
        | Action::RecreateSet => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of("replica-set-controller", &state.store, objects);
    let asks = (0..SETS).map(|name| format!("; set-{name} {}", request(state.requests[name])));
    controller.holds.extend(asks);
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let set = |name: usize| match objects.sets[name] {
        None => format!("no set-{name}"),
        Some(Set { uid, orphans: true }) => format!("{} (deleting)", reference(uid)),
        Some(Set { uid, orphans: false }) => reference(uid).to_owned(),
    };
    let pod = objects.pod.map_or("no Pod".to_owned(), pod);
    (0..SETS).map(set).chain([pod]).collect::<Vec<_>>().join(", ")
}

fn pod(pod: Pod) -> String {
    let owners = Reference::ALL.into_iter().filter(|owner| pod.controllers[*owner as usize]);
    let owners = owners.map(|owner| format!(", of {}", reference(owner))).collect::<String>();
    format!("a Pod ({}{owners})", matching(pod.label))
}

fn matching(label: Label) -> &'static str {
    match label {
        Label::Both => "both ReplicaSets select it",
        Label::Second => "set-1 selects it",
        Label::Neither => "nobody selects it",
    }
}

fn reference(uid: Reference) -> &'static str {
    match uid {
        Reference::First => "set-0",
        Reference::FirstAgain => "set-0 (created again)",
        Reference::Second => "set-1",
    }
}

fn request(request: Request) -> &'static str {
    match request {
        Request::None => "asks for nothing",
        Request::Recheck(_) => "asks whether the ReplicaSet still exists",
        Request::Adopt(_) => "asks to adopt the Pod",
        Request::Release(_) => "asks to release the Pod",
    }
}
