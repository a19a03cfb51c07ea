//! The scenario `deployment` in Kubernetes' words.

use super::objects::{Objects, Set};
use super::{Action, Request, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let unchanged = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverDeployment => "the Deployment controller hears of the Deployment".to_owned(),
        Action::DeliverSet => "the Deployment controller hears of a ReplicaSet".to_owned(),
        Action::SyncDeployment => format!("the Deployment controller {}", request(after.request)),
        Action::Commit if unchanged => {
            format!("the API server refuses: {}", request(before.request))
        }
        Action::Commit => format!("the API server commits: {}", request(before.request)),
        Action::RunPod { set } => format!("a Pod of set-{set} becomes available"),
        Action::StopPod { set } => format!("the ReplicaSet controller deletes a Pod of set-{set}"),
        Action::ChangeTemplate => {
            let template = after.store.now().deployment.template;
            format!("a client changes the Deployment to template {template}")
        }
        Action::CreateStranger => "a client creates set-1 as a ReplicaSet of its own".to_owned(),
        Action::LoseRequest => format!("it is lost on its way: {}", request(before.request)),
        Action::LoseAnswer => format!("its answer is lost: {}", request(before.request)),
        Action::Crash => "the Deployment controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverDeployment
        | Action::DeliverSet
        | Action::SyncDeployment
        | Action::LoseRequest
        | Action::Crash => "deployment-controller",
        Action::Commit | Action::LoseAnswer => "kube-apiserver",
        Action::RunPod { .. } => "kubelet",
        Action::StopPod { .. } => "replica-set-controller",
        Action::ChangeTemplate | Action::CreateStranger => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of("deployment-controller", &state.store, objects);
    controller.holds += &format!("; {}", request(state.request));
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let deployment = objects.deployment;
    let collisions = deployment.collision_count;
    let first = format!("template {}, collisionCount {collisions}", deployment.template);
    let sets = objects.sets.into_iter().enumerate();
    let sets = sets.filter_map(|(name, of)| Some(format!("set-{name} ({})", set(of?))));
    [first].into_iter().chain(sets).collect::<Vec<_>>().join("; ")
}

fn set(set: Set) -> String {
    let Set { template, owned, replicas, available } = set;
    let owner = if owned { "" } else { ", not the Deployment's" };
    format!("template {template}, {available} of {replicas} available{owner}")
}

fn request(request: Request) -> String {
    match request {
        Request::None => "asks for nothing".to_owned(),
        Request::Create { read, replicas } => {
            format!("asks for a new set-{} with {replicas} replicas", read.set_name())
        }
        Request::Scale { name, read, replicas } => {
            format!("asks for {replicas} instead of {} replicas of set-{name}", read.replicas)
        }
        Request::CountCollision { .. } => "asks for a higher collisionCount".to_owned(),
    }
}
