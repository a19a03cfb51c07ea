//! The scenario `job` in Kubernetes' words.

use super::objects::{Job, Objects, Phase, Uncounted};
use super::{Action, Controller, Orphan, Request, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    match action {
        Action::DeliverJob => "the Job controller hears of the Job".to_owned(),
        Action::DeliverPod => "the Job controller hears of a Pod".to_owned(),
        Action::SyncJob => format!("the Job controller {}", request(&after.controller.request)),
        Action::Commit if !after.store.has_changed_since(&before.store) => {
            format!("the API server changes nothing: {}", request(&before.controller.request))
        }
        Action::Commit => {
            format!("the API server commits: {}", request(&before.controller.request))
        }
        Action::LoseAnswer => {
            format!("the answer is lost: {}", request(&before.controller.request))
        }
        Action::SyncOrphanPod { pod } => format!("the Job controller looks at orphan pod-{pod}"),
        Action::CommitOrphanPatch { pod } => {
            format!("the API server removes the tracking finalizer of orphan pod-{pod}")
        }
        Action::Succeed { pod } => format!("pod-{pod} ends"),
        Action::Fail { pod } => format!("pod-{pod} fails"),
        Action::CollectPod { pod } => format!("garbage collection deletes pod-{pod}"),
        Action::OrphanPod { pod } => format!("garbage collection orphans pod-{pod}"),
        Action::FinishOrphaning => "garbage collection lets the Job go".to_owned(),
        Action::DeletePod { pod } => format!("a client deletes pod-{pod}"),
        Action::DeleteJob { orphans: false } => "a client deletes the Job (Background)".to_owned(),
        Action::DeleteJob { orphans: true } => "a client deletes the Job (Orphan)".to_owned(),
        Action::Crash => "the Job controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverJob
        | Action::DeliverPod
        | Action::SyncJob
        | Action::SyncOrphanPod { .. }
        | Action::Crash => "job-controller",
        Action::Commit | Action::CommitOrphanPatch { .. } | Action::LoseAnswer => "kube-apiserver",
        Action::Succeed { .. } | Action::Fail { .. } => "kubelet",
        Action::CollectPod { .. } | Action::OrphanPod { .. } | Action::FinishOrphaning => {
            "garbage-collector"
        }
        Action::DeletePod { .. } | Action::DeleteJob { .. } => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let Controller { orphans, request: asks, expected_creations, .. } = &state.controller;
    let waiting = orphans.iter().filter(|orphan| **orphan != Orphan::None).count();
    let [store, mut controller] = lanes_of("job-controller", &state.store, objects);
    controller.holds +=
        &format!("; {}; expects {expected_creations} Pods; {waiting} orphans", request(asks));
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let mut text = objects.job.map_or("no Job".to_owned(), |job| status(&job));
    for (number, pod) in objects.pods.iter().enumerate() {
        let Some(pod) = pod else { continue };
        let phase = match pod.phase {
            Phase::Running => "Running",
            Phase::Succeeded => "Succeeded",
            Phase::Failed => "Failed",
        };
        let finalizer = if pod.finalizer { ", tracked" } else { "" };
        let owner = if pod.owned { "" } else { ", orphan" };
        let deleting = if pod.deleting { ", Terminating" } else { "" };
        text += &format!(", pod-{number} ({phase}{finalizer}{owner}{deleting})");
    }
    text
}

fn status(job: &Job) -> String {
    let waiting = job.uncounted.iter().filter(|uncounted| **uncounted != Uncounted::No).count();
    let Job { succeeded, failed, condition, .. } = job;
    format!("Job ({succeeded} succeeded, {failed} failed, {waiting} uncounted, {condition:?})")
}

fn request(request: &Request) -> String {
    match request {
        Request::None => "asks for nothing".to_owned(),
        Request::CreatePod => "asks for a Pod".to_owned(),
        Request::DeletePod { pod } => format!("asks for the deletion of pod-{pod}"),
        Request::UpdateStatus { write, .. } => format!("writes {}", status(write)),
        Request::RemoveFinalizers { .. } => "removes tracking finalizers".to_owned(),
    }
}
