//! What an API server sees of a Job and of its Pods.
//!
//! The Job is suspended, and its Pods name it and their finalizer in words that no cluster knows, so
//! that the controllers of a real one leave them to these.

use super::objects::{Condition, Job, Uncounted};
use super::{Action, Request as Asked, State};
use crate::request::{CURRENT, OUTDATED, Request, uid};
use serde_json::{Value, json};

const RESOURCE: &str = "jobs.batch";
const NAME: &str = "job";
const LONG_AGO: &str = "2026-01-01T00:00:00Z";

pub(super) fn at_start() -> Vec<Request> {
    Request::nodes(1).chain([Request::create(RESOURCE, NAME, json!({}))]).collect()
}

pub(super) fn request(before: &State, action: Action, after: &State) -> Option<Request> {
    match action {
        Action::Commit | Action::LoseAnswer => commit(before, after),
        Action::CommitOrphanPatch { pod } => release(before, pod),
        // A kubelet that has ended what is being deleted removes it; a finalizer may keep it.
        Action::Succeed { pod } | Action::Fail { pod } if before.pod(pod)?.deleting => {
            Some(Request::remove_pod(name(pod)))
        }
        Action::Succeed { pod } => Some(Request::report(name(pod), "Succeeded", false)),
        Action::Fail { pod } => Some(Request::report(name(pod), "Failed", false)),
        Action::CollectPod { pod } | Action::DeletePod { pod } => {
            Some(Request::delete("pods", name(pod), json!({})))
        }
        Action::OrphanPod { pod } => {
            let body = json!({"metadata": {"ownerReferences": null}});
            Some(Request::patch("pods", name(pod), body))
        }
        Action::FinishOrphaning => {
            Some(Request::patch(RESOURCE, NAME, json!({"metadata": {"finalizers": null}})))
        }
        Action::DeleteJob { orphans } => {
            let policy = if orphans { "Orphan" } else { "Background" };
            Some(Request::delete(RESOURCE, NAME, json!({"propagationPolicy": policy})))
        }
        Action::DeliverJob
        | Action::DeliverPod
        | Action::SyncJob
        | Action::SyncOrphanPod { .. }
        | Action::Crash => None,
    }
}

fn commit(before: &State, after: &State) -> Option<Request> {
    match before.controller.request {
        Asked::None => None,
        Asked::CreatePod => {
            let (before, after) = (before.store.now().pods, after.store.now().pods);
            (0..after.len()).find(|pod| before[*pod] != after[*pod]).map(create)
        }
        Asked::DeletePod { pod } => Some(Request::delete("pods", name(pod), json!({}))),
        Asked::UpdateStatus { read, write, .. } => {
            let is_current = before.store.now().job == Some(read);
            let version = if is_current { CURRENT } else { OUTDATED };
            let body = json!({"metadata": {"resourceVersion": version}, "status": status(write)});
            Some(Request::update(&format!("{RESOURCE}/status"), NAME, body))
        }
        Asked::RemoveFinalizers { release: pods, .. } => {
            release(before, pods.iter().position(|of| *of)? as u8)
        }
    }
}

fn create(number: usize) -> Request {
    let owner = json!({"apiVersion": "kanon.invalid/v1", "kind": "Job", "name": NAME,
        "uid": uid(1, RESOURCE, NAME), "controller": true});
    let finalizers = json!(["kanon.invalid/job-tracking"]);
    let metadata = json!({"ownerReferences": [owner], "finalizers": finalizers});
    let spec = json!({"nodeName": "node-0", "restartPolicy": "Never"});
    let body = json!({"metadata": metadata, "spec": spec});
    Request::create("pods", name(number as u8), body)
}

/// The removal of a finalizer; nothing where there is none any more and so nothing changes.
fn release(before: &State, pod: u8) -> Option<Request> {
    let is_kept = before.pod(pod).is_none_or(|pod| pod.finalizer);
    let body = json!({"metadata": {"finalizers": null}});
    is_kept.then(|| Request::patch("pods", name(pod), body))
}

fn status(job: Job) -> Value {
    let of = |kind: Uncounted| -> Vec<String> {
        let pods = (0..).zip(job.uncounted).filter(|(_, uncounted)| *uncounted == kind);
        pods.map(|(pod, _)| uid(1, "pods", name(pod))).collect()
    };
    let uncounted = json!({"succeeded": of(Uncounted::Succeeded), "failed": of(Uncounted::Failed)});
    let condition = |kind: &str| json!({"type": kind, "status": "True"});
    let (conditions, completion) = match job.condition {
        Condition::None => (vec![], None),
        Condition::Complete => {
            (vec![condition("SuccessCriteriaMet"), condition("Complete")], Some(LONG_AGO))
        }
        Condition::Failed => (vec![condition("FailureTarget"), condition("Failed")], None),
    };
    json!({"succeeded": job.succeeded, "failed": job.failed, "conditions": conditions,
        "uncountedTerminatedPods": uncounted, "startTime": LONG_AGO, "completionTime": completion})
}

fn name(pod: u8) -> String {
    format!("pod-{pod}")
}
